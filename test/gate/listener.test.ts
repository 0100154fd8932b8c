import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { oids } from '../../pkg/x509/extensions.ts';
import { command } from '../support/command.ts';
import { freePort } from '../support/free-port.ts';
import { testKey, writePki } from '../support/pki.ts';
import {
  gateFromManifests,
  type ManifestsGate,
  profileText,
  type SpecText,
  secretText,
  testFields,
} from '../support/profile.ts';
import { pki } from '../support/talk.ts';

/* What the fields of an SslProfile about its port, its names and its TLS do, seen by clients. */

const serverOther = pki.intermediate.issue(
  { subject: 'CN=other', extendedKeyUsage: [oids.serverAuth], san: { dns: ['localhost'] } },
  testKey('server-other'),
);
const otherPort = await freePort();

function sslPolicy(text: string): SpecText {
  return { sslPolicy: `{${text}}` };
}

/** Version and suite that a client of that version gets, or `no handshake`. */
async function negotiated({ connect }: ManifestsGate, version: 'TLSv1.2' | 'TLSv1.3'): Promise<string> {
  try {
    const { socket } = await connect({ tls: { minVersion: version, maxVersion: version } });
    return `${socket.getProtocol()} ${socket.getCipher().standardName}`;
  } catch {
    return 'no handshake';
  }
}

async function bothVersions(gate: ManifestsGate): Promise<string> {
  return `${await negotiated(gate, 'TLSv1.2')}, ${await negotiated(gate, 'TLSv1.3')}`;
}

const gcm = 'TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384';
const gcm128 = 'TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256';
const tls13 = 'TLSv1.3 TLS_AES_128_GCM_SHA256';

testFields([
  {
    name: 'port is where the gate listens in place of the port of the pod',
    specs: [{}, { port: String(otherPort) }],
    question: async ({ outcome }) => `${await outcome()}, ${await outcome({ port: otherPort })}`,
    want: ['200, no handshake', 'no handshake, 200'],
  },
  {
    name: 'hostnames are the names that the profile answers to, whatever their case',
    specs: [{}, { hostnames: '[Shop.Example.Test.]' }],
    question: async ({ outcome }) => {
      const at = (host: string) => outcome({ host, tls: { servername: host } });
      return `${await at('shop.example.test')}, ${await at('SHOP.example.test')}, ${await at('other.example.test')}`;
    },
    want: ['200, 200, 200', '200, 200, no handshake'],
  },
  {
    name: 'certificateRefs.name is the Secret whose certificate the server shows',
    options: { documents: [secretText('other', serverOther)] },
    specs: [{}, { certificateRefs: '[{name: other}]' }],
    question: async ({ connect }) => {
      const { socket } = await connect();
      return socket.getPeerX509Certificate()?.fingerprint256.replaceAll(':', '').toLowerCase() ?? '';
    },
    want: [pki.server.certificate.sha256, serverOther.certificate.sha256],
  },
  {
    name: 'sslPolicy.policyType: Custom ends at TLS 1.2, CustomV2 does not',
    specs: ['Custom', 'CustomV2'].map((type) =>
      sslPolicy(`policyType: ${type}, minProtocolVersion: TLSv1_2, cipherSuites: [${gcm}]`),
    ),
    question: bothVersions,
    want: [`TLSv1.2 ${gcm}, no handshake`, `TLSv1.2 ${gcm}, ${tls13}`],
  },
  {
    name: 'sslPolicy.policyName is the versions and suites that clients get',
    specs: ['AppGwSslPolicy20170401S', 'AppGwSslPolicy20220101S'].map((name) => sslPolicy(`policyName: ${name}`)),
    question: bothVersions,
    want: [`TLSv1.2 ${gcm128}, no handshake`, `TLSv1.2 ${gcm}, ${tls13}`],
  },
  {
    name: 'sslPolicy.minProtocolVersion is the oldest version that clients get',
    specs: ['TLSv1_2', 'TLSv1_3'].map((version) =>
      sslPolicy(`policyType: CustomV2, minProtocolVersion: ${version}, cipherSuites: [${gcm}, TLS_AES_256_GCM_SHA384]`),
    ),
    question: bothVersions,
    want: [`TLSv1.2 ${gcm}, TLSv1.3 TLS_AES_256_GCM_SHA384`, 'no handshake, TLSv1.3 TLS_AES_256_GCM_SHA384'],
  },
  {
    name: 'sslPolicy.cipherSuites are the suites that clients get',
    specs: [gcm, gcm128].map((suite) =>
      sslPolicy(`policyType: Custom, minProtocolVersion: TLSv1_2, cipherSuites: [${suite}]`),
    ),
    question: (gate) => negotiated(gate, 'TLSv1.2'),
    want: [`TLSv1.2 ${gcm}`, `TLSv1.2 ${gcm128}`],
  },
]);

