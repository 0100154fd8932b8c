import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import type {
  ForwardedCertificate,
  HeaderAction,
  RewriteCondition,
  RewriteRule,
  RewriteSetPolicy,
} from '../../policy/policy.ts';
import type { Certificate } from '../../x509/certificate.ts';
import { issueCertificate } from '../../x509/issue.ts';
import { compileRewrite } from '../compile.ts';
import type {
  BoundRewrite,
  CertificateFacts,
  ConnectionFacts,
  RequestEdits,
  RequestView,
  ResponseEdits,
  ResponseView,
} from '../rewrite.ts';

/** Short ways to write what rules look at; every part can be replaced. */

export function connection(certificate: CertificateFacts = { kind: 'none' }): ConnectionFacts {
  return {
    clientIp: '203.0.113.7',
    clientPort: 50123,
    serverPort: 8443,
    tls: { protocol: 'TLSv1.3', cipher: 'TLS_AES_256_GCM_SHA384', serverName: 'shop.example' },
    certificate,
  };
}

export function request(over: Partial<RequestView> = {}): RequestView {
  return {
    method: 'GET',
    path: '/article.aspx',
    query: 'id=123&title=fabrikam',
    authority: 'contoso.com:8080',
    httpVersion: 'HTTP/1.1',
    fields: [],
    ...over,
  };
}

export function set(...rules: readonly RewriteRule[]): RewriteSetPolicy {
  return { name: 'set', rules: [...rules] };
}

export function rule(over: Partial<RewriteRule> = {}): RewriteRule {
  return { name: 'rule', sequence: 100, conditions: [], requestHeaders: [], responseHeaders: [], ...over };
}

export function when(variable: string, pattern: string, over: Partial<RewriteCondition> = {}): RewriteCondition {
  return { variable, pattern, ignoreCase: false, negate: false, ...over };
}

export function header(headerName: string, headerValue: string): HeaderAction {
  return { headerName, headerValue };
}

export function setCookie(
  headerValue: string,
  pattern: string,
  over: { ignoreCase?: boolean; negate?: boolean } = {},
): HeaderAction {
  return {
    headerName: 'Set-Cookie',
    headerValue,
    headerValueMatcher: { pattern, ignoreCase: false, negate: false, ...over },
  };
}

/** A certificate of which only the given members are meant; those that rules read are empty otherwise. */
export function certificate(over: Partial<Certificate> = {}): Certificate {
  const name = { der: Buffer.alloc(0), text: '' };
  const san = { dns: [], uri: [], email: [], ip: [] };
  return {
    ...real,
    pem: '',
    sha1: '',
    sha256: '',
    spkiSha256: '',
    serialHex: '',
    subject: name,
    issuer: name,
    san,
    ...over,
  };
}

export function withSubject(text: string): Certificate {
  return certificate({ subject: { der: Buffer.alloc(0), text } });
}

export function accepted(leaf: Certificate, ...above: readonly Certificate[]): CertificateFacts {
  return { kind: 'accepted', path: [leaf, ...above], revocation: 'good' };
}

/** Rules (sequences are given where absent) and what they run on. */
export interface Given {
  readonly rules: readonly Partial<RewriteRule>[];
  readonly forwarded?: ForwardedCertificate;
  readonly certificate?: CertificateFacts;
  readonly request?: Partial<RequestView>;
  readonly response?: ResponseView;
}

/** One request and its response under one set; a constant answer must agree with the request's. */
export function run({ rules, forwarded, certificate, request: view, response }: Given): {
  edits: RequestEdits;
  response: ResponseEdits;
} {
  const numbered = rules.map((over, index) => rule({ sequence: 100 + index, ...over }));
  const bound = compileRewrite(numbered.length === 0 ? [] : [set(...numbered)], forwarded).bind(
    connection(certificate),
  );
  const result = bound.request(request(view));
  if (bound.constant !== undefined) assert.deepEqual(result.edits, bound.constant);
  return { edits: wholeEdits(bound, result.edits), response: result.response(response ?? { status: 200, fields: [] }) };
}

/** What is done to a request: what is done to all of its connection, and what is done to it alone. */
export function wholeEdits({ constant, fixed }: BoundRewrite, edits: RequestEdits): RequestEdits {
  if (constant !== undefined) return edits;
  assert.deepEqual(
    fixed.remove.filter((name) => edits.remove.includes(name)),
    [],
  );
  return { ...edits, remove: [...fixed.remove, ...edits.remove], set: [...fixed.set, ...edits.set] };
}

/** Nothing is edited but what is given. */
export function edits(over: Partial<RequestEdits>): RequestEdits {
  return { path: undefined, query: undefined, remove: [], set: [], ...over };
}

const real = issueCertificate({
  subject: 'CN=test',
  key: generateKeyPairSync('ed25519').privateKey,
  notBeforeMs: 0,
  notAfterMs: 1000,
});
