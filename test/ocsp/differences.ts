import { createHash } from 'node:crypto';
import { Certificate as PkijsCertificate } from 'pkijs';
import { digestByOid } from '../../pkg/ocsp/oids.ts';
import { targetOf } from '../../pkg/ocsp/request.ts';
import { parseOcspResponse } from '../../pkg/ocsp/response.ts';
import type { Verified } from '../../pkg/ocsp/verify.ts';
import type { OracleVerdict } from './pkijs-oracle.ts';
import type { SeedAnswer } from './seeds.ts';

/** A case on which the two verifiers do not agree. */
export interface Disagreement {
  readonly ours: Verified;
  readonly theirs: OracleVerdict;
  readonly response: Buffer;
  readonly seed: SeedAnswer;
}

/** A kind of disagreement that is understood; docs/ocsp.md says why we are right. */
export interface DifferenceClass {
  readonly name: string;
  readonly covers: (disagreement: Disagreement) => boolean;
}

/** In order: the first that covers a disagreement explains it. */
export const differenceClasses: readonly DifferenceClass[] = [
  weRefuse('not DER', 'parse', /minimal|definite|bytes of content|end of the input|end-of-contents|to (be|have) /),
  weRefuse('an element too many', 'parse', /expected the end of/),
  weRefuse('an element of another type', 'parse', /with tag 0x|undefined tag/),
  weRefuse('a time that is none', 'parse', /as YYYYMMDDHHMMSSZ and a real date/),
  weRefuse('a number that is none or out of range', 'parse', /between/),
  weRefuse('an extension twice', 'parse', /an extension twice/),
  weRefuse('a flag that is no DER BOOLEAN', 'parse', /BOOLEAN|TRUE|FALSE/),
  weRefuse('a signature algorithm that is not the one written', 'signatureAlgorithm', /./),
  weRefuse('SHA-1', 'sha1', /./),
  weRefuse('a signature with bytes too many', 'signer', /the signature does not verify/),
  weRefuse('a name or key that is not the signer’s to the byte', 'signer', /named responder|the responder that/),
  weRefuse('a responder certificate that is not sound', 'signer', /./),
  weRefuse('a version that is not 1', 'version', /./),
  weRefuse('a critical extension', 'responseExtensions', /./),
  weRefuse('a critical extension of a part', 'singleExtensions', /./),
  weRefuse('produced in the future', 'producedAt', /./),
  weRefuse('out of time', 'times', /./),
  weRefuse('a CertID that is not ours to the byte', 'match', /./),
  {
    name: 'several parts about one certificate: ours is the strictest in time',
    covers: ({ ours, theirs, response, seed }) =>
      ours.kind !== 'error' && theirs.kind !== 'error' && partsOf(response, seed).own > 1,
  },
  {
    name: 'Ed25519, which pkijs does not know',
    covers: ({ ours, theirs, response }) =>
      ours.kind !== 'error' &&
      theirs.detail === 'Unsupported signature algorithm: 1.3.101.112' &&
      parseOcspResponse(response).basic?.signatureAlgorithm.bytes.includes(ed25519) === true,
  },
  {
    name: 'a part about another CA’s certificate beside ours',
    covers: ({ ours, theirs, response, seed }) =>
      ours.kind !== 'error' &&
      theirs.detail.includes('not authorized for all SingleResponses') &&
      partsOf(response, seed).foreign > 0,
  },
  {
    name: 'a certificate in the answer that pkijs cannot read, and that is not the signer’s',
    covers: ({ ours, theirs, response }) =>
      ours.kind !== 'error' &&
      theirs.kind === 'error' &&
      (parseOcspResponse(response).basic?.certificates ?? []).some(
        (bytes) => !bytes.equals(ours.signer.der) && !pkijsReads(bytes),
      ),
  },
];

/** We refuse at this step what pkijs takes. */
function weRefuse(name: string, step: string, detail: RegExp): DifferenceClass {
  return {
    name,
    covers: ({ ours, theirs }) =>
      ours.kind === 'error' && ours.step === step && detail.test(ours.detail) && theirs.kind !== 'error',
  };
}

/** How many parts speak of this certificate, and how many of none of this CA: by its hashes, or by a hash that nobody knows. */
function partsOf(response: Buffer, { certificate, issuer }: SeedAnswer): { own: number; foreign: number } {
  const { issuerName, serial } = targetOf(certificate);
  let own = 0;
  let foreign = 0;
  for (const { certId } of parseOcspResponse(response).basic?.responses ?? []) {
    const digest = digestByOid.get(certId.hashOid);
    const isOurCa =
      digest !== undefined &&
      createHash(digest).update(issuerName).digest().equals(certId.issuerNameHash) &&
      createHash(digest).update(issuer.subjectPublicKey).digest().equals(certId.issuerKeyHash);
    if (!isOurCa) foreign += 1;
    else if (certId.serial.equals(serial)) own += 1;
  }
  return { own, foreign };
}

function pkijsReads(bytes: Buffer): boolean {
  try {
    // It compares certificates by writing them again, so what it cannot write it cannot read either.
    PkijsCertificate.fromBER(bytes).toSchema(true).toBER(false);
    return true;
  } catch {
    return false;
  }
}

const ed25519 = Buffer.of(0x06, 0x03, 0x2b, 0x65, 0x70);
