import { makeAuthority } from '../support/pki.ts';
import { configMapText, profileText, type SpecText, testFields } from '../support/profile.ts';
import { linesNamed, pki } from '../support/talk.ts';

/*
 * What each field of an SslProfile asks of a client certificate, seen by clients: the field is changed in a manifest,
 * and everything else is as it was.
 */

const good = pki.client('good').certificate;
const expired = pki.client('expired').certificate;
const otherHash = 'cd'.repeat(32);
const aside = makeAuthority('aside', 'CN=Aside,O=Lychgate', Date.now(), pki.root);
const ofAside = aside.issue({ subject: 'CN=client of another intermediate' });
const strangerPem = pki.stranger.certificate.pem;

function auth(text: string): SpecText {
  return { clientAuthConfiguration: `{verifyClientRevocation: None, ${text}}` };
}

/** An entry that matches the good client, and one that does not. */
function allow(field: string, matching: string, other: string): readonly SpecText[] {
  return [matching, other].map((value) => auth(`allow: [{${field}: ${JSON.stringify(value)}}]`));
}

testFields([
  {
    name: 'verifyClientAuthMode decides whether a certificate must be there and whether it is judged',
    specs: ['Strict', 'Optional', 'Passthrough', 'Off'].map((mode) => auth(`verifyClientAuthMode: ${mode}`)),
    question: async ({ app, outcome }) => {
      const outcomes = [await outcome({ identity: null }), await outcome({ identity: pki.client('stranger') })];
      await outcome();
      const shown = linesNamed(app.received.at(-1) ?? '', 'x-client-cert').length;
      return `${outcomes.join(', ')}; ${shown} certificate shown`;
    },
    want: [
      '400 NoCertificate, 400 UntrustedIssuer; 1 certificate shown',
      '200, 400 UntrustedIssuer; 1 certificate shown',
      '200, 200; 0 certificate shown',
      '200, 200; 0 certificate shown',
    ],
  },
  {
    name: 'verifyClientCertIssuerDN: true refuses a leaf of another intermediate than the configured one',
    specs: [auth('verifyClientCertIssuerDN: true'), auth('verifyClientCertIssuerDN: false')],
    question: ({ outcome }) => outcome({ identity: ofAside }),
    want: ['400 IssuerMismatch', '200'],
  },
  {
    name: 'allow.subjectDn lets that subject pass and nobody else',
    specs: allow('subjectDn', good.subject.text, 'CN=somebody else'),
    question: ({ outcome }) => outcome(),
    want: ['200', '400 NotAllowed'],
  },
  {
    name: 'allow.dnsName lets that DNS name pass and nobody else',
    specs: allow('dnsName', '*.example.test', 'other.example.test'),
    question: ({ outcome }) => outcome(),
    want: ['200', '400 NotAllowed'],
  },
  {
    name: 'allow.uri lets that URI pass and nobody else',
    specs: allow('uri', 'spiffe://example.test/ns/shop/', 'spiffe://example.test/ns/shop/sa/other'),
    question: ({ outcome }) => outcome(),
    want: ['200', '400 NotAllowed'],
  },
  {
    name: 'allow.email lets that address pass and nobody else',
    specs: allow('email', 'client@example.test', 'other@example.test'),
    question: ({ outcome }) => outcome(),
    want: ['200', '400 NotAllowed'],
  },
  {
    name: 'allow.sha256Fingerprint lets that certificate pass and nobody else',
    specs: allow('sha256Fingerprint', good.sha256.toUpperCase().replace(/..(?!$)/g, '$&:'), otherHash),
    question: ({ outcome }) => outcome(),
    want: ['200', '400 NotAllowed'],
  },
  {
    name: 'allow.spkiSha256 lets that key pass and nobody else',
    specs: allow('spkiSha256', good.spkiSha256, otherHash),
    question: ({ outcome }) => outcome(),
    want: ['200', '400 NotAllowed'],
  },
  {
    name: 'allow.issuerSpkiSha256 lets that CA pass and nobody else',
    specs: allow('issuerSpkiSha256', pki.intermediate.certificate.spkiSha256, otherHash),
    question: ({ outcome }) => outcome(),
    want: ['200', '400 NotAllowed'],
  },
  {
    name: 'publicPaths.value is the path that needs no certificate',
    specs: [auth('publicPaths: [{type: Exact, value: /healthz}]'), auth('publicPaths: [{type: Exact, value: /livez}]')],
    question: async ({ outcome }) =>
      `${await outcome({ identity: null, path: '/healthz' })}, ${await outcome({ identity: null, path: '/livez' })}`,
    want: ['200, 400 NoCertificate', '400 NoCertificate, 200'],
  },
  {
    name: 'publicPaths.type decides whether what is below the path is public too',
    specs: [auth('publicPaths: [{type: Exact, value: /docs}]'), auth('publicPaths: [{type: Prefix, value: /docs}]')],
    question: async ({ outcome }) =>
      `${await outcome({ identity: null, path: '/docs/a' })}, ${await outcome({ identity: null, path: '/docsa' })}`,
    want: ['400 NoCertificate, 400 NoCertificate', '200, 400 NoCertificate'],
  },
  {
    name: 'refusal.status is the status that a refused client gets',
    specs: [400, 401, 403].map((status) => auth(`refusal: {status: ${status}}`)),
    question: ({ outcome }) => outcome({ identity: null }),
    want: ['400 NoCertificate', '401 NoCertificate', '403 NoCertificate'],
  },
  {
    name: 'refusal.detail: Generic keeps the reason from a refused client',
    specs: [auth('refusal: {detail: Reason}'), auth('refusal: {detail: Generic}')],
    question: async ({ ask }) => (await ask({ identity: pki.client('expired') })).split('\r\n\r\n')[1] ?? '',
    want: [
      `client certificate refused: Expired (since ${new Date(expired.notAfterMs).toISOString().slice(0, 19)}Z)\n`,
      'client certificate refused\n',
    ],
  },
  {
    name: 'enforcement: Report forwards what Enforce refuses, without the certificate',
    specs: [auth('enforcement: Enforce'), auth('enforcement: Report')],
    question: async ({ app, outcome }) => {
      const got = await outcome({ identity: pki.client('stranger'), fields: 'X-Client-Cert: forged\r\n' });
      return `${got}, ${app.received.map((text) => linesNamed(text, 'x-client-cert').length).join()}`;
    },
    want: ['400 UntrustedIssuer, ', '200, 0'],
  },
  {
    name: 'weakerSibling: Allow serves a profile that asks less than its sibling of the same application',
    options: {
      spec: { hostnames: '[weak.example.test]' },
      documents: [profileText('strict', { hostnames: '[strict.example.test]' })],
    },
    specs: ['Refuse', 'Allow'].map((word) => auth(`verifyClientAuthMode: Optional, weakerSibling: ${word}`)),
    question: async ({ outcome, faults }) => {
      const at = (host: string) => outcome({ identity: null, host, tls: { servername: host } });
      return `${await at('weak.example.test')}, ${await at('strict.example.test')}, ${faults.length} faults`;
    },
    want: ['no handshake, 400 NoCertificate, 1 faults', '200, 400 NoCertificate, 0 faults'],
  },
  {
    name: 'trustedClientCertificates.kind is the kind of object that the CAs are read from',
    options: { documents: [configMapText('partner-ca', { 'ca.crt': strangerPem }, 'Secret')] },
    specs: ['ConfigMap', 'Secret'].map((kind) => ({
      trustedClientCertificates: `[{kind: ${kind}, name: partner-ca}]`,
    })),
    question: async ({ outcome }) => `${await outcome()}, ${await outcome({ identity: pki.client('stranger') })}`,
    want: ['200, 400 UntrustedIssuer', '400 UntrustedIssuer, 200'],
  },
  {
    name: 'trustedClientCertificates.name is the object whose CAs are trusted',
    options: { documents: [configMapText('stranger-ca', { 'ca.crt': strangerPem })] },
    specs: ['partner-ca', 'stranger-ca'].map((name) => ({
      trustedClientCertificates: `[{kind: ConfigMap, name: ${name}}]`,
    })),
    question: async ({ outcome }) => `${await outcome()}, ${await outcome({ identity: pki.client('stranger') })}`,
    want: ['200, 400 UntrustedIssuer', '400 UntrustedIssuer, 200'],
  },
  {
    name: 'trustedClientCertificates.key is the file whose CAs are trusted',
    options: { documents: [configMapText('both', { 'ca.crt': pki.caPem, 'stranger.crt': strangerPem })] },
    specs: ['ca.crt', 'stranger.crt'].map((key) => ({
      trustedClientCertificates: `[{kind: ConfigMap, name: both, key: ${key}}]`,
    })),
    question: async ({ outcome }) => `${await outcome()}, ${await outcome({ identity: pki.client('stranger') })}`,
    want: ['200, 400 UntrustedIssuer', '400 UntrustedIssuer, 200'],
  },
  {
    name: 'forwardClientCertificate.header is the header that the application finds the certificate in',
    specs: [{}, { forwardClientCertificate: '{header: X-Partner}' }],
    question: async ({ app, ask }) => {
      await ask({ fields: 'X-Partner: forged\r\n' });
      const received = app.received[0] ?? '';
      return [...linesNamed(received, 'x-client-cert'), ...linesNamed(received, 'x-partner')].join();
    },
    want: [
      `X-Client-Cert: ${encodeURIComponent(good.pem)},X-Partner: forged`,
      `X-Partner: ${encodeURIComponent(good.pem)}`,
    ],
  },
  {
    name: 'forwardClientCertificate.format is how the application finds the certificate written',
    specs: ['UrlEncodedPem', 'Base64Der', 'Rfc9440', 'Xfcc'].map((format) => ({
      forwardClientCertificate: `{format: ${format}}`,
    })),
    question: async ({ app, ask }) => {
      await ask();
      return linesNamed(app.received[0] ?? '', 'x-client-cert')
        .join()
        .replace('X-Client-Cert: ', '')
        .slice(0, 72);
    },
    want: [
      encodeURIComponent(good.pem).slice(0, 72),
      good.der.toString('base64').slice(0, 72),
      `:${good.der.toString('base64')}`.slice(0, 72),
      `Hash=${good.sha256};Cert=`.slice(0, 72),
    ],
  },
  {
    name: 'forwardClientCertificate.unverified: Allow shows a certificate that nobody verified',
    specs: ['Deny', 'Allow'].map((word) => ({
      ...auth('verifyClientAuthMode: Passthrough'),
      forwardClientCertificate: `{unverified: ${word}}`,
    })),
    question: async ({ app, outcome, faults }) => {
      const got = await outcome({ identity: pki.client('stranger') });
      return `${got}, ${app.received.map((text) => linesNamed(text, 'x-client-cert').length).join()}, ${faults.length} faults`;
    },
    want: ['no handshake, , 1 faults', '200, 1, 0 faults'],
  },
]);
