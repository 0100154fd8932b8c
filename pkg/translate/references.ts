import type { CaRef } from '../api/client-auth.ts';
import type { SslProfileSpec } from '../api/ssl-profile.ts';
import { compileTrust, type Trust, TrustMalformed } from '../clientauth/trust.ts';
import { KeyPair, KeyPairInvalid } from '../policy/key-pair.ts';
import type { Certificate } from '../x509/certificate.ts';
import { certificatesFromPem, PemMalformed } from '../x509/pem.ts';
import type { FaultList } from './fault.ts';
import { type FileObject, type FileRef, fileKey, type World } from './world.ts';

/** Largest CA file, in bytes. Azure's limit. */
export const maxCaFileBytes = 25_600;

/** Looks up the objects that a profile of one namespace may reference: those of that namespace. */
export interface Files {
  find(ref: FileRef): FileObject | undefined;
  /** Why nothing is known of an object that find does not have; undefined where it does not exist. */
  whyUnknown(ref: FileRef): string | undefined;
}

/** Indexes the Secrets and ConfigMaps of a world. */
export function indexFiles(world: Pick<World, 'configMaps' | 'secrets' | 'unknown'>): Files {
  const index = new Map<string, FileObject>();
  for (const object of [...world.secrets, ...world.configMaps]) index.set(fileKey(object), object);
  return {
    find: (ref) => index.get(fileKey(ref)),
    whyUnknown: (ref) => world.unknown?.get(fileKey(ref)),
  };
}

/** Files that remember what was looked for, by fileKey. */
export interface RecordedFiles extends Files {
  readonly asked: ReadonlyMap<string, FileRef>;
}

/** The same files, and which of them are looked for from now on. */
export function recordFiles(files: Files): RecordedFiles {
  const asked = new Map<string, FileRef>();
  return {
    asked,
    find: ({ kind, namespace, name }) => {
      const ref = { kind, namespace, name };
      asked.set(fileKey(ref), ref);
      return files.find(ref);
    },
    whyUnknown: files.whyUnknown,
  };
}

/** Tells that a referenced object is not there, or cannot be read. `consequence` is what follows from its absence. */
export function tellMissing(field: string, ref: FileRef, consequence: string, files: Files, faults: FaultList): void {
  const why = files.whyUnknown(ref);
  if (why === undefined) faults.error(field, `${fileKey(ref)} does not exist; ${consequence}`, 'RefNotFound');
  else
    faults.error(field, `${fileKey(ref)} cannot be read (${why}); what is in force stays until it can`, 'RefUnknown');
}

/** A server certificate that can be used. */
export interface ServerCertificate {
  readonly keyPair: KeyPair;
  /** Of the leaf, Unix milliseconds. */
  readonly notAfterMs: number;
}

/** The server certificates of a profile, RSA and ECDSA side by side; whatever is wrong is told. */
export function resolveServerCertificates(
  refs: SslProfileSpec['certificateRefs'],
  namespace: string,
  files: Files,
  faults: FaultList,
): readonly ServerCertificate[] {
  const found: ServerCertificate[] = [];
  const kinds = new Map<string, string>();
  for (const [index, { name }] of refs.entries()) {
    const field = `spec.certificateRefs[${index}]`;
    const secret = files.find({ kind: 'Secret', namespace, name });
    if (secret === undefined) {
      tellMissing(field, { kind: 'Secret', namespace, name }, 'create it or correct the name', files, faults);
      continue;
    }
    const result = serverCertificate(secret);
    if (typeof result === 'string') {
      faults.error(field, `Secret ${namespace}/${name}: ${result}`, 'InvalidServerCertificate');
      continue;
    }
    const twin = kinds.get(result.keyPair.kind);
    if (twin !== undefined) {
      faults.error(
        field,
        `Secret ${namespace}/${name} has an ${result.keyPair.kind} key like ${twin}; one certificate a key algorithm can be served: remove one`,
        'InvalidServerCertificate',
      );
      continue;
    }
    kinds.set(result.keyPair.kind, name);
    found.push(result);
  }
  return found;
}

function serverCertificate(secret: FileObject): ServerCertificate | string {
  if (secret.type !== 'kubernetes.io/tls') {
    return `type is ${secret.type === '' ? 'Opaque' : secret.type}, expected kubernetes.io/tls`;
  }
  const chainText = secret.file('tls.crt');
  const keyText = secret.file('tls.key');
  if (chainText === undefined || chainText.trim() === '') return 'tls.crt is missing or empty';
  if (keyText === undefined || keyText.trim() === '') return 'tls.key is missing or empty';
  let chain: readonly Certificate[];
  try {
    chain = certificatesFromPem(chainText);
  } catch (error) {
    if (error instanceof PemMalformed) return `tls.crt: ${error.message}`;
    throw error;
  }
  const [leaf] = chain;
  if (leaf === undefined) return 'tls.crt has no certificate';
  const disorder = chain.findIndex((certificate, index) => {
    const issuer = chain[index + 1];
    return issuer !== undefined && !certificate.isIssuedBy(issuer);
  });
  if (disorder >= 0) {
    return `tls.crt: certificate ${disorder + 2} did not issue certificate ${disorder + 1}; write the leaf first, then each issuer`;
  }
  try {
    return { keyPair: KeyPair.fromPem(chain.map(({ pem }) => pem).join(''), keyText), notAfterMs: leaf.notAfterMs };
  } catch (error) {
    if (error instanceof KeyPairInvalid) return error.message;
    throw error;
  }
}

