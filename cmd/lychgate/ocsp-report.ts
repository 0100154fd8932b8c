import type { Fault, Verified } from '../../pkg/ocsp/verify.ts';
import type { Certificate } from '../../pkg/x509/certificate.ts';

/** What is known besides the outcome itself. */
export interface ReportContext {
  /** What the certificate is called: its file, or its serial. */
  readonly name: string;
  readonly issuer: Certificate;
  /** Where it was asked, and how; absent for an answer out of a file. */
  readonly asked?: {
    readonly url: string;
    readonly hash: string;
    readonly method: string | undefined;
    readonly durationMs: number;
  };
  /** For an address that is refused: the option of this command that permits it. */
  readonly hint?: string | undefined;
}

/** What is reported: an answer that counts, or why there is none. */
export type Outcome =
  | Exclude<Verified, { kind: 'error' }>
  | ({ readonly kind: 'error'; readonly cause: Fault['cause'] | 'responder-missing' } & Omit<Fault, 'cause'>);

/** 0 good, 1 revoked or unknown, 2 could not tell. */
export function exitCodeOf(outcome: Pick<Outcome, 'kind'>): 0 | 1 | 2 {
  return outcome.kind === 'good' ? 0 : outcome.kind === 'error' ? 2 : 1;
}

/** The outcome as one JSON object. */
export function reportJson(outcome: Outcome, { asked, issuer }: ReportContext): string {
  const where =
    asked === undefined
      ? {}
      : {
          responder: asked.url,
          certIdHash: asked.hash,
          method: asked.method,
          durationMs: Math.round(asked.durationMs),
        };
  if (outcome.kind === 'error') {
    const { cause, detail, step, softenable } = outcome;
    return JSON.stringify({ status: 'error', reason: cause, detail, step, softenable, ...where });
  }
  const { kind, facts, reason, revokedAtMs, usableUntilMs } = outcome;
  return JSON.stringify({
    status: kind,
    reason: reason ?? null,
    detail: detailOf(outcome, issuer),
    ...(revokedAtMs === undefined ? {} : { revokedAt: iso(revokedAtMs) }),
    signer: facts.signer,
    signedBy: facts.signedBy,
    producedAt: iso(facts.producedAtMs),
    thisUpdate: iso(facts.thisUpdateMs),
    nextUpdate: facts.nextUpdateMs === undefined ? null : iso(facts.nextUpdateMs),
    usableUntil: iso(usableUntilMs),
    ...where,
  });
}

/** What was wrong with files or flags, as one JSON object of the same form. */
export function inputFaultJson(error: unknown): string {
  const detail = error instanceof Error ? error.message : String(error);
  return JSON.stringify({ status: 'error', reason: 'bad-input', detail, step: 'input', softenable: false });
}

/** The outcome as `openssl ocsp` prints it, and then who said it, by which right, and until when it counts. */
export function reportText(outcome: Outcome, context: ReportContext): string {
  const { name, issuer, asked, hint } = context;
  const lines: string[] = [];
  if (outcome.kind === 'error') {
    lines.push(
      `${name}: could not tell`,
      `\tReason: ${outcome.cause} (at ${outcome.step})`,
      `\tDetail: ${outcome.detail}`,
    );
    if (hint !== undefined) lines.push(`\tHint: ${hint}`);
  } else {
    const { facts, kind, reason, revokedAtMs, usableUntilMs, signer } = outcome;
    lines.push('Response verify OK', `${name}: ${kind}`, `\tThis Update: ${opensslTime(facts.thisUpdateMs)}`);
    if (facts.nextUpdateMs !== undefined) lines.push(`\tNext Update: ${opensslTime(facts.nextUpdateMs)}`);
    if (reason !== undefined) lines.push(`\tReason: ${reason}`);
    if (revokedAtMs !== undefined) lines.push(`\tRevocation Time: ${opensslTime(revokedAtMs)}`);
    lines.push(`Signed by ${facts.signer}, ${rightOf(outcome, issuer)}; fresh until ${iso(usableUntilMs)}`);
    lines.push(`Produced at ${iso(facts.producedAtMs)}, serial of the signer's certificate ${signer.serialHex}`);
    if (kind === 'unknown')
      lines.push('Meaning: the responder may speak for the CA, and does not know this certificate');
  }
  if (asked !== undefined) {
    lines.push(
      `Responder: ${asked.url} (${asked.method ?? 'not asked'}, ${asked.hash} CertID, ${Math.round(asked.durationMs)} ms)`,
    );
  }
  return lines.join('\n');
}

/** By which right somebody signed. */
function rightOf({ facts }: Exclude<Outcome, { kind: 'error' }>, issuer: Certificate): string {
  switch (facts.signedBy) {
    case 'issuer':
      return 'the CA that issued the certificate';
    case 'delegate':
      return `which ${issuer.subject.text} authorised for OCSP`;
    case 'pinned':
      return 'which the settings trust for OCSP';
  }
}

function detailOf(outcome: Exclude<Outcome, { kind: 'error' }>, issuer: Certificate): string {
  const { kind, facts, reason, revokedAtMs } = outcome;
  const signed = `signed by ${facts.signer}, ${rightOf(outcome, issuer)}`;
  if (kind !== 'revoked' || revokedAtMs === undefined) return signed;
  return `since ${iso(revokedAtMs)}${reason === undefined ? '' : `, ${reason}`}; ${signed}`;
}

function iso(ms: number): string {
  return new Date(ms).toISOString().replace('.000Z', 'Z');
}

/** `Nov 20 10:00:00 2026 GMT`. */
function opensslTime(ms: number): string {
  const [, day = '', month = '', year = '', time = ''] = new Date(ms).toUTCString().split(/,? /);
  return `${month} ${day.replace(/^0/, ' ')} ${time} ${year} GMT`;
}
