/** An X.501 name: RDN sequence as received. Compared as RDNs, never as text. */
export interface DistinguishedName {
  /** The whole Name, tag and length included. */
  readonly der: Buffer;
  /** RFC 2253 text as OpenSSL's `-nameopt RFC2253` prints it: reversed, comma without a space, non-ASCII as `\C3\A9`. */
  readonly text: string;
}
