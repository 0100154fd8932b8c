/** Numbers of RFC 9113 4.1, 6 and 7 as they stand on the wire. */

export const frameType = {
  data: 0x0,
  headers: 0x1,
  priority: 0x2,
  rstStream: 0x3,
  settings: 0x4,
  pushPromise: 0x5,
  ping: 0x6,
  goaway: 0x7,
  windowUpdate: 0x8,
  continuation: 0x9,
} as const;

/** ACK and END_STREAM share a bit. */
export const flag = { ack: 0x1, endStream: 0x1, endHeaders: 0x4, padded: 0x8, priority: 0x20 } as const;

/** Octets before every payload. */
export const frameHeadBytes = 9;

/**
 * The longest payload either way, in octets: what every peer takes (RFC 9113 6.5.2 lets nobody allow less), what we say we
 * take, and a whole TLS record.
 */
export const maxFrameBytes = 16_384;

/** The largest window and the largest stream identifier (RFC 9113 5.1.1, 6.9.1). */
export const max31 = 0x7fff_ffff;

/** Windows before anything was said about them, in octets (RFC 9113 6.9.2). */
export const defaultWindow = 65_535;

/** What a client says first (RFC 9113 3.4). */
export const clientPreface: Buffer = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1');

/** RFC 9113 7: why a stream or a connection ends. */
export const errorCode = {
  noError: 0x0,
  protocolError: 0x1,
  internalError: 0x2,
  flowControlError: 0x3,
  settingsTimeout: 0x4,
  streamClosed: 0x5,
  frameSizeError: 0x6,
  refusedStream: 0x7,
  cancel: 0x8,
  compressionError: 0x9,
  connectError: 0xa,
  enhanceYourCalm: 0xb,
  inadequateSecurity: 0xc,
  http11Required: 0xd,
} as const;

/** A 32-bit number without its first bit, which means nothing (RFC 9113 4.1). */
export function readUint31(buffer: Buffer, at: number): number {
  return (
    (((buffer[at] ?? 0) & 0x7f) << 24) |
    ((buffer[at + 1] ?? 0) << 16) |
    ((buffer[at + 2] ?? 0) << 8) |
    (buffer[at + 3] ?? 0)
  );
}

/** A 32-bit number. */
export function readUint32(buffer: Buffer, at: number): number {
  return readUint31(buffer, at) + ((buffer[at] ?? 0) & 0x80) * 0x100_0000;
}
