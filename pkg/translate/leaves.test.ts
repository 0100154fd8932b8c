import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { leaves } from '../../test/leaves.ts';
import { RewriteSetSpec } from '../api/rewrite-set.ts';
import { leavesOf } from '../api/schema.ts';
import { SslProfileSpec } from '../api/ssl-profile.ts';
import {
  changed,
  fileRef,
  type Json,
  otherFingerprint,
  outcome,
  predefined,
  profileBase,
  setBase,
} from './testdata/leaf-world.ts';

/*
 * Nothing of the schema is accepted and ignored: every leaf changes the policy or is refused, and has a test of what it does.
 */

/** How to make another legal value of one leaf, and what must come of it. */
interface Change {
  readonly value: Json;
  /** Other fields that must differ from the base for the leaf to be legal, in both the unchanged and the changed world. */
  readonly with?: Readonly<Record<string, Json | undefined>>;
  /** A change of the policy unless given. */
  readonly comesOf?: 'refusal';
  /** The unchanged world is one in which the profile is refused. */
  readonly fromRefused?: true;
  readonly sibling?: Json;
}

const auth = 'clientAuthConfiguration';
const rule = 'rewriteRules[]';
const byCrl = { [`${auth}.verifyClientRevocation`]: 'CRL', [`${auth}.crl`]: {} };
const profileChanges: Readonly<Record<string, Change>> = {
  'selector.matchLabels': { value: { app: 'other' } },
  'selector.matchExpressions[].key': { value: 'app' },
  'selector.matchExpressions[].operator': { value: 'NotIn' },
  'selector.matchExpressions[].values[]': { value: 'batch' },
  port: { value: 8445 },
  'hostnames[]': { value: '*.example.com' },
  'certificateRefs[].name': { value: 'server-other' },
  'sslPolicy.policyType': { value: 'Custom' },
  'sslPolicy.policyName': { value: 'AppGwSslPolicy20170401S', with: predefined },
  'sslPolicy.minProtocolVersion': { value: 'TLSv1_3' },
  'sslPolicy.cipherSuites[]': { value: 'TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384' },
  'trustedClientCertificates[].kind': { value: 'Secret' },
  'trustedClientCertificates[].name': { value: 'second-ca' },
  'trustedClientCertificates[].key': { value: 'second.crt' },
  [`${auth}.verifyClientAuthMode`]: { value: 'Optional' },
  [`${auth}.verifyClientCertIssuerDN`]: { value: false },
  [`${auth}.verifyClientRevocation`]: { value: 'None' },
  [`${auth}.ocsp.scope`]: { value: 'Chain' },
  [`${auth}.ocsp.responder.url`]: { value: 'http://ocsp.example.com/other' },
  [`${auth}.ocsp.responder.use`]: { value: 'Override' },
  [`${auth}.ocsp.timeout`]: { value: '3s' },
  [`${auth}.ocsp.maxAge`]: { value: '61s' },
  [`${auth}.ocsp.clockSkew`]: { value: '10s' },
  [`${auth}.ocsp.nonce`]: { value: 'Required' },
  [`${auth}.ocsp.certIdHash`]: { value: 'SHA1' },
  [`${auth}.ocsp.onMissingResponder`]: { value: 'Allow' },
  [`${auth}.ocsp.onUnavailable`]: { value: 'Allow' },
  [`${auth}.ocsp.responderAllowList[]`]: { value: 'ocsp.example.com:8080' },
  [`${auth}.ocsp.allowInternalAddresses[]`]: { value: '127.0.0.1/32' },
  ...refChanges(`${auth}.ocsp.trustedResponderRefs`, 'responders'),
  ...refChanges(`${auth}.ocsp.caRefs`, 'ca'),
  [`${auth}.ocsp.proxy.url`]: {
    value: 'http://proxy:3128',
    with: { [`${auth}.ocsp.proxy`]: { url: 'http://proxy:8080' } },
  },
  [`${auth}.ocsp.maxAgeWithoutNextUpdate`]: { value: '1h' },
  [`${auth}.ocsp.maxResponseAge`]: { value: '24h' },
  [`${auth}.ocsp.sha1Signatures`]: { value: 'Allow' },
  ...refChanges(`${auth}.crl.refs`, 'crls', byCrl),
  [`${auth}.crl.maxAge`]: { value: '1h', with: byCrl },
  [`${auth}.crl.maxBytes`]: { value: 2048, with: byCrl },
  [`${auth}.allow[].subjectDn`]: { value: 'CN=b' },
  [`${auth}.allow[].dnsName`]: { value: '*.example' },
  [`${auth}.allow[].uri`]: { value: 'spiffe://a/' },
  [`${auth}.allow[].email`]: { value: 'b@example.com' },
  [`${auth}.allow[].sha256Fingerprint`]: { value: otherFingerprint },
  [`${auth}.allow[].spkiSha256`]: { value: otherFingerprint },
  [`${auth}.allow[].issuerSpkiSha256`]: { value: otherFingerprint },
  [`${auth}.publicPaths[].type`]: { value: 'Prefix' },
  [`${auth}.publicPaths[].value`]: { value: '/livez' },
  [`${auth}.weakerSibling`]: {
    value: 'Allow',
    with: { [`${auth}.verifyClientAuthMode`]: 'Optional' },
    // In front of the same application, and asks more.
    sibling: changed(profileBase, { port: 9443 }),
    fromRefused: true,
  },
  [`${auth}.advertiseTrustedCas`]: { value: 'Disabled' },
  [`${auth}.refusal.status`]: { value: 403 },
  [`${auth}.refusal.detail`]: { value: 'Generic' },
  [`${auth}.enforcement`]: { value: 'Report' },
  'forwardClientCertificate.header': { value: 'X-Other-Cert' },
  'forwardClientCertificate.format': { value: 'Xfcc' },
  'forwardClientCertificate.unverified': {
    value: 'Allow',
    with: { [`${auth}.verifyClientAuthMode`]: 'Passthrough', trustedClientCertificates: undefined },
    fromRefused: true,
  },
  'rewriteSets[].name': { value: 'two' },
  'backend.port': { value: 8081 },
  'backend.socket': { value: '/run/other.sock', with: { backend: { socket: '/run/app.sock' } } },
  'backend.protocol': { value: 'H2C' },
  'backend.whenExposed': { value: 'Refuse' },
  'backend.timeouts.connect': { value: '1s' },
  'backend.timeouts.response': { value: '1s' },
  'backend.timeouts.idle': { value: '1s' },
  'backend.timeouts.head': { value: '1s' },
  'backend.timeouts.request': { value: '1s' },
  'backend.timeouts.connectionAge': { value: '1h' },
  'backend.limits.requestBodyBytes': { value: 1 },
  'backend.limits.headBytes': { value: 2048 },
  'backend.limits.headerCount': { value: 50 },
  'backend.limits.connections': { value: 0 },
  'trustedProxies[]': { value: '198.51.100.1' },
};