/** What the CA references of a profile came to. */
export interface ResolvedTrust {
  /** One PEM text a reference that is whole, repeated ones once. */
  readonly bundles: readonly string[];
  /** Undefined where any reference is not whole. */
  readonly trust: Trust | undefined;
  /** For a hold: what is still there, also of files with a bad block; null where that cannot be told. */
  readonly remaining: readonly string[] | null;
}

/** The CA bundles of a profile; whatever is wrong is told. A missing object is a withdrawal of its trust, a bad file a fault. */
export function resolveTrust(
  refs: readonly CaRef[],
  namespace: string,
  files: Files,
  faults: FaultList,
): ResolvedTrust {
  const bundles = new Set<string>();
  const remaining = new Set<string>();
  let withdrawn = 0;
  let untold = 0;
  for (const [index, ref] of refs.entries()) {
    const field = `spec.trustedClientCertificates[${index}]`;
    const file: FileRef = { kind: ref.kind, namespace, name: ref.name };
    const object = files.find(file);
    const text = object?.file(ref.key);
    if (text === undefined) {
      withdrawn++;
      const consequence = 'its CAs are no longer trusted';
      if (object === undefined) tellMissing(field, file, consequence, files, faults);
      else faults.error(field, `${fileKey(file)} has no key ${ref.key}; ${consequence}`, 'RefNotFound');
      continue;
    }
    const result = caBundle(text);
    if ('pem' in result) {
      bundles.add(result.pem);
      remaining.add(result.pem);
      continue;
    }
    faults.error(
      field,
      `${result.code}: ${ref.kind} ${namespace}/${ref.name}, key ${ref.key}: ${result.message}`,
      'InvalidTrustedClientCertificate',
    );
    const salvaged = salvage(text);
    if (salvaged === undefined) untold++;
    else remaining.add(salvaged);
  }
  const whole = withdrawn === 0 && bundles.size > 0 && !faults.all.some(isTrustFault);
  return {
    bundles: [...bundles],
    trust: whole ? compileTrust([...bundles]) : undefined,
    // Trust that was taken away outweighs a file that cannot be read.
    remaining: untold > 0 && withdrawn === 0 ? null : [...remaining],
  };
}

function isTrustFault({ reason }: { reason: string }): boolean {
  return reason === 'InvalidTrustedClientCertificate';
}

type CaBundle = { readonly pem: string } | { readonly code: string; readonly message: string };

/** The codes are Azure's own for its trusted client certificates. */
function caBundle(text: string): CaBundle {
  const bytes = Buffer.byteLength(text);
  if (text.trim() === '') return { code: 'TrustedClientCertificateMustSpecifyData', message: 'the file is empty' };
  if (bytes > maxCaFileBytes) {
    return {
      code: 'TrustedClientCertificateInvalidData',
      message: `${bytes} bytes, limit ${maxCaFileBytes}; split it over several references`,
    };
  }
  if (text.includes('PRIVATE KEY-----')) {
    return {
      code: 'TrustedClientCertificateMustNotHavePrivateKey',
      message: 'a private key has no place in a CA file; remove it, and replace that key',
    };
  }
  try {
    const certificates = certificatesFromPem(text);
    if (!certificates.some(({ isCa }) => isCa)) {
      return {
        code: 'TrustedClientCertificateDoesNotContainAnyCACertificate',
        message: 'no certificate in it is a CA; write the root and its intermediates',
      };
    }
    const pem = certificates.map((certificate) => certificate.pem).join('');
    compileTrust([pem]);
    return { pem };
  } catch (error) {
    if (error instanceof PemMalformed) return { code: 'TrustedClientCertificateInvalidData', message: error.message };
    if (error instanceof TrustMalformed) {
      return {
        code: 'TrustedClientCertificateInvalidData',
        message: error.message.replace(/^trusted CA bundle \d+(, |: )/, ''),
      };
    }
    throw error;
  }
}

/** The certificates of a bad file that can be read, if they still make a bundle. */
function salvage(text: string): string | undefined {
  if (Buffer.byteLength(text) > maxCaFileBytes) return undefined;
  const good = new Set<string>();
  for (const [block] of text.matchAll(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g)) {
    try {
      for (const { pem, isCa } of certificatesFromPem(block)) if (isCa) good.add(pem);
    } catch (error) {
      if (!(error instanceof PemMalformed)) throw error;
    }
  }
  const pem = [...good].join('');
  try {
    compileTrust([pem]);
    return pem;
  } catch (error) {
    if (error instanceof TrustMalformed) return undefined;
    throw error;
  }
}
