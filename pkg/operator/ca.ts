import { createPrivateKey, generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto';
import { KeyPair } from '../policy/key-pair.ts';
import type { Certificate } from '../x509/certificate.ts';
import { issueCertificate } from '../x509/issue.ts';

/** A CA that can sign: its self-signed certificate and its key, which is redacted wherever it is printed. */
export interface SigningCa {
  readonly certificate: Certificate;
  readonly pair: KeyPair;
}

/**
 * What the operator trusts and signs with. Everybody who verifies gets all of it as one bundle: the CA that signs, the
 * one that will sign, and those that have signed certificates that may still be served.
 */
export interface CaState {
  readonly current: SigningCa;
  /** Announced in the bundle, signs nothing yet. */
  readonly next: SigningCa | undefined;
  /** Certificates alone: their keys are gone. */
  readonly retired: readonly Certificate[];
}

/** What is known at the moment of a decision; durations by the monotonic clock of the one that decides. */
export interface CaSituation {
  /** Unix milliseconds. */
  readonly nowMs: number;
  /** For how long this replica has seen today's next CA in the Secret; 0 without one. */
  readonly announcedForMs: number;
  /** For how long the bundle with it has stood in every place that the operator writes it to; 0 when one is missing. */
  readonly spreadForMs: number;
}

/** Why the state changes. */
export type CaChange = 'Announced' | 'First' | 'Promoted' | 'Replaced' | 'Retired';

/**
 * The next step of the CA's life, or undefined when there is nothing to do. `make` makes a new CA.
 *
 * - No CA: a first one signs at once, since nobody trusts another.
 * - Two thirds of the current one's life are over: a next CA is announced in the bundle and signs nothing.
 * - It has been in the bundle everywhere for ten minutes: it signs. A place that cannot be written holds this up until
 *   thirty days before the current CA ends; then ten minutes in the Secret are enough.
 * - A CA that signs no more stays in the bundle until its own end: no certificate outlives its CA, so whatever a
 *   replica that was cut off has signed with it meanwhile is expired then, too.
 * - The current one has ended (the operator was away for months): nobody can verify anything, so the next CA, or a
 *   new one, signs at once.
 */
export function nextCaStep(
  state: CaState | undefined,
  situation: CaSituation,
  make: () => SigningCa,
): { readonly change: CaChange; readonly state: CaState } | undefined {
  const { nowMs } = situation;
  if (state === undefined) return { change: 'First', state: { current: make(), next: undefined, retired: [] } };
  const retired = state.retired.filter(({ notAfterMs }) => notAfterMs > nowMs);
  const { current } = state;
  const next = state.next !== undefined && hasEnded(state.next, nowMs) ? undefined : state.next;
  if (hasEnded(current, nowMs)) {
    return { change: 'Replaced', state: { current: next ?? make(), next: undefined, retired } };
  }
  if (next !== undefined && maySign(current, situation)) {
    return {
      change: 'Promoted',
      state: { current: next, next: undefined, retired: [current.certificate, ...retired] },
    };
  }
  if (next === undefined && nowMs >= renewalMs(current.certificate)) {
    return { change: 'Announced', state: { current, next: make(), retired } };
  }
  return retired.length < state.retired.length ? { change: 'Retired', state: { current, next, retired } } : undefined;
}

/** Every CA that a certificate in use may come from, the current first. */
export function bundleOf({ current, next, retired }: CaState): readonly Certificate[] {
  return [current.certificate, ...(next === undefined ? [] : [next.certificate]), ...retired];
}

/** The bundle as `ca.crt` has it. */
export function bundlePem(state: CaState): string {
  return bundleOf(state)
    .map(({ pem }) => pem)
    .join('');
}

/**
 * Makes a CA: EC P-256, one year, back-dated by five minutes for clocks that are behind, for leaves only. Its subject is
 * its own, so that two CAs in one bundle are never taken for each other.
 */
export function makeCa(nowMs: number): SigningCa {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const notBeforeMs = nowMs - backdatedMs;
  const certificate = issueCertificate({
    subject: `CN=${caNamePrefix}${randomBytes(4).toString('hex')},O=lychgate.dev`,
    key: privateKey,
    notBeforeMs,
    notAfterMs: notBeforeMs + caLifeMs,
    isCa: true,
    pathLength: 0,
  });
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  return { certificate, pair: KeyPair.fromPem(certificate.pem, pem) };
}

/** Whether a certificate has the subject that makeCa gives: a CA of somebody else is never used, since it would be rotated away. */
export function isOwnCaName({ subject }: Certificate): boolean {
  return ownName.test(subject.text);
}

/** The key to sign with. */
export function signingKey({ pair }: SigningCa): KeyObject {
  return createPrivateKey(pair.revealKeyPem());
}

/** When two thirds of a certificate's life are over, Unix milliseconds. */
export function renewalMs({ notBeforeMs, notAfterMs }: Pick<Certificate, 'notAfterMs' | 'notBeforeMs'>): number {
  return notBeforeMs + ((notAfterMs - notBeforeMs) * 2) / 3;
}

function hasEnded({ certificate }: SigningCa, nowMs: number): boolean {
  return certificate.notAfterMs <= nowMs;
}

function maySign({ certificate }: SigningCa, { nowMs, announcedForMs, spreadForMs }: CaSituation): boolean {
  const late = certificate.notAfterMs - nowMs <= lateMs;
  return (late ? announcedForMs : Math.min(announcedForMs, spreadForMs)) >= overlapMs;
}

/** A certificate is valid from a little before it is made: the machines that verify it have clocks of their own. */
export const backdatedMs = 5 * 60_000;
/** How long a CA has been in the bundle before it signs. */
export const overlapMs = 10 * 60_000;

const dayMs = 86_400_000;
const caLifeMs = 365 * dayMs;
/** So near to the current CA's end an unwritable place no longer holds up the next one. */
const lateMs = 30 * dayMs;
const caNamePrefix = 'Lychgate operator CA ';
const ownName = /^CN=Lychgate operator CA [0-9a-f]{8},O=lychgate\.dev$/;