let directory: string;
before(() => {
  directory = mkdtempSync(join(tmpdir(), 'lychgate-listener-'));
  writePki(pki, directory, ['good', 'stranger']);
});
after(() => rmSync(directory, { recursive: true, force: true }));

/** The lines about CAs that `openssl s_client` prints of a handshake. */
async function advertised(port: number, version: string, servername: string): Promise<string> {
  const { stdout } = await command('openssl', [
    ...['s_client', '-connect', `127.0.0.1:${port}`, '-servername', servername, version],
    ...['-cert', join(directory, 'good.crt'), '-key', join(directory, 'good.key')],
  ]);
  if (stdout.includes('No client certificate CA names sent')) return 'none';
  const [, names] =
    /Acceptable client certificate CA names\n([^]*?)\n(?:Requested|Client Certificate Types)/.exec(stdout) ?? [];
  // Newer versions of openssl leave the blanks out.
  return names?.replaceAll(' = ', '=') ?? `nothing told: ${stdout}`;
}

const configuredCas = 'O=Lychgate, CN=Test Root\nO=Lychgate, CN=Test Intermediate';

test('advertiseTrustedCas: Disabled names no CA in the certificate request, each profile by itself, and verification stays', async (t) => {
  const disabled = { clientAuthConfiguration: '{verifyClientRevocation: None, advertiseTrustedCas: Disabled}' };
  const { port, outcome } = await gateFromManifests(t, {
    spec: { hostnames: '[named.example.test]' },
    documents: [
      profileText('silent', { ...disabled, hostnames: '[silent.example.test]' }),
      profileText('rest', disabled),
    ],
  });
  const names = ['named.example.test', 'silent.example.test', 'rest.example.test'];
  for (const version of ['-tls1_2', '-tls1_3']) {
    const got = await Promise.all(names.map((name) => advertised(port, version, name)));
    assert.deepEqual(got, [configuredCas, 'none', 'none'], version);
  }
  for (const host of names) {
    const at = (flavour: 'good' | 'stranger' | 'twin') =>
      outcome({ identity: pki.client(flavour), host, tls: { servername: host } });
    assert.deepEqual(
      [await at('good'), await at('stranger'), await at('twin')],
      ['200', '400 UntrustedIssuer', '400 UntrustedIssuer'],
      host,
    );
  }
});

test('advertiseTrustedCas: Disabled in one profile makes its CAs trusted by no other', async (t) => {
  const { outcome } = await gateFromManifests(t, {
    spec: {
      hostnames: '[silent.example.test]',
      clientAuthConfiguration: '{verifyClientRevocation: None, advertiseTrustedCas: Disabled}',
    },
    documents: [
      profileText('strangers', {
        hostnames: '[strangers.example.test]',
        trustedClientCertificates: '[{kind: ConfigMap, name: stranger-ca}]',
      }),
      `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: stranger-ca, namespace: shop}\ndata: ${JSON.stringify({ 'ca.crt': pki.stranger.certificate.pem })}\n`,
    ],
  });
  const at = (host: string, flavour: 'good' | 'stranger') =>
    outcome({ identity: pki.client(flavour), host, tls: { servername: host } });
  assert.deepEqual(
    [
      await at('silent.example.test', 'good'),
      await at('silent.example.test', 'stranger'),
      await at('strangers.example.test', 'good'),
      await at('strangers.example.test', 'stranger'),
    ],
    ['200', '400 UntrustedIssuer', '400 UntrustedIssuer', '200'],
  );
});
