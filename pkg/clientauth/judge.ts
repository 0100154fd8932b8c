import { createHash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { RevocationChecker } from '../crl/revocation.ts';
import { type RevocationStatus, unasked } from '../ocsp/status.ts';
import type { AskedRevocation, VerifyingClientAuth } from '../policy/policy.ts';
import { type Certificate, CertificateMalformed, parseCertificate } from '../x509/certificate.ts';
import { type CertificatePath, findPath, maxSentCertificates } from '../x509/path.ts';
import { compileAllow } from './allow.ts';
import {
  allowed,
  earliestNotAfterMs,
  type Failure,
  fail,
  forever,
  issuerMatches,
  opensslAgrees,
  purposeIsClientAuth,
  wellFormed,
  withinValidity,
} from './checks.ts';
import { checkResults } from './explain.ts';
import type { LocalFinding, PreVerdict } from './pre-verdict.ts';
import { type Answered, pathNotRevoked } from './revocation.ts';
import type { Trust } from './trust.ts';
import type { CheckResult, RevocationWord, Verdict } from './verdict.ts';

/** What the TLS layer has of a peer. */
export interface Presented {
  /** DER of the client's own certificate; undefined where it sent none. */
  readonly leaf: Buffer | undefined;
  /** DER of whatever else came with it: candidates, believed in nothing. */
  readonly sent: readonly Buffer[];
  /** Node's code of OpenSSL's verdict on the handshake; null where it found nothing wrong. */
  readonly authorizationError: string | null;
}

type Trusted = Extract<PreVerdict, { readonly kind: 'trusted' }>;

/** A verdict with every named check, in the order of the chain; for `lychgate check`. */
export interface Explanation {
  readonly verdict: Verdict;
  readonly checks: readonly CheckResult[];
  readonly leaf: Certificate | undefined;
}

/** Judges the client certificates of one profile. */
export interface Judge {
  readonly trust: Trust;
  /**
   * Reads what was presented and builds the path; the same object for whoever presents the same certificates, and is
   * trusted by OpenSSL too. Keeps nothing of `presented`. Never throws.
   */
  preVerdict(presented: Presented, nowMs: number): PreVerdict;
  /**
   * The verdict now: dates, purpose, issuer, allow list, then revocation, without building a path again. Also takes a
   * PreVerdict of a judge before this one: where a CA that its path relied on is gone, that is TrustWithdrawn.
   * Synchronous unless revocation has to be asked. Never throws or rejects.
   */
  recheck(before: PreVerdict, nowMs: number): Verdict | Promise<Verdict>;
  /** preVerdict, then recheck. */
  judge(presented: Presented, nowMs: number): Verdict | Promise<Verdict>;
  /** The same with each check's result. */
  explain(presented: Presented, nowMs: number): Promise<Explanation>;
}

/** Compiles a profile's settings once per snapshot. Without trusted CAs it refuses everybody. @throws AllowMalformed. */
export function compileJudge(settings: VerifyingClientAuth, trust: Trust, checker: RevocationChecker): Judge {
  const allow = compileAllow(settings.allow, trust);
  const known = new LRUCache<string, Trusted>({ max: maxRemembered });
  const revocation = settings.revocation;

  function preVerdict(presented: Presented, nowMs: number): PreVerdict {
    const { leaf: der, sent, authorizationError } = presented;
    if (der === undefined) return { kind: 'absent' };
    const tooMany = sent.length > maxSentCertificates;
    const key = tooMany ? '' : fingerprint(der, sent);
    const before = known.get(key);
    if (before !== undefined && authoritiesInDate(before.path, nowMs)) return asOpensslSays(before, authorizationError);
    let leaf: Certificate;
    try {
      leaf = parseCertificate(der);
    } catch (error) {
      return {
        kind: 'refused',
        leaf: undefined,
        check: 'wellFormed',
        failure: fail('InvalidCertificate', messageOf(error)),
      };
    }
    const form = wellFormed(leaf);
    if (form.kind === 'fail') return { kind: 'refused', leaf, check: 'wellFormed', failure: form };
    if (tooMany) {
      const failure = fail('UntrustedIssuer', `${sent.length} certificates sent, limit ${maxSentCertificates}`);
      return { kind: 'refused', leaf, check: 'pathTrusted', failure };
    }
    const result = findPath(leaf, sent.flatMap(readCandidate), trust.pool, nowMs);
    if (result.kind === 'untrusted') {
      return { kind: 'refused', leaf, check: 'pathTrusted', failure: fail('UntrustedIssuer', result.detail) };
    }
    const found = trusted(result.path);
    known.set(key, found);
    return asOpensslSays(found, authorizationError);
  }

  function trusted(path: CertificatePath): Trusted {
    const relied = path.map(({ sha256 }) => sha256).filter((sha256) => trust.fingerprints.has(sha256));
    return { kind: 'trusted', leaf: path[0], path, authorizationError: null, relied };
  }

  /** Checks of a trusted path, in order; what fails first is the verdict. OpenSSL's word comes after the reasons it hides. */
  function localFindings(before: Trusted, nowMs: number): readonly LocalFinding[] {
    const { path, authorizationError } = before;
    return [
      ['withinValidity', withinValidity(path, nowMs)],
      ['purposeIsClientAuth', purposeIsClientAuth(path)],
      ['pathTrusted', opensslAgrees(authorizationError)],
      [
        'issuerMatches',
        settings.verifyIssuerDn ? issuerMatches(path, trust) : { kind: 'skip', detail: 'not asked for' },
      ],
      ['allowed', allowed(path, allow)],
    ];
  }

  function withdrawn(before: PreVerdict): Failure | undefined {
    if (trust.anchors.length === 0) return fail('TrustWithdrawn', 'no CA is trusted any more');
    if (before.kind !== 'trusted') return undefined;
    const gone = before.relied.find((sha256) => !trust.fingerprints.has(sha256));
    const authority = before.path.find(({ sha256 }) => sha256 === gone);
    return authority === undefined
      ? undefined
      : fail('TrustWithdrawn', `${authority.subject.text} is not trusted any more`);
  }

  /** Leaves what was answered about revocation, where it is asked, in `asked`. */
  function recheck(before: PreVerdict, nowMs: number, asked: Answered[] = []): Verdict | Promise<Verdict> {
    const gone = withdrawn(before);
    if (gone !== undefined) return refuse(gone);
    if (before.kind === 'absent') {
      return settings.mode === 'Optional' ? { kind: 'none' } : refuse(fail('NoCertificate', 'none was presented'));
    }
    if (before.kind === 'refused') return refuse(before.failure);
    for (const [, finding] of localFindings(before, nowMs)) {
      if (finding.kind === 'fail') return refuse(finding);
    }
    const { path } = before;
    if (revocation.kind === 'none') return accept(path, 'off', undefined);
    const weigh = (statuses: readonly RevocationStatus[]): Verdict => {
      asked.push(...statuses.map((status, index) => ({ certificate: path[index] ?? path[0], status })));
      const finding = pathNotRevoked(asked, revocation.ocsp);
      const verdict =
        finding.kind === 'fail' ? refuse(finding) : accept(path, finding.revocation, finding.holdsUntilMs);
      const { responder } = finding;
      return responder === undefined || verdict.kind === 'none' ? verdict : { ...verdict, responder };
    };
    // All at once, the leaf first: the slowest answer is waited for, not their sum. A root answers for itself to nobody.
    const statuses = path.flatMap((certificate, index) => {
      const issuer = path[index + 1];
      return issuer === undefined || (index > 0 && revocation.ocsp.scope === 'Leaf')
        ? []
        : [ask(certificate, issuer, revocation)];
    });
    const known = statuses.filter((status): status is RevocationStatus => !(status instanceof Promise));
    return known.length === statuses.length
      ? weigh(known)
      : Promise.all(statuses.map((status) => Promise.resolve(status))).then(weigh);
  }

  function ask(
    certificate: Certificate,
    issuer: Certificate,
    questions: AskedRevocation,
  ): RevocationStatus | Promise<RevocationStatus> {
    try {
      const status = checker.check(certificate, issuer, questions);
      // The checker promises never to fail; should it, nobody passes by that.
      return status instanceof Promise ? status.catch(() => unasked) : status;
    } catch {
      return unasked;
    }
  }

  return {
    trust,
    preVerdict,
    recheck: (before, nowMs) => recheck(before, nowMs),
    judge: (presented, nowMs) => recheck(preVerdict(presented, nowMs), nowMs),
    explain: async (presented, nowMs) => {
      const before = preVerdict(presented, nowMs);
      const asked: Answered[] = [];
      const verdict = await recheck(before, nowMs, asked);
      const trusted = before.kind === 'trusted' && withdrawn(before) === undefined;
      const local = trusted ? localFindings(before, nowMs) : [];
      const answer =
        asked.length === 0 || revocation.kind === 'none' ? undefined : pathNotRevoked(asked, revocation.ocsp);
      return {
        verdict,
        checks: checkResults(before, verdict, local, answer),
        leaf: before.kind === 'absent' ? undefined : before.leaf,
      };
    },
  };
}

function refuse({ reason, detail, holdsUntilMs }: Failure): Verdict {
  return { kind: 'refuse', reason, detail, holdsUntilMs };
}

function accept(path: CertificatePath, revocation: RevocationWord, freshUntilMs: number | undefined): Verdict {
  return {
    kind: 'accept',
    path,
    revocation,
    holdsUntilMs: Math.min(freshUntilMs ?? forever, earliestNotAfterMs(path)),
  };
}

/** A candidate that is no certificate helps no path; it does not harm one either. */
function readCandidate(der: Buffer): Certificate[] {
  try {
    return [parseCertificate(der)];
  } catch {
    return [];
  }
}

function messageOf(error: unknown): string {
  return error instanceof CertificateMalformed ? error.message : 'unreadable';
}

/** The handshake's own word belongs to one connection; where it says nothing, connections share what was found. */
function asOpensslSays(before: Trusted, authorizationError: string | null): Trusted {
  return authorizationError === null ? before : { ...before, authorizationError };
}

/** Length-prefixed, so that no two lists of certificates run together to the same bytes. */
function fingerprint(leaf: Buffer, sent: readonly Buffer[]): string {
  const hash = createHash('sha256');
  for (const der of [leaf, ...sent]) hash.update(`${der.length}:`).update(der);
  return hash.digest('base64');
}

function authoritiesInDate(path: CertificatePath, nowMs: number): boolean {
  return path.slice(1).every(({ notBeforeMs, notAfterMs }) => notBeforeMs <= nowMs && nowMs <= notAfterMs);
}

const maxRemembered = 500;
