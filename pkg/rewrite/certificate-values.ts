import type { Certificate } from '../x509/certificate.ts';

/**
 * How certificates are written into header values. Every result is visible ASCII and space: names are escaped by their
 * RFC 2253 text, alternative names here, everything else is hexadecimal, base64 or percent-encoded.
 */

/** A path that was verified: leaf first, trust anchor last. */
export type CertificatePath = readonly [Certificate, ...Certificate[]];

/** PEM with everything outside `A-Za-z0-9-._~` percent-encoded: what Azure and nginx put on the wire. */
export function urlEncodedPem(certificate: Certificate): string {
  return encodeURIComponent(certificate.pem).replace(/[!'()*]/g, percent);
}

/** The PEMs of the leaf and its intermediates one after another, percent-encoded; the trust anchor is left out. */
export function urlEncodedChain(path: CertificatePath): string {
  return [path[0], ...intermediates(path)].map(urlEncodedPem).join('');
}

/** Base64 of the DER: one line, padded, no markers. */
export function base64Der(certificate: Certificate): string {
  return certificate.der.toString('base64');
}

/** The value of Client-Cert: a structured-fields byte sequence. RFC 9440 2.2. */
export function rfc9440(certificate: Certificate): string {
  return `:${base64Der(certificate)}:`;
}

/** The value of Client-Cert-Chain: intermediates in order, without leaf and trust anchor; empty where there is none. RFC 9440 2.3. */
export function rfc9440Chain(path: CertificatePath): string {
  return intermediates(path).map(rfc9440).join(', ');
}

/**
 * One element of Envoy's X-Forwarded-Client-Cert: `Hash;Cert;Chain;Subject;URI;DNS`. `Chain` holds the leaf too, as
 * Envoy's does, and is left out without a verified path; `URI=` is there even when empty, as in Envoy. A backslash of
 * the subject is written `\5C` (the same in RFC 2253), so that no value can end in one and swallow its closing quote.
 */
export function xfccElement(certificate: Certificate, path: CertificatePath | undefined): string {
  const pairs = [`Hash=${certificate.sha256}`, `Cert="${urlEncodedPem(certificate)}"`];
  if (path !== undefined) pairs.push(`Chain="${urlEncodedChain(path)}"`);
  pairs.push(`Subject="${certificate.subject.text.replaceAll('\\\\', '\\5C')}"`);
  if (certificate.san.uri.length === 0) pairs.push('URI=');
  for (const uri of certificate.san.uri) pairs.push(`URI=${xfccValue(uri)}`);
  for (const dns of certificate.san.dns) pairs.push(`DNS=${xfccValue(dns)}`);
  return pairs.join(';');
}

/**
 * Alternative names joined by a comma. Within one, whatever is not visible ASCII and `,` `"` `;` `\` are
 * percent-encoded: a name can never pass for two.
 */
export function alternativeNames(names: readonly string[]): string {
  return names.map((name) => escapeName(name, /[^\x21-\x7e]|[",;\\]/gu)).join(',');
}

/** As OpenSSL prints it: `May  3 15:32:00 2023 GMT`, the day padded with a space. */
export function opensslDate(unixMs: number): string {
  const date = new Date(unixMs);
  const two = (value: number) => String(value).padStart(2, '0');
  const time = `${two(date.getUTCHours())}:${two(date.getUTCMinutes())}:${two(date.getUTCSeconds())}`;
  const day = String(date.getUTCDate()).padStart(2, ' ');
  return `${months[date.getUTCMonth()] ?? ''} ${day} ${time} ${date.getUTCFullYear()} GMT`;
}

function intermediates(path: CertificatePath): readonly Certificate[] {
  return path.slice(1, -1);
}

function xfccValue(text: string): string {
  const safe = escapeName(text, /[^\x21-\x7e]|["\\]/gu);
  return /[,;=]/.test(safe) ? `"${safe}"` : safe;
}

function escapeName(text: string, unsafe: RegExp): string {
  return text.replace(unsafe, (character) => [...Buffer.from(character, 'utf8')].map(percentOctet).join(''));
}

function percent(character: string): string {
  return percentOctet(character.charCodeAt(0));
}

function percentOctet(octet: number): string {
  return `%${octet.toString(16).toUpperCase().padStart(2, '0')}`;
}

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
