import type { Fault } from '../ocsp/verify.ts';
import { DerMalformed } from '../x509/der.ts';

/** Bytes that are no CRL. The message says what was expected where. */
export class CrlMalformed extends Error {
  readonly code = 'CRL_MALFORMED';
}

/** The fault that an error comes to: one of ours refuses as well. Never softenable. */
export function malformed(error: unknown): Fault {
  const known = error instanceof CrlMalformed || error instanceof DerMalformed;
  const text = error instanceof Error ? error.message : String(error);
  const detail = (known ? text : `internal fault: ${text}`).replaceAll(/[^\x20-\x7e]/g, '?');
  return { step: 'parse', cause: 'malformed', softenable: false, detail };
}
