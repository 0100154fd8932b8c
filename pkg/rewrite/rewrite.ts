import type { Certificate } from '../x509/certificate.ts';

/** What is fixed for the life of a client connection (or until its verdict changes). */
export interface ConnectionFacts {
  readonly clientIp: string;
  readonly clientPort: number;
  readonly serverPort: number;
  readonly tls: {
    /** `TLSv1.2` or `TLSv1.3`. */
    readonly protocol: string;
    /** OpenSSL name. */
    readonly cipher: string;
    readonly serverName: string;
  };
  readonly certificate: CertificateFacts;
}

/** What rules may know of the client certificate: filled only by an accept verdict (design section 4). */
export type CertificateFacts =
  | {
      readonly kind: 'accepted';
      readonly path: readonly [Certificate, ...Certificate[]];
      readonly revocation: 'good' | 'good-crl' | 'missing' | 'off' | 'unavailable';
    }
  /** Refused, but forwarded (`enforcement: Report`): every certificate variable is empty. */
  | { readonly kind: 'failed'; readonly reason: string }
  /** Nothing presented, or not looked at. */
  | { readonly kind: 'none' }
  /** Passthrough: only the `client_certificate_unverified*` variables are filled. */
  | { readonly kind: 'unverified'; readonly certificate: Certificate };

/**
 * A request as rules see it: as received, but after hop-by-hop fields, guarded names and the forwarding fields of peers
 * that are not trusted proxies have been taken out. It stays the same while rules run: they never see each other's edits.
 * Names as received; a flat list: name, value, name, value.
 */
export interface RequestView {
  readonly method: string;
  /** Path as sent, origin form or `*`, without the query; it stays the original even after a rewrite. */
  readonly path: string;
  /** Without `?`; undefined where there is none. */
  readonly query: string | undefined;
  readonly authority: string;
  readonly httpVersion: 'HTTP/1.0' | 'HTTP/1.1' | 'HTTP/2.0';
  readonly fields: readonly string[];
}

export interface ResponseView {
  readonly status: number;
  readonly fields: readonly string[];
}

/** What rules change in a request. Deletions come first, then additions replace every field of that name. */
export interface RequestEdits {
  /** Undefined leaves it. */
  readonly path: string | undefined;
  /** Undefined leaves it; empty removes it. */
  readonly query: string | undefined;
  /** Lower-case names to remove. */
  readonly remove: readonly string[];
  /** Flat name, value list to set; the names are also in `remove`. */
  readonly set: readonly string[];
}

export interface ResponseEdits {
  readonly remove: readonly string[];
  readonly set: readonly string[];
}

/** A rule's result that would not fit a header (control characters, over the limit): the request is refused, never cut. */
export class RewriteOverflow extends Error {
  readonly code = 'REWRITE_OVERFLOW';
}

/** The rules of one profile, compiled once per snapshot. */
export interface Rewrite {
  /**
   * Folded names (lower case, every character outside [a-z0-9] as `-`) that these rules and the forwarded certificate
   * make proofs of: removed from every request of the pod before anything is set. The certificate headers of other
   * proxies are removed too, whatever the policy: see `isGuarded` in guard.ts.
   */
  readonly guarded: ReadonlySet<string>;
  /** Whether any rule reads the client's port: nothing else differs between connections of one client. */
  readonly readsClientPort: boolean;
  /** Evaluates once what depends on the connection only. @throws RewriteOverflow. */
  bind(connection: ConnectionFacts): BoundRewrite;
}

export interface BoundRewrite {
  /**
   * The request edits where no request can change them: serialise once per connection. Undefined where some rule looks
   * at the request. Where `hasResponse` is true too, `request` must still be called, for its `response`.
   */
  readonly constant: RequestEdits | undefined;
  /**
   * Header edits that no request can change: `constant`'s, or what is constant of the rest. Serialise once per
   * connection; where `constant` is undefined, `request` leaves them out, and no name of theirs is in its edits.
   */
  readonly fixed: Pick<RequestEdits, 'remove' | 'set'>;
  /** Lower-case names of all request headers that `fixed` or `request` may set or remove on this connection. */
  readonly editedNames: ReadonlySet<string>;
  /** Whether any rule reads request fields: only then does it matter that `RequestView.fields` is cleaned. */
  readonly readsFields: boolean;
  /** Whether any rule touches responses. */
  readonly hasResponse: boolean;
  /** Runs the rules; the result also carries what response rules need later. @throws RewriteOverflow. */
  request(view: RequestView): {
    readonly edits: RequestEdits;
    readonly response: (view: ResponseView) => ResponseEdits;
  };
}
