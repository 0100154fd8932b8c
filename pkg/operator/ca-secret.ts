import { isRecord } from '../api/raw.ts';
import type { KubernetesObject } from '../cluster/object.ts';
import { KeyPair, KeyPairInvalid } from '../policy/key-pair.ts';
import { type Certificate, isSelfSigned } from '../x509/certificate.ts';
import { certificatesFromPem, PemMalformed } from '../x509/pem.ts';
import { bundlePem, type CaState, isOwnCaName, type SigningCa } from './ca.ts';

/** What the CA's Secret says. */
export type CaSecret =
  /** Without content: a first CA may be written into it. */
  | { readonly kind: 'Empty' }
  | { readonly kind: 'State'; readonly state: CaState }
  /** Content that is not a CA of ours, or not whole. Never overwritten: it may be all that sidecars trust. */
  | { readonly kind: 'Fault'; readonly message: string };

/**
 * Reads the CA's Secret: `tls.crt` and `tls.key` are the CA that signs, `next.crt` and `next.key` the one that will,
 * `ca.crt` is the bundle of both and of those that have signed. Never throws; messages never quote key material.
 */
export function readCaSecret(raw: KubernetesObject): CaSecret {
  const data = isRecord(raw['data']) ? raw['data'] : {};
  const values = new Map(secretKeys.map((key) => [key, textOf(data[key])] as const));
  if ([...values.values()].every((text) => text === '')) return { kind: 'Empty' };
  try {
    return { kind: 'State', state: readState((key) => values.get(key) ?? '') };
  } catch (error) {
    if (!(error instanceof CaSecretInvalid)) throw error;
    return { kind: 'Fault', message: `Secret ${raw.metadata.namespace}/${raw.metadata.name}: ${error.message}` };
  }
}

/** The Secret with a state in it; what else `previous` has stays, its resourceVersion too, so that only one writer wins. */
export function caSecretObject(
  state: CaState,
  { namespace, name }: { readonly namespace: string; readonly name: string },
  previous?: KubernetesObject,
): KubernetesObject {
  const data = isRecord(previous?.['data']) ? previous['data'] : {};
  const { current, next } = state;
  return {
    ...(previous ?? { apiVersion: 'v1', kind: 'Secret', type: 'Opaque' }),
    metadata: {
      ...previous?.metadata,
      namespace,
      name,
      labels: { ...previous?.metadata.labels, 'app.kubernetes.io/managed-by': 'lychgate-operator' },
    },
    data: {
      ...Object.fromEntries(Object.entries(data).filter(([key]) => !secretKeys.some((own) => own === key))),
      'ca.crt': base64(bundlePem(state)),
      'tls.crt': base64(current.certificate.pem),
      'tls.key': base64(current.pair.revealKeyPem()),
      ...(next === undefined
        ? {}
        : { 'next.crt': base64(next.certificate.pem), 'next.key': base64(next.pair.revealKeyPem()) }),
    },
  };
}

class CaSecretInvalid extends Error {}

function readState(text: (key: SecretKey) => string): CaState {
  const current = readPair('tls', text('tls.crt'), text('tls.key'));
  const hasNext = text('next.crt') !== '' || text('next.key') !== '';
  const next = hasNext ? readPair('next', text('next.crt'), text('next.key')) : undefined;
  const bundle = readCertificates('ca.crt', text('ca.crt'));
  const signing = [current, ...(next === undefined ? [] : [next])].map(({ certificate }) => certificate.sha256);
  const missing = signing.findIndex((sha256) => !bundle.some((certificate) => certificate.sha256 === sha256));
  if (missing >= 0) throw invalid(`ca.crt does not contain ${missing === 0 ? 'tls.crt' : 'next.crt'}`);
  const retired = bundle.filter(({ sha256 }) => !signing.includes(sha256));
  const noCa = retired.find(({ isCa }) => !isCa);
  if (noCa !== undefined) throw invalid(`ca.crt contains ${noCa.subject.text}, which is not a CA`);
  return { current, next, retired };
}

function readPair(name: 'next' | 'tls', certPem: string, keyPem: string): SigningCa {
  const [certificate, ...others] = readCertificates(`${name}.crt`, certPem);
  if (certificate === undefined || others.length > 0) {
    throw invalid(`${name}.crt has ${others.length + 1} certificates, expected one`);
  }
  if (!isOwnCaName(certificate)) {
    throw invalid(
      `${name}.crt is a certificate of ${JSON.stringify(certificate.subject.text)}, not one of this operator`,
    );
  }
  if (!certificate.isCa || certificate.keyUsage?.has('keyCertSign') !== true || !isSelfSigned(certificate)) {
    throw invalid(`${name}.crt is not a self-signed CA`);
  }
  if (keyPem === '') throw invalid(`${name}.key is missing`);
  try {
    return { certificate, pair: KeyPair.fromPem(certificate.pem, keyPem) };
  } catch (error) {
    if (error instanceof KeyPairInvalid) throw invalid(`${name}.key: ${error.message}`);
    throw error;
  }
}

function readCertificates(key: SecretKey, pem: string): readonly Certificate[] {
  if (pem === '') throw invalid(`${key} is missing`);
  try {
    return certificatesFromPem(pem);
  } catch (error) {
    if (error instanceof PemMalformed) throw invalid(`${key}: ${error.message}`);
    throw error;
  }
}

function invalid(rule: string): CaSecretInvalid {
  return new CaSecretInvalid(
    `${rule}; it is left as it is, since sidecars may rely on it: restore it, or delete it to have a new CA made`,
  );
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? Buffer.from(value, 'base64').toString('latin1') : '';
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}

type SecretKey = (typeof secretKeys)[number];
const secretKeys = ['ca.crt', 'next.crt', 'next.key', 'tls.crt', 'tls.key'] as const;
