import type { Certificate } from '../x509/certificate.ts';
import {
  alternativeNames,
  base64Der,
  type CertificatePath,
  opensslDate,
  rfc9440,
  rfc9440Chain,
  urlEncodedChain,
  urlEncodedPem,
  xfccElement,
} from './certificate-values.ts';
import {
  appendedForwardedFor,
  basicUser,
  cookie,
  hostName,
  requestHeader,
  requestUri,
  responseHeader,
} from './message-values.ts';
import { requestFact } from './request-facts.ts';
import type { ConnectionFacts, RequestView, ResponseView } from './rewrite.ts';

/**
 * What a header that uses the variable proves to the application: `certificate` of the client certificate, `tls` of the
 * connection, nothing otherwise. Headers made of proofs are removed from every request before they are set.
 */
export type Proof = 'certificate' | 'none' | 'tls';

/** A variable by what its value depends on: never on more than that. An unset one reads as the empty string. */
export type Variable =
  | {
      readonly depends: 'connection';
      readonly proof: Proof;
      /** Set where it differs between connections of one client: see Rewrite.readsClientPort. */
      readonly ofClientPort?: true;
      readonly read: (connection: ConnectionFacts) => string;
    }
  | {
      readonly depends: 'request';
      readonly proof: 'none';
      /** The request header that it reads, in lower case. */
      readonly header?: string;
      /** What of the request it reads: bits of requestFact. */
      readonly reads: number;
      readonly read: (connection: ConnectionFacts, request: RequestView) => string;
    }
  | { readonly depends: 'response'; readonly proof: 'none'; readonly read: (response: ResponseView) => string };

/** What a name means, or why it means nothing; `fault` is the end of a sentence about the name. */
export type Resolution = Variable | { readonly fault: string };

/**
 * Finds a variable by the name that conditions use: `var_uri_path`, `http_req_User-Agent`, `http_resp_Location`.
 * Never throws.
 */
export function resolveVariable(name: string): Resolution {
  const request = /^http_req_(.*)$/s.exec(name)?.[1];
  if (request !== undefined) return headerVariable(request, requestHeaderVariable);
  const response = /^http_resp_(.*)$/s.exec(name)?.[1];
  if (response !== undefined) return headerVariable(response, responseHeaderVariable);
  const res = /^http_res_(.*)$/s.exec(name)?.[1];
  if (res !== undefined) return { fault: `is not a variable: write http_resp_${res}` };
  const server = /^var_(.*)$/s.exec(name)?.[1];
  if (server !== undefined) return serverVariable(server);
  if (serverVariables.has(name)) return { fault: `is not a variable: write var_${name}` };
  return { fault: `is not a variable: names begin with var_, http_req_ or http_resp_${suggestion(name)}` };
}

/** The names of all server variables (`cookie_NAME` aside), with `var_`, in alphabetical order. */
export function serverVariableNames(): readonly string[] {
  return [...serverVariables.keys()].map((name) => `var_${name}`).sort();
}

function headerVariable(name: string, make: (lowerName: string) => Variable): Resolution {
  if (!/^[A-Za-z0-9-]{1,256}$/.test(name)) {
    return { fault: 'names a header by other characters than letters, digits and hyphens' };
  }
  return make(name.toLowerCase());
}

function requestHeaderVariable(header: string): Variable {
  const reads = header === 'host' ? requestFact.authority : requestFact.fields;
  return { depends: 'request', proof: 'none', header, reads, read: (_, request) => requestHeader(request, header) };
}

function responseHeaderVariable(header: string): Variable {
  return { depends: 'response', proof: 'none', read: (response) => responseHeader(response, header) };
}

function serverVariable(name: string): Resolution {
  const cookieName = /^cookie_(.*)$/s.exec(name)?.[1];
  if (cookieName !== undefined) {
    if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,256}$/.test(cookieName))
      return { fault: 'does not name a cookie (RFC 6265 4.1.1)' };
    return ofFields('cookie', (_, request) => cookie(request, cookieName));
  }
  const missing = unavailable.get(name);
  if (missing !== undefined) return { fault: `is not available in a sidecar: ${missing}` };
  return serverVariables.get(name) ?? { fault: `is not a variable${suggestion(`var_${name}`)}` };
}

/** `; did you mean …?` with the nearest name, where one is near. */
function suggestion(name: string): string {
  let best: string | undefined;
  let bestDistance = Math.max(2, Math.floor(name.length / 4)) + 1;
  for (const known of serverVariableNames()) {
    const distance = Math.min(editDistance(name, known), editDistance(`var_${name}`, known));
    if (distance < bestDistance) {
      best = known;
      bestDistance = distance;
    }
  }
  return best === undefined ? '' : `; did you mean ${best}?`;
}

