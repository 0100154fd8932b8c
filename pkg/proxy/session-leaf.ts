import type { TLSSocket } from 'node:tls';

/**
 * DER of the certificate that the client of `socket` presented, out of the encoded TLS session: a sixth of the time of
 * Node's own certificate object, which copies all that was sent. Undefined where there is none, or it is not found: then
 * Node must be asked. What else the session says, its master secret above all, is overwritten.
 */
export function leafOfSession(socket: Pick<TLSSocket, 'getSession'>): Buffer | undefined {
  const session = socket.getSession();
  if (session === undefined) return undefined;
  const at = peerAt(session);
  const end = at < 0 ? 0 : endOf(session, at);
  // Buffer's own fill reads its arguments anew each time, which costs as much as all the rest here.
  overwrite.call(session, 0, 0, at < 0 ? session.length : at);
  overwrite.call(session, 0, end);
  return at < 0 ? undefined : session.subarray(at, end);
}

/**
 * Where the peer's certificate begins in OpenSSL's SSL_SESSION (ssl/ssl_asn1.c), a SEQUENCE of universal elements and then
 * of optional ones that are told by their tags; -1 where it is not there.
 */
function peerAt(session: Buffer): number {
  if (session[0] !== sequenceTag || endOf(session, 0) !== session.length) return -1;
  let at = contentAt(session, 0);
  while (at < session.length) {
    const end = endOf(session, at);
    if (session[at] === peerTag) {
      const certificate = contentAt(session, at);
      return session[certificate] === sequenceTag && endOf(session, certificate) === end ? certificate : -1;
    }
    at = end;
  }
  return -1;
}

/** Where the content of the element at `at` begins. X.690 8.1, tags of one octet. */
function contentAt(bytes: Buffer, at: number): number {
  const length = bytes[at + 1] ?? 0;
  return at + 2 + (length < 0x80 ? 0 : length - 0x80);
}

/** Where the element at `at` ends: beyond all bytes where its length cannot be read. */
function endOf(bytes: Buffer, at: number): number {
  const start = contentAt(bytes, at);
  if (start > bytes.length || start > at + 5) return Number.POSITIVE_INFINITY;
  let length = bytes[at + 1] ?? 0;
  if (length >= 0x80) {
    length = 0;
    for (let i = at + 2; i < start; i++) length = length * 256 + (bytes[i] ?? 0);
  }
  return start + length;
}

const overwrite = Uint8Array.prototype.fill;
const sequenceTag = 0x30;
const peerTag = 0xa3;
