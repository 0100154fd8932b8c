import type { RevocationChecker } from '../crl/revocation.ts';
import { type RevocationStatus, unasked } from '../ocsp/status.ts';
import type { AskedRevocation, VerifyingClientAuth } from '../policy/policy.ts';
import type { Certificate } from '../x509/certificate.ts';
import type { CertificatePath } from '../x509/path.ts';
import { compileAllow } from './allow.ts';
import {
  allowed,
  earliestNotAfterMs,
  type Failure,
  type Finding,
  fail,
  forever,
  issuerMatches,
  latestNotBeforeMs,
  opensslAgrees,
  purposeIsClientAuth,
  withinValidity,
} from './checks.ts';
import { checkResults } from './explain.ts';
import { createPreVerdict, type LocalFinding, type Presented, type PreVerdict, type Trusted } from './pre-verdict.ts';
import { type Answered, pathNotRevoked } from './revocation.ts';
import type { Trust } from './trust.ts';
import type { CheckResult, RevocationWord, Verdict } from './verdict.ts';

type Accept = Extract<Verdict, { readonly kind: 'accept' }>;
type Refuse = Extract<Verdict, { readonly kind: 'refuse' }>;

/** The last verdict that accepted a path: the same as long as the same is answered, between two dates (Unix milliseconds). */
interface Accepted {
  readonly verdict: Accept;
  readonly statuses: readonly RevocationStatus[];
  readonly fromMs: number;
  readonly untilMs: number;
}

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
   * Reads what was presented and builds the path; the same object for whoever presents the same certificate,
   * and the same others where those count, and is trusted by OpenSSL too. Keeps nothing of `presented`. Never throws.
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
  const preVerdict = createPreVerdict(trust);
  const accepted = new WeakMap<Trusted, Accepted>();
  const revocation = settings.revocation;

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

  function withdrawn(before: Trusted): Failure | undefined {
    const gone = before.relied.find((sha256) => !trust.fingerprints.has(sha256));
    const authority = before.path.find(({ sha256 }) => sha256 === gone);
    return authority === undefined
      ? undefined
      : fail('TrustWithdrawn', `${authority.subject.text} is not trusted any more`);
  }

  /** The verdict without a path to a trusted CA. */
  function withoutPath(before: Exclude<PreVerdict, Trusted>): Verdict {
    if (before.kind === 'refused') return refuse(before.failure);
    return settings.mode === 'Optional' ? { kind: 'none' } : refuse(fail('NoCertificate', 'none was presented'));
  }

  /** Leaves what was answered about revocation, where it is asked, in `asked`. */
  function recheck(before: PreVerdict, nowMs: number, asked?: Answered[]): Verdict | Promise<Verdict> {
    if (trust.anchors.length === 0) return refuse(fail('TrustWithdrawn', 'no CA is trusted any more'));
    if (before.kind !== 'trusted') return withoutPath(before);
    const last = accepted.get(before);
    // Nothing but time ends what the local checks have found of a path.
    if (last === undefined || nowMs < last.fromMs || nowMs > last.untilMs) {
      const failure =
        withdrawn(before) ??
        localFindings(before, nowMs)
          .map(([, finding]) => finding)
          .find(isFailure);
      if (failure !== undefined) return refuse(failure);
    }
    const { path } = before;
    const weigh = (statuses: readonly RevocationStatus[]): Verdict => {
      const answers = statuses.map((status, index) => ({ certificate: path[index] ?? path[0], status }));
      asked?.push(...answers);
      const verdict = weighed(path, answers);
      if (verdict.kind === 'accept') {
        accepted.set(before, { verdict, statuses, fromMs: latestNotBeforeMs(path), untilMs: earliestNotAfterMs(path) });
      }
      return verdict;
    };
    const statuses = askAll(path);
    if (statuses instanceof Promise) return statuses.then(weigh);
    const isSame = last !== undefined && asked === undefined && isSameList(last.statuses, statuses);
    return isSame ? last.verdict : weigh(statuses);
  }

  /** What a path is worth whose local checks have passed. */
  function weighed(path: CertificatePath, answers: readonly Answered[]): Verdict {
    if (revocation.kind === 'none') return accept(path, 'off', undefined);
    const finding = pathNotRevoked(answers, revocation.ocsp);
    const { responder } = finding;
    const said = responder === undefined ? {} : { responder };
    return finding.kind === 'fail'
      ? { ...refuse(finding), ...said }
      : { ...accept(path, finding.revocation, finding.holdsUntilMs), ...said };
  }

  /** All at once, the leaf first: the slowest answer is waited for, not their sum. A root answers for itself to nobody. */
  function askAll(path: CertificatePath): readonly RevocationStatus[] | Promise<readonly RevocationStatus[]> {
    if (revocation.kind === 'none') return nobodyAsked;
    const statuses: (RevocationStatus | Promise<RevocationStatus>)[] = [];
    const links = revocation.ocsp.scope === 'Leaf' ? 1 : path.length - 1;
    for (let i = 0; i < links; i++) {
      const [certificate, issuer] = [path[i], path[i + 1]];
      if (certificate !== undefined && issuer !== undefined) statuses.push(ask(certificate, issuer, revocation));
    }
    const known = statuses.filter((status): status is RevocationStatus => !(status instanceof Promise));
    return known.length === statuses.length ? known : Promise.all(statuses.map((status) => Promise.resolve(status)));
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

function isFailure(finding: Finding): finding is Failure {
  return finding.kind === 'fail';
}

function refuse({ reason, detail, holdsUntilMs }: Failure): Refuse {
  return { kind: 'refuse', reason, detail, holdsUntilMs };
}

function accept(path: CertificatePath, revocation: RevocationWord, freshUntilMs: number | undefined): Accept {
  return {
    kind: 'accept',
    path,
    revocation,
    holdsUntilMs: Math.min(freshUntilMs ?? forever, earliestNotAfterMs(path)),
  };
}

function isSameList(one: readonly RevocationStatus[], other: readonly RevocationStatus[]): boolean {
  return one.length === other.length && one.every((status, i) => status === other[i]);
}

const nobodyAsked: readonly RevocationStatus[] = [];
