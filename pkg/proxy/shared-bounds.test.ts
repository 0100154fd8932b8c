import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RewriteRule } from '../policy/policy.ts';
import { compileRewrite } from '../rewrite/compile.ts';
import type { ConnectionFacts } from '../rewrite/rewrite.ts';
import { certificate, connection, header, rule, set, when } from '../rewrite/testdata/facts.ts';
import { SharedBounds } from './shared-bounds.ts';

const leaf = certificate({ pem: 'PEM\n' });
const presented = { kind: 'accepted', path: [leaf], revocation: 'good' } as const;
const first: ConnectionFacts = connection(presented);
const ofCertificate = rule({ requestHeaders: [header('X-Client-Cert', '{var_client_certificate}')] });
const { tls } = first;

for (const { name, rules = [ofCertificate], next, trusted = false, same } of [
  { name: 'its next connection, from another port', next: { clientPort: 50124 }, same: true },
  { name: 'a connection from another address', next: { clientIp: '203.0.113.8' }, same: false },
  { name: 'a connection of a trusted proxy', next: {}, trusted: true, same: false },
  { name: 'a connection to another port', next: { serverPort: 9443 }, same: false },
  { name: 'a connection by another name', next: { tls: { ...tls, serverName: 'a.example' } }, same: false },
  { name: 'a connection by another version', next: { tls: { ...tls, protocol: 'TLSv1.2' } }, same: false },
  { name: 'a connection by another cipher', next: { tls: { ...tls, cipher: 'other' } }, same: false },
  { name: 'a connection with another certificate', next: { certificate: { ...presented, path: [leaf] } }, same: false },
  {
    name: 'a connection of another word on revocation',
    next: { certificate: { ...presented, revocation: 'unavailable' } },
    same: false,
  },
  {
    name: 'a connection without an accepted certificate',
    next: { certificate: { kind: 'none' } },
    same: false,
  },
  {
    name: 'its next connection, where a rule reads the port',
    rules: [rule({ requestHeaders: [header('X-Port', '{var_client_port}')] })],
    next: { clientPort: 50124 },
    same: false,
  },
  {
    name: 'its next connection, where a condition reads the port',
    rules: [rule({ conditions: [when('var_client_port', '^50123$')], requestHeaders: [header('X-First', 'yes')] })],
    next: { clientPort: 50124 },
    same: false,
  },
  {
    name: 'its next connection, where a rule reads requests',
    rules: [rule({ requestHeaders: [header('X-Path', '{var_uri_path}')] })],
    next: { clientPort: 50124 },
    same: false,
  },
  {
    name: 'its next connection, where a rule changes answers',
    rules: [rule({ responseHeaders: [header('X-Status', '{var_http_status}')] })],
    next: { clientPort: 50124 },
    same: false,
  },
] satisfies {
  name: string;
  rules?: RewriteRule[];
  next: Partial<ConnectionFacts>;
  trusted?: boolean;
  same: boolean;
}[]) {
  test(`${name} has ${same ? 'what was bound for the certificate before' : 'its own rules bound'}`, () => {
    const bounds = new SharedBounds(compileRewrite([set(...rules)], undefined));
    const before = bounds.of(first, false);
    assert.equal(bounds.of({ ...first, ...next }, trusted) === before, same);
  });
}

test('what is not accepted is bound for every connection', () => {
  const bounds = new SharedBounds(compileRewrite([set(ofCertificate)], undefined));
  const facts = connection({ kind: 'none' });
  assert.notEqual(bounds.of(facts, false), bounds.of(facts, false));
});
