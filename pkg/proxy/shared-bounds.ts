import type { CertificateFacts, ConnectionFacts, Rewrite } from '../rewrite/rewrite.ts';
import type { Bound } from './admission.ts';
import { bindConnection } from './bind.ts';

/** What rules may read of a connection, and the outcome. */
interface Last {
  readonly facts: ConnectionFacts;
  readonly certificate: Accepted;
  readonly peerIsTrustedProxy: boolean;
  readonly bound: Bound;
}

type Accepted = Extract<CertificateFacts, { readonly kind: 'accepted' }>;

/**
 * The bound rules of one profile's connections. A client that connects again with the certificate of before, from the
 * same address and by the same TLS, has what was bound for it then: rules can tell its connections apart by their port
 * alone, and where one reads that, or any looks at requests, every connection is bound for itself. Only the last of each
 * certificate is kept, as long as its path is.
 */
export class SharedBounds {
  readonly #rewrite: Rewrite;
  readonly #last = new WeakMap<Accepted['path'], Last>();

  constructor(rewrite: Rewrite) {
    this.#rewrite = rewrite;
  }

  /** @throws RewriteOverflow. */
  of(facts: ConnectionFacts, peerIsTrustedProxy: boolean): Bound {
    const { certificate } = facts;
    if (certificate.kind !== 'accepted' || this.#rewrite.readsClientPort) {
      return bindConnection(this.#rewrite, facts, peerIsTrustedProxy);
    }
    const last = this.#last.get(certificate.path);
    if (
      last !== undefined &&
      last.peerIsTrustedProxy === peerIsTrustedProxy &&
      last.certificate.revocation === certificate.revocation &&
      sameButPort(last.facts, facts)
    ) {
      return last.bound;
    }
    const bound = bindConnection(this.#rewrite, facts, peerIsTrustedProxy);
    // Rules that look at requests remember the last one: that is the connection's own.
    if (bound.rewrite.constant !== undefined && !bound.rewrite.hasResponse) {
      this.#last.set(certificate.path, { facts, certificate, peerIsTrustedProxy, bound });
    }
    return bound;
  }
}

function sameButPort(left: ConnectionFacts, right: ConnectionFacts): boolean {
  return (
    left.clientIp === right.clientIp &&
    left.serverPort === right.serverPort &&
    left.tls.serverName === right.tls.serverName &&
    left.tls.protocol === right.tls.protocol &&
    left.tls.cipher === right.tls.cipher
  );
}
