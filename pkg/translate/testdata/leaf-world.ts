import { policyDigest } from '../../policy/digest.ts';
import { translate } from '../translate.ts';
import { type Pod, podKey } from '../world.ts';
import { worldOf } from './material.ts';

export type Json = null | boolean | number | string | Json[] | { [name: string]: Json };

const fingerprint = 'ab'.repeat(32);
export const otherFingerprint = 'cd'.repeat(32);
export const predefined = {
  'sslPolicy.policyType': 'Predefined',
  'sslPolicy.minProtocolVersion': undefined,
  'sslPolicy.cipherSuites': undefined,
};
/** References to files that are there: `ca`, `responders`, `crls`, each in two kinds, two objects and under two keys. */
export const fileRef = (name: string) => ({ kind: 'ConfigMap', name, key: 'ca.crt' });

/** A profile with every optional field that can be there. */
export const profileBase: Json = {
  selector: { matchLabels: { app: 'shop' }, matchExpressions: [{ key: 'tier', operator: 'In', values: ['web'] }] },
  port: 8444,
  hostnames: ['shop.example.com'],
  certificateRefs: [{ name: 'server' }],
  sslPolicy: {
    policyType: 'CustomV2',
    minProtocolVersion: 'TLSv1_2',
    cipherSuites: ['TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384'],
  },
  trustedClientCertificates: [{ kind: 'ConfigMap', name: 'ca', key: 'ca.crt' }],
  clientAuthConfiguration: {
    ocsp: {
      responder: { url: 'http://ocsp.example.com/', use: 'Fallback' },
      responderAllowList: ['ocsp.example.com'],
      allowInternalAddresses: ['10.0.0.0/8'],
      maxResponseAge: '48h',
    },
    allow: [
      {
        subjectDn: 'CN=a',
        dnsName: 'a.example',
        uri: 'spiffe://a/b',
        email: 'a@example.com',
        sha256Fingerprint: fingerprint,
        spkiSha256: fingerprint,
        issuerSpkiSha256: fingerprint,
      },
    ],
    publicPaths: [{ type: 'Exact', value: '/healthz' }],
  },
  forwardClientCertificate: { header: 'X-Client-Cert' },
  rewriteSets: [{ name: 'one' }],
  backend: { port: 8080 },
  trustedProxies: ['192.0.2.0/24'],
};

/** A rewrite set with every optional field that can be there. */
export const setBase: Json = {
  rewriteRules: [
    {
      name: 'first',
      ruleSequence: 100,
      conditions: [{ variable: 'var_uri_path', pattern: '^/a' }],
      actionSet: {
        requestHeaderConfigurations: [{ headerName: 'X-One', headerValue: 'one' }],
        responseHeaderConfigurations: [
          { headerName: 'Set-Cookie', headerValue: 'a=b', headerValueMatcher: { pattern: '^a=' } },
        ],
        urlConfiguration: { modifiedPath: '/b', modifiedQueryString: 'c=d' },
      },
    },
  ],
};

const pod: Pod = { namespace: 'shop', name: 'web', labels: { app: 'shop', tier: 'web' }, port: 8443 };

/** What the world comes to in which the profile `shop` or the set it refers to is this. */
export function outcome(kind: 'RewriteSet' | 'SslProfile', spec: Json, sibling?: Json) {
  const set = kind === 'RewriteSet' ? spec : setBase;
  const profile = kind === 'SslProfile' ? spec : profileBase;
  const translation = translate(
    worldOf(
      [
        object('SslProfile', 'shop', profile),
        ...(sibling === undefined ? [] : [object('SslProfile', 'sibling', sibling)]),
        object('RewriteSet', 'one', set),
        object('RewriteSet', 'two', changed(setBase, { 'rewriteRules[].name': 'another' })),
        ...files('ca', '${root}${intermediate}', '${second-root}'),
        ...files('responders', '${responder}', '${other-responder}'),
        ...files('crls', '${crl}', '${other-crl}'),
        tls('server'),
        tls('server-other'),
      ],
      [pod],
    ),
  );
  const policy = translation.policies.get(podKey(pod));
  if (policy === undefined) throw new Error('no policy for the pod');
  return {
    errors: translation.faults.filter(
      ({ severity, object: of }) => severity === 'error' && of !== 'SslProfile shop/sibling',
    ),
    policy,
    digest: policyDigest(policy),
  };
}

function object(kind: string, name: string, spec?: Json) {
  const apiVersion = kind === 'Secret' || kind === 'ConfigMap' ? 'v1' : 'lychgate.dev/v1alpha1';
  return { apiVersion, kind, metadata: { namespace: 'shop', name }, ...(spec === undefined ? {} : { spec }) };
}

function files(name: string, text: string, second: string) {
  return [
    { ...object('ConfigMap', name), data: { 'ca.crt': text, 'second.crt': second } },
    { ...object('ConfigMap', `second-${name}`), data: { 'ca.crt': second } },
    { ...object('Secret', name), stringData: { 'ca.crt': second } },
  ];
}

function tls(name: string) {
  return {
    ...object('Secret', name),
    type: 'kubernetes.io/tls',
    stringData: { 'tls.crt': `\${${name}}\${intermediate}`, 'tls.key': `\${${name}.key}` },
  };
}

/** A copy with some fields replaced; `[]` is the first entry of a list, undefined takes the field away. */
export function changed(spec: Json, fields: Readonly<Record<string, Json | undefined>>): Json {
  let copy = structuredClone(spec);
  for (const [path, value] of Object.entries(fields))
    copy = replaced(copy, path.replaceAll('[]', '.0').split('.'), value);
  return copy;
}

function replaced(value: Json, [step, ...rest]: readonly string[], field: Json | undefined): Json {
  if (step === undefined) return field ?? null;
  if (Array.isArray(value)) return [replaced(value[0] ?? {}, rest, field), ...value.slice(1)];
  const record = typeof value === 'object' && value !== null ? value : {};
  if (rest.length === 0 && field === undefined) {
    const { [step]: _, ...others } = record;
    return others;
  }
  return { ...record, [step]: replaced(record[step] ?? (rest[0] === '0' ? [] : {}), rest, field) };
}
