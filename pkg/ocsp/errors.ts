/** Bytes that are no OCSP response. The message says what was expected where. */
export class OcspMalformed extends Error {
  readonly code = 'OCSP_MALFORMED';
}
