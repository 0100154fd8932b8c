import type { X509Certificate } from 'node:crypto';
import type { TLSSocket } from 'node:tls';
import type { Presented } from '../clientauth/pre-verdict.ts';
import { type Certificate, parseCertificate } from '../x509/certificate.ts';
import { leafOfSession } from './session-leaf.ts';

type Peer = Pick<TLSSocket, 'authorized' | 'getPeerX509Certificate' | 'getSession'> & {
  readonly authorizationError: unknown;
};

/**
 * What the client presented in its handshake, read from the socket when it is asked for. Node's issuer links are the
 * client's own choice (a same-name twin gets in there), so they are candidates for a path and nothing more; to make them
 * Node copies every certificate by encoding and decoding it, so the leaf alone is taken from the TLS session.
 */
export class PresentedBySocket implements Presented {
  readonly #socket: Peer;
  readonly leaf: Buffer | undefined;
  readonly authorizationError: string | null;
  #sent: readonly Buffer[] | undefined;

  constructor(socket: Peer) {
    this.#socket = socket;
    this.leaf = leafOfSession(socket) ?? socket.getPeerX509Certificate()?.raw;
    this.authorizationError = authorizationErrorOf(socket);
  }

  get sent(): readonly Buffer[] {
    this.#sent ??= issuersSentBy(this.#socket);
    return this.#sent;
  }
}

function issuersSentBy(socket: Peer): Buffer[] {
  const sent: Buffer[] = [];
  let last: X509Certificate | undefined = socket.getPeerX509Certificate();
  while (last !== undefined && sent.length < maxLinks) {
    const issuer: X509Certificate | undefined = last.issuerCertificate;
    if (issuer === undefined || issuer === last || issuer.raw.equals(last.raw)) break;
    sent.push(issuer.raw);
    last = issuer;
  }
  return sent;
}

/** OpenSSL's word as Node has it: an Error by its type, a code string in fact, null where nothing is wrong. */
function authorizationErrorOf(socket: Peer): string | null {
  const error = socket.authorizationError;
  if (error === null || error === undefined) return socket.authorized ? null : 'UNAUTHORIZED';
  if (typeof error === 'string') return error;
  return error instanceof Error && 'code' in error ? String(error.code) : 'UNAUTHORIZED';
}

/** A certificate that is only shown, not judged; undefined where it cannot be read. */
export function readUnverified(presented: Presented): Certificate | undefined {
  try {
    return presented.leaf === undefined ? undefined : parseCertificate(presented.leaf);
  } catch {
    return undefined;
  }
}

/** One more than any path may have, so that too many are seen as too many. */
const maxLinks = 17;
