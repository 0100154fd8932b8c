import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseOcspRequest } from '../../pkg/ocsp/read-request.ts';
import { ocspRequest, targetOf } from '../../pkg/ocsp/request.ts';
import { parseOcspResponse } from '../../pkg/ocsp/response.ts';
import { type Verified, verifyResponse } from '../../pkg/ocsp/verify.ts';
import { parseCertificate } from '../../pkg/x509/certificate.ts';

/** One case of a folder's cases.json. */
export interface VectorCase {
  readonly id: string;
  /** The wall clock. */
  readonly time: string;
  readonly expect: 'error' | 'good' | 'revoked' | 'unknown';
  readonly level: 'must' | 'policy';
  readonly why: string;
  /** Options: `allowSha1Signature`, `maxAgeWithoutNextUpdate=SECONDS`. */
  readonly needs?: readonly string[];
  readonly serialHex?: string;
}

/** What our verifier made of a case. `detail` is for people. */
export interface VectorResult {
  readonly case: VectorCase;
  readonly got: VectorCase['expect'];
  readonly detail: string;
  /** Whether our request is the recorded one to the byte; undefined where none is recorded. */
  readonly requestMatches: boolean | undefined;
}

/** Reads DIR/cases.json and runs every case with the files in DIR/cases/ID. @throws Error where a file cannot be read. */
export function runVectors(directory: string): readonly VectorResult[] {
  const cases = JSON.parse(readFileSync(join(directory, 'cases.json'), 'utf8')) as readonly VectorCase[];
  return cases.map((one) => {
    const folder = join(directory, 'cases', one.id);
    const read = (name: string) => (existsSync(join(folder, name)) ? readFileSync(join(folder, name)) : undefined);
    return { case: one, ...runCase(one, read) };
  });
}

/** Whether a case went as it should; `policy` cases that went otherwise are decisions of ours, to be listed. */
export function isAsExpected(result: VectorResult): boolean {
  return result.got === result.case.expect && result.requestMatches !== false;
}

function runCase(one: VectorCase, read: (name: string) => Buffer | undefined): Omit<VectorResult, 'case'> {
  const response = read('response.der') ?? Buffer.alloc(0);
  const issuerDer = read('issuer.der');
  if (issuerDer === undefined) return { ...parsed(response), requestMatches: undefined };
  try {
    const issuer = parseCertificate(issuerDer);
    const leafDer = read('cert.der');
    const certificate = leafDer === undefined ? undefined : parseCertificate(leafDer);
    const request = read('request.der');
    const target =
      certificate === undefined
        ? { issuerName: issuer.subject.der, serial: serialOf(one.serialHex ?? '') }
        : targetOf(certificate);
    const question = request === undefined ? undefined : parseOcspRequest(request);
    const outcome = verifyResponse({
      ...{ response, target, certificate, issuer, nowMs: Date.parse(one.time), sentNonce: question?.nonce },
      options: optionsOf(one.needs ?? []),
    });
    const hash = question?.ids[0]?.hashOid === '1.3.14.3.2.26' ? 'sha1' : 'sha256';
    const ours = ocspRequest(target, issuer, { hash, nonce: question?.nonce });
    return { ...described(outcome), requestMatches: request === undefined ? undefined : ours.equals(request) };
  } catch (error) {
    // A certificate that cannot be read cannot be judged: that is an error too, and never good.
    return { got: 'error', detail: error instanceof Error ? error.message : String(error), requestMatches: undefined };
  }
}

/** Without an issuer only the reading can be tried: nothing that is read so is ever more than an error. */
function parsed(response: Buffer): Pick<VectorResult, 'detail' | 'got'> {
  try {
    return { got: 'error', detail: `${parseOcspResponse(response).status}, and no issuer to verify it with` };
  } catch (error) {
    return { got: 'error', detail: error instanceof Error ? error.message : String(error) };
  }
}

function described(outcome: Verified): Pick<VectorResult, 'detail' | 'got'> {
  return {
    got: outcome.kind,
    detail: outcome.kind === 'error' ? `${outcome.step}: ${outcome.detail}` : outcome.facts.signer,
  };
}

function optionsOf(needs: readonly string[]) {
  const seconds = needs
    .map((need) => /^maxAgeWithoutNextUpdate=(\d+)$/.exec(need)?.[1])
    .find((text) => text !== undefined);
  return {
    clockSkewMs: 300_000,
    maxAgeWithoutNextUpdateMs: Number(seconds ?? 0) * 1000,
    nonce: 'Off',
    sha1Signatures: needs.includes('allowSha1Signature') ? 'Allow' : 'Deny',
    trustedResponders: new Array<string>(),
  } as const;
}

function serialOf(hex: string): Buffer {
  const bytes = Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex');
  return (bytes[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.of(0), bytes]) : bytes;
}