const setChanges: Readonly<Record<string, Change>> = {
  [`${rule}.name`]: { value: 'other' },
  [`${rule}.ruleSequence`]: { value: 101 },
  [`${rule}.conditions[].variable`]: { value: 'var_host' },
  [`${rule}.conditions[].pattern`]: { value: '^/b' },
  [`${rule}.conditions[].ignoreCase`]: { value: true },
  [`${rule}.conditions[].negate`]: { value: true },
  [`${rule}.actionSet.requestHeaderConfigurations[].headerName`]: { value: 'X-Two' },
  [`${rule}.actionSet.requestHeaderConfigurations[].headerValue`]: { value: '{var_uri_path}' },
  ...Object.fromEntries(
    (['pattern', 'ignoreCase', 'negate'] as const).map((leaf) => [
      `${rule}.actionSet.requestHeaderConfigurations[].headerValueMatcher.${leaf}`,
      {
        value: leaf === 'pattern' ? 'y' : true,
        with: { [`${rule}.actionSet.requestHeaderConfigurations[].headerValueMatcher`]: { pattern: 'x' } },
        comesOf: 'refusal',
      } as const,
    ]),
  ),
  [`${rule}.actionSet.responseHeaderConfigurations[].headerName`]: {
    value: 'X-Two',
    with: { [`${rule}.actionSet.responseHeaderConfigurations[].headerValueMatcher`]: undefined },
  },
  [`${rule}.actionSet.responseHeaderConfigurations[].headerValue`]: { value: 'e=f' },
  [`${rule}.actionSet.responseHeaderConfigurations[].headerValueMatcher.pattern`]: { value: '^b=' },
  [`${rule}.actionSet.responseHeaderConfigurations[].headerValueMatcher.ignoreCase`]: { value: true },
  [`${rule}.actionSet.responseHeaderConfigurations[].headerValueMatcher.negate`]: { value: true },
  [`${rule}.actionSet.urlConfiguration.modifiedPath`]: { value: '/e' },
  [`${rule}.actionSet.urlConfiguration.modifiedQueryString`]: { value: '' },
  [`${rule}.actionSet.urlConfiguration.reroute`]: { value: true, comesOf: 'refusal' },
};

