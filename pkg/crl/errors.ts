/** Bytes that are no CRL. The message says what was expected where. */
export class CrlMalformed extends Error {
  readonly code = 'CRL_MALFORMED';
}