function editDistance(from: string, to: string): number {
  // Names are short; longer input cannot be near anything.
  if (from.length > 64) return Number.POSITIVE_INFINITY;
  let row = Array.from({ length: to.length + 1 }, (_, i) => i);
  for (let i = 1; i <= from.length; i++) {
    const next = [i];
    for (let j = 1; j <= to.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (from[i - 1] === to[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[to.length] ?? 0;
}

function ofConnection(
  proof: Proof,
  read: (connection: ConnectionFacts) => string,
): Variable & { readonly depends: 'connection' } {
  return { depends: 'connection', proof, read };
}

function ofRequest(
  reads: number,
  read: (connection: ConnectionFacts, request: RequestView) => string,
): Variable & { readonly depends: 'request' } {
  return { depends: 'request', proof: 'none', reads, read };
}

/** Of one header, in lower case. */
function ofFields(header: string, read: (connection: ConnectionFacts, request: RequestView) => string): Variable {
  return { ...ofRequest(requestFact.fields, read), header };
}

/** Of the verified certificate: empty without an accept verdict. */
function ofLeaf(read: (certificate: Certificate) => string): Variable {
  return ofPath((path) => read(path[0]));
}

function ofPath(read: (path: CertificatePath) => string): Variable {
  return ofConnection('certificate', ({ certificate }) =>
    certificate.kind === 'accepted' ? read(certificate.path) : '',
  );
}

/** Of what a client in Passthrough presented, whatever it is. */
function ofUnverified(read: (certificate: Certificate) => string): Variable {
  return ofConnection('certificate', ({ certificate }) =>
    certificate.kind === 'unverified' ? read(certificate.certificate) : '',
  );
}

function verification({ certificate }: ConnectionFacts): string {
  if (certificate.kind === 'accepted') return 'SUCCESS';
  return certificate.kind === 'failed' ? `FAILED:${certificate.reason}` : 'NONE';
}

/** What can be said of one certificate: suffix after `client_certificate` and `client_certificate_unverified`. */
const certificateFields: readonly (readonly [string, (certificate: Certificate) => string])[] = [
  ['', urlEncodedPem],
  ['_der_base64', base64Der],
  ['_end_date', (certificate) => opensslDate(certificate.notAfterMs)],
  ['_fingerprint', (certificate) => certificate.sha1],
  ['_issuer', (certificate) => certificate.issuer.text],
  ['_rfc9440', rfc9440],
  ['_san_dns', (certificate) => alternativeNames(certificate.san.dns)],
  ['_san_email', (certificate) => alternativeNames(certificate.san.email)],
  ['_san_ip', (certificate) => alternativeNames(certificate.san.ip)],
  ['_san_uri', (certificate) => alternativeNames(certificate.san.uri)],
  ['_serial', (certificate) => certificate.serialHex],
  ['_sha256_fingerprint', (certificate) => certificate.sha256],
  ['_spki_sha256', (certificate) => certificate.spkiSha256],
  ['_start_date', (certificate) => opensslDate(certificate.notBeforeMs)],
  ['_subject', (certificate) => certificate.subject.text],
];

const serverVariables: ReadonlyMap<string, Variable> = new Map<string, Variable>([
  ['add_x_forwarded_for_proxy', ofFields('x-forwarded-for', appendedForwardedFor)],
  ['ciphers_used', ofConnection('tls', ({ tls }) => tls.cipher)],
  ['client_ip', ofConnection('none', ({ clientIp }) => clientIp)],
  ['client_port', { ...ofConnection('none', ({ clientPort }) => String(clientPort)), ofClientPort: true }],
  ['client_user', ofFields('authorization', (_, request) => basicUser(request))],
  ['host', ofRequest(requestFact.authority, (_, request) => hostName(request))],
  ['http_method', ofRequest(requestFact.method, (_, request) => request.method)],
  ['http_status', { depends: 'response', proof: 'none', read: (response) => String(response.status) }],
  ['http_version', ofRequest(requestFact.httpVersion, (_, request) => request.httpVersion)],
  ['query_string', ofRequest(requestFact.query, (_, request) => request.query ?? '')],
  ['request_query', ofRequest(requestFact.query, (_, request) => request.query ?? '')],
  ['request_scheme', ofConnection('none', () => 'https')],
  ['request_uri', ofRequest(requestFact.path | requestFact.query, (_, request) => requestUri(request))],
  ['server_port', ofConnection('none', ({ serverPort }) => String(serverPort))],
  ['ssl_connection_protocol', ofConnection('tls', ({ tls }) => tls.protocol)],
  ['ssl_enabled', ofConnection('tls', () => 'On')],
  ['ssl_server_name', ofConnection('tls', ({ tls }) => tls.serverName)],
  ['uri_path', ofRequest(requestFact.path, (_, request) => request.path)],
  ...certificateFields.map(([suffix, read]) => [`client_certificate${suffix}`, ofLeaf(read)] as const),
  ...certificateFields.map(([suffix, read]) => [`client_certificate_unverified${suffix}`, ofUnverified(read)] as const),
  ['client_certificate_chain', ofPath(urlEncodedChain)],
  [
    'client_certificate_revocation',
    ofConnection('certificate', ({ certificate }) => (certificate.kind === 'accepted' ? certificate.revocation : '')),
  ],
  ['client_certificate_rfc9440_chain', ofPath(rfc9440Chain)],
  ['client_certificate_unverified_xfcc', ofUnverified((certificate) => xfccElement(certificate, undefined))],
  ['client_certificate_verification', ofConnection('certificate', verification)],
  ['client_certificate_xfcc', ofPath((path) => xfccElement(path[0], path))],
]);

/** Azure's variables that a sidecar cannot fill, each with the reason. */
const unavailable: ReadonlyMap<string, string> = new Map([
  ['ciphers_supported', "the TLS library does not tell the client's list; use var_ciphers_used"],
  ['client_tcp_rtt', 'the kernel does not tell it to an unprivileged process'],
  ['received_bytes', 'the length of a request is not known before its body has ended'],
  ['sent_bytes', 'the length of a response is not known before its body has ended'],
]);
