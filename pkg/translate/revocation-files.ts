import type { CaRef } from '../api/client-auth.ts';
import { compileTrust, TrustMalformed } from '../clientauth/trust.ts';
import { CrlMalformed } from '../crl/errors.ts';
import { crlsFromPem } from '../crl/pem.ts';
import { keyFault } from '../x509/key.ts';
import { certificatesFromPem, PemMalformed } from '../x509/pem.ts';
import type { FaultList } from './fault.ts';
import { type Files, maxCaFileBytes, tellMissing } from './references.ts';
import { type FileRef, fileKey } from './world.ts';

/** The files that a profile of one namespace may refer to. */
export interface ProfileFiles {
  readonly namespace: string;
  readonly files: Files;
}

/** The certificates of responders that the profile trusts by themselves, one PEM each, repeated ones once; what is wrong is told. */
export function trustedResponders(
  field: string,
  refs: readonly CaRef[],
  source: ProfileFiles,
  faults: FaultList,
): string[] {
  const texts = filesOf(field, refs, source, faults);
  return distinct(
    texts.flatMap(({ at, text, name }) => {
      const certificates = told(at, name, faults, () => certificatesFromPem(text)) ?? [];
      for (const certificate of certificates) {
        const weak = keyFault(certificate);
        // A CA that is trusted so could say anything about any other CA's certificates by every responder it authorises.
        if (certificate.isCa) {
          faults.error(at, `${name}: ${certificate.subject.text} is a CA; name the responder's own certificate`);
        } else if (weak !== undefined) {
          faults.error(at, `${name}: ${certificate.subject.text} has an unacceptable key: ${weak}`);
        }
      }
      return certificates.map(({ pem }) => pem);
    }),
  );
}

/** The CA bundles of https responders, each with its root; what is wrong is told. */
export function responderCas(field: string, refs: readonly CaRef[], source: ProfileFiles, faults: FaultList): string[] {
  return distinct(
    filesOf(field, refs, source, faults).flatMap(({ at, text, name }) => {
      const pem = told(at, name, faults, () => {
        const bundle = certificatesFromPem(text)
          .map((certificate) => certificate.pem)
          .join('');
        compileTrust([bundle]);
        return bundle;
      });
      return pem === undefined ? [] : [pem];
    }),
  );
}

/** The CRL files of the profile as they are; what is wrong is told. How old they are is judged when they are used. */
export function crlFiles(
  field: string,
  refs: readonly CaRef[],
  maxBytes: number,
  source: ProfileFiles,
  faults: FaultList,
): string[] {
  const texts = filesOf(field, refs, source, faults, maxCrlFileBytes);
  for (const { at, text, name } of texts) told(at, name, faults, () => crlsFromPem(text, maxBytes));
  return distinct(texts.map(({ text }) => text));
}

interface ReferredFile {
  readonly at: string;
  readonly text: string;
  /** For messages. */
  readonly name: string;
}

function filesOf(
  field: string,
  refs: readonly CaRef[],
  { namespace, files }: ProfileFiles,
  faults: FaultList,
  maxBytes = maxCaFileBytes,
): readonly ReferredFile[] {
  return refs.flatMap((ref, index) => {
    const at = `${field}[${index}]`;
    const file: FileRef = { kind: ref.kind, namespace, name: ref.name };
    const object = files.find(file);
    const text = object?.file(ref.key);
    if (text === undefined) {
      const consequence = 'create it or correct the reference';
      if (object === undefined) tellMissing(at, file, consequence, files, faults);
      else faults.error(at, `${fileKey(file)} has no key ${ref.key}; ${consequence}`, 'RefNotFound');
      return [];
    }
    const name = `${fileKey(file)}, key ${ref.key}`;
    const bytes = Buffer.byteLength(text);
    if (bytes > maxBytes) {
      faults.error(at, `${name}: ${bytes} bytes, limit ${maxBytes}`);
      return [];
    }
    return [{ at, text, name }];
  });
}

function told<T>(at: string, name: string, faults: FaultList, read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    const known = error instanceof PemMalformed || error instanceof TrustMalformed || error instanceof CrlMalformed;
    if (!known) throw error;
    faults.error(at, `${name}: ${error.message.replace(/^trusted CA bundle \d+(, |: )/, '')}`);
    return undefined;
  }
}

function distinct(texts: readonly string[]): string[] {
  return [...new Set(texts)];
}

/** An object of Kubernetes holds no more. */
const maxCrlFileBytes = 1_048_576;
