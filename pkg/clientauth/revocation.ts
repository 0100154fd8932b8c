import type { RevocationStatus } from '../ocsp/status.ts';
import type { OcspSettings } from '../policy/policy.ts';
import type { Certificate } from '../x509/certificate.ts';
import { type Failure, fail, isoTime } from './checks.ts';
import type { RevocationWord } from './verdict.ts';

/** What a revocation status is worth under a profile's settings. */
export type RevocationFinding = (
  | Failure
  | {
      readonly kind: 'pass';
      readonly revocation: Exclude<RevocationWord, 'off'>;
      readonly detail: string;
      /** Unix milliseconds; the path's dates may end it earlier. */
      readonly holdsUntilMs: number | undefined;
    }
) & {
  /** As Verdict's. */
  readonly responder?: string;
};

/** What was answered about one certificate of the path. */
export interface Answered {
  readonly certificate: Certificate;
  readonly status: RevocationStatus;
}

/**
 * What the answers about a path are worth together, the leaf's first: the strictest decides, of equally strict ones that
 * nearest the leaf. A detail about another certificate than the leaf names it.
 */
export function pathNotRevoked(answers: readonly Answered[], settings: OcspSettings): RevocationFinding {
  const findings = answers.map(({ certificate, status }, index) => {
    const finding = notRevoked(status, settings);
    if (index === 0) return finding;
    const detail = `CA ${certificate.subject.text}: ${finding.detail}`;
    return finding.kind === 'fail'
      ? { ...finding, ...fail(finding.reason, detail, finding.holdsUntilMs) }
      : { ...finding, detail };
  });
  const rank = (finding: RevocationFinding) =>
    ranks.indexOf(finding.kind === 'fail' ? finding.reason : finding.revocation);
  const [strictest] = findings.toSorted((left, right) => rank(left) - rank(right));
  // Nobody was asked: that is no answer.
  if (strictest === undefined) return fail('RevocationUnavailable', 'the question could not be asked', 0);
  if (strictest.kind === 'fail' || findings.length === 1) return strictest;
  const holds = findings.flatMap((finding) => (finding.kind === 'pass' ? (finding.holdsUntilMs ?? []) : []));
  return { ...strictest, holdsUntilMs: holds.length === 0 ? undefined : Math.min(...holds) };
}

/**
 * Maps a status to accept or refuse. Only a missing responder and the causes marked softenable can be let pass, each
 * by its own setting; revoked and unknown never.
 */
export function notRevoked(status: RevocationStatus, settings: OcspSettings): RevocationFinding {
  const finding = weigh(status, settings);
  const url =
    'answer' in status ? status.answer.responderUrl : 'responderUrl' in status ? status.responderUrl : undefined;
  const responder = url === undefined ? '' : responderOf(url);
  return responder === '' ? finding : { ...finding, responder };
}

/**
 * Host and port alone: path, query and user of a URL may be secrets. Nothing of what is no URL, as a certificate may have
 * it, but for our own word.
 */
function responderOf(url: string): string {
  return url === ofProfile ? url : (URL.parse(url)?.host ?? '');
}

function weigh(status: RevocationStatus, settings: OcspSettings): RevocationFinding {
  switch (status.kind) {
    case 'good':
      return {
        kind: 'pass',
        revocation: status.answer.source === 'crl' ? 'good-crl' : 'good',
        detail:
          status.answer.source === 'crl'
            ? `not in the CRL of ${status.answer.signer}, ${isoTime(status.answer.thisUpdateMs)}`
            : `good, by ${status.answer.signer}`,
        holdsUntilMs: status.freshUntilMs,
      };
    case 'revoked': {
      const by = status.answer.source === 'crl' ? ', by CRL' : '';
      const why = `${status.reason === undefined ? '' : `, ${status.reason}`}${by}`;
      return fail('Revoked', `since ${isoTime(status.revokedAtMs)}${why}`, status.freshUntilMs);
    }
    case 'unknown':
      return fail(
        'RevocationUnknown',
        `${responderOf(status.answer.responderUrl)} does not know the certificate`,
        status.freshUntilMs,
      );
    case 'responder-missing':
      return settings.onMissingResponder === 'Allow'
        ? { kind: 'pass', revocation: 'missing', detail: `allowed: ${status.detail}`, holdsUntilMs: undefined }
        : fail('ResponderMissing', status.detail);
    case 'unavailable':
      return settings.onUnavailable === 'Allow' && status.softenable
        ? {
            kind: 'pass',
            revocation: 'unavailable',
            detail: `allowed: ${status.cause}, ${status.detail}`,
            holdsUntilMs: status.freshUntilMs,
          }
        : fail('RevocationUnavailable', `${status.cause}, ${status.detail}`, status.freshUntilMs);
  }
}

/** As AnswerFacts has it for a list of the profile. */
const ofProfile = 'crl.refs';

/** The strictest first. A word that is not here would come before all, which is the safe side. */
const ranks: readonly string[] = [
  'Revoked',
  'RevocationUnknown',
  'RevocationUnavailable',
  'ResponderMissing',
  'unavailable',
  'missing',
  'good-crl',
  'good',
];