const kinds = [
  { kind: 'SslProfile', schema: SslProfileSpec, base: profileBase, changes: profileChanges },
  { kind: 'RewriteSet', schema: RewriteSetSpec, base: setBase, changes: setChanges },
] as const;

for (const { kind, schema, base, changes } of kinds) {
  describe(`every leaf of ${kind} means something`, () => {
    for (const { path, description } of leavesOf(schema)) {
      test(`${kind} ${path}`, () => {
        const change = changes[path];
        assert.ok(change !== undefined, `say in this file how to change ${path}`);
        assert.ok((description ?? '').length > 0, `${path} has no description`);
        const before = changed(base, change.with ?? {});
        const after = changed(before, { [path]: change.value });
        assert.notDeepEqual(after, before);
        const changedWorld = outcome(kind, after, change.sibling);
        if (change.comesOf === 'refusal') {
          assert.notDeepEqual(changedWorld.errors, []);
        } else {
          const unchangedWorld = outcome(kind, before, change.sibling);
          assert.equal(unchangedWorld.errors.length > 0, change.fromRefused ?? false, 'the unchanged value');
          assert.deepEqual(changedWorld.errors, [], 'the changed value must be legal');
          assert.notEqual(changedWorld.digest, unchangedWorld.digest, 'the leaf is accepted and ignored');
        }
        const entry = leaves[`${kind}.spec.${path}`];
        assert.ok(entry !== undefined, `name the test that shows what ${path} does in test/leaves.ts`);
        const source = readFileSync(new URL(`../../${entry.file}`, import.meta.url), 'utf8');
        assert.ok(source.includes(`'${entry.test}'`), `${entry.file} has no test '${entry.test}'`);
      });
    }

    test(`no entry of test/leaves.ts is left over from ${kind}`, () => {
      const known = new Set(leavesOf(schema).map(({ path }) => `${kind}.spec.${path}`));
      const registered = Object.keys(leaves).filter((leaf) => leaf.startsWith(`${kind}.`));
      assert.deepEqual(
        registered.filter((leaf) => !known.has(leaf)),
        [],
      );
    });
  });
}

/** The three leaves of a reference to a file: each has another file at its other value. */
function refChanges(field: string, name: string, more: NonNullable<Change['with']> = {}): Record<string, Change> {
  const others = { kind: 'Secret', name: `second-${name}`, key: 'second.crt' };
  return Object.fromEntries(
    Object.entries(others).map(([leaf, value]) => [
      `${field}[].${leaf}`,
      { value, with: { ...more, [field]: [fileRef(name)] } },
    ]),
  );
}
