/**
 * A field block that cannot be read (RFC 7541). The table of the connection is lost with it, so the connection ends with
 * COMPRESSION_ERROR (RFC 9113 4.3).
 */
export class HpackError extends Error {
  readonly code = 'HPACK_MALFORMED';
}
