import type { TLSSocket } from 'node:tls';

/**
 * DER of the certificate that the client of `socket` presented, out of the encoded TLS session: a sixth of the time of
 * Node's own certificate object, which copies all that was sent. Undefined where there is none, or it is not found: then
 * Node must be asked. What else the session says, its master secret above all, is overwritten.
 */
export function leafOfSession(socket: TLSSocket): Buffer | undefined {
  const session = socket.getSession();
  if (session === undefined) return undefined;
  const place = peerOf(session);
  if (place === undefined) {
    session.fill(0);
    return undefined;
  }
  session.fill(0, 0, place.start);
  session.fill(0, place.end);
  return session.subarray(place.start, place.end);
}

interface Place {
  readonly start: number;
  readonly end: number;
}

/**
 * OpenSSL's SSL_SESSION (ssl/ssl_asn1.c) is a SEQUENCE of universal elements and then of optional ones, by their tag:
 * [3] holds the peer's certificate.
 */
function peerOf(session: Buffer): Place | undefined {
  const outer = elementAt(session, 0, session.length, 0x30);
  if (outer === undefined || outer.end !== session.length) return undefined;
  for (let at = outer.start; at < outer.end; ) {
    const element = elementAt(session, at, outer.end, undefined);
    if (element === undefined) return undefined;
    if (session[at] !== peerTag) {
      at = element.end;
      continue;
    }
    const certificate = elementAt(session, element.start, element.end, 0x30);
    return certificate?.end === element.end ? { start: element.start, end: element.end } : undefined;
  }
  return undefined;
}

/** Where the content of the element at `at` stands, if it ends by `limit` and has the tag. X.690 8.1, one-octet tags. */
function elementAt(bytes: Buffer, at: number, limit: number, tag: number | undefined): Place | undefined {
  if (at + 2 > limit || (tag !== undefined && bytes[at] !== tag)) return undefined;
  let length = bytes[at + 1] ?? 0;
  let start = at + 2;
  if (length >= 0x80) {
    const octets = length - 0x80;
    if (octets < 1 || octets > 3 || start + octets > limit) return undefined;
    length = bytes.readUIntBE(start, octets);
    start += octets;
  }
  return start + length > limit ? undefined : { start, end: start + length };
}

const peerTag = 0xa3;
