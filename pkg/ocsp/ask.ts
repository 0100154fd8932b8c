import type { OcspSettings } from '../policy/policy.ts';
import type { Certificate } from '../x509/certificate.ts';
import { type AddressPolicy, AddressRefused, addressPolicy, type ResponderUrl } from './address.ts';
import { type CertIdHash, nonceBytes, ocspRequest, requestForm, targetOf } from './request.ts';
import type { Transport } from './transport.ts';
import { type Fault, type Verified, verifyResponse } from './verify.ts';

/** A certificate, its proven issuer, and under which settings it is asked. */
export interface Question {
  readonly certificate: Certificate;
  readonly issuer: Certificate;
  readonly settings: OcspSettings;
}

/** One question to one responder and what came of it, for explanations. */
export interface Attempt {
  readonly url: string;
  readonly hash: CertIdHash;
  readonly method: 'GET' | 'POST' | undefined;
  readonly durationMs: number;
  /** The body, where there was one. */
  readonly response: Buffer | undefined;
  readonly outcome: Verified;
}

/** What came of asking all responders. */
export type Asked =
  | {
      readonly kind: 'answer';
      readonly url: string;
      readonly answer: VerifiedAnswer;
      readonly attempts: readonly Attempt[];
    }
  | { readonly kind: 'fault'; readonly fault: Fault; readonly attempts: readonly Attempt[] }
  | { readonly kind: 'responder-missing'; readonly detail: string };

export type VerifiedAnswer = Exclude<Verified, { readonly kind: 'error' }>;

/** What asking needs: the network, clocks and randomness, handed in. */
export interface AskDeps {
  readonly transport: Transport;
  /** Wall clock, Unix milliseconds. */
  readonly now: () => number;
  readonly monotonicNow: () => number;
  readonly random: (bytes: number) => Buffer;
  /** URLs of responders that understood SHA-1 only. */
  readonly sha1Only: { has(url: string): boolean; add(url: string): void };
}

/** The URLs to ask, in order: the certificate's own, or those of the settings. */
export function responderUrls({ certificate, settings: { responder } }: Question): readonly string[] {
  const own = certificate.ocspUrls.slice(0, maxUrls);
  if (responder === undefined) return own;
  return responder.use === 'Override' || own.length === 0 ? [responder.url] : own;
}

/**
 * Asks one responder after the other until one gives an answer that counts, all within `timeoutMs` of the settings. An
 * authentic revoked or unknown ends it as good does. Where none answers, a fault that may not be softened is reported
 * before one that may: trouble at one responder must not hide a forgery at another. Never rejects on what others do.
 */
export async function askResponders(question: Question, deps: AskDeps): Promise<Asked> {
  const urls = responderUrls(question);
  if (urls.length === 0) {
    return {
      kind: 'responder-missing',
      detail: 'the certificate names no OCSP responder, and neither do the settings',
    };
  }
  const deadlineMs = deps.monotonicNow() + question.settings.timeoutMs;
  const attempts: Attempt[] = [];
  const faults: Fault[] = [];
  for (const [index, url] of urls.entries()) {
    const shareMs = (deadlineMs - deps.monotonicNow()) / (urls.length - index);
    if (shareMs <= 0) break;
    const begun = attempts.length;
    await askOne(question, url, deps.monotonicNow() + shareMs, deps, attempts);
    const outcome = attempts.at(-1)?.outcome;
    if (outcome !== undefined && outcome.kind !== 'error') return { kind: 'answer', url, answer: outcome, attempts };
    const own = attempts.slice(begun).flatMap(({ outcome: one }) => (one.kind === 'error' ? [one] : []));
    // What the responder said last to us counts, unless that may be softened and something before may not.
    const decisive = own.findLast(({ softenable }) => !softenable) ?? own.at(-1);
    if (decisive !== undefined) faults.push(decisive);
  }
  const fault = faults.find(({ softenable }) => !softenable) ?? faults.at(-1) ?? outOfTime;
  return { kind: 'fault', fault, attempts };
}

async function askOne(
  question: Question,
  text: string,
  deadlineMs: number,
  deps: AskDeps,
  attempts: Attempt[],
): Promise<void> {
  let policy: AddressPolicy;
  let url: ResponderUrl;
  try {
    policy = addressPolicy(question.settings);
    url = policy.url(text);
  } catch (error) {
    if (!(error instanceof AddressRefused)) throw error;
    attempts.push({
      ...{ url: text, hash: 'sha256', method: undefined, durationMs: 0, response: undefined },
      outcome: { kind: 'error', step: 'address', cause: 'address-refused', softenable: false, detail: error.message },
    });
    return;
  }
  let hash: CertIdHash = question.settings.certIdHash === 'SHA1' || deps.sha1Only.has(text) ? 'sha1' : 'sha256';
  let noCache = false;
  let post = false;
  for (let round = 0; round < maxRounds; round += 1) {
    const timeoutMs = deadlineMs - deps.monotonicNow();
    if (timeoutMs <= 0) return;
    const attempt = await exchange(question, { url, policy, hash, noCache, post, timeoutMs }, deps);
    attempts.push(attempt);
    const { outcome } = attempt;
    if (outcome.kind !== 'error') {
      if (hash === 'sha1' && question.settings.certIdHash === 'SHA256') deps.sha1Only.add(text);
      return;
    }
    if (hash === 'sha256' && wantsSha1(outcome)) hash = 'sha1';
    // RFC 9919 7.2: caches are gone around only after a stale answer.
    else if (outcome.step === 'times' && attempt.method === 'GET' && !noCache) noCache = true;
    // RFC 6960 A.1: a responder need not take GET, and says so by some status.
    else if (outcome.cause === 'http-status' && !outcome.softenable && attempt.method === 'GET') post = true;
    else return;
  }
}

interface Round {
  readonly url: ResponderUrl;
  readonly policy: AddressPolicy;
  readonly hash: CertIdHash;
  readonly noCache: boolean;
  readonly post: boolean;
  readonly timeoutMs: number;
}

async function exchange(question: Question, round: Round, deps: AskDeps): Promise<Attempt> {
  const { certificate, issuer, settings } = question;
  const { url, hash } = round;
  const sentNonce = settings.nonce === 'Off' ? undefined : deps.random(nonceBytes);
  const request = ocspRequest(targetOf(certificate), issuer, { hash, nonce: sentNonce });
  const form = requestForm(url.text, url.path, request, round.post || sentNonce !== undefined);
  const startMs = deps.monotonicNow();
  const got = await deps.transport.ask(url, round.policy, form, round);
  const attempt = { url: url.text, hash, method: form.method, durationMs: deps.monotonicNow() - startMs };
  if (got.kind === 'fault') {
    const { cause, softenable, detail } = got;
    return {
      ...attempt,
      response: undefined,
      outcome: { kind: 'error', step: 'transport', cause, softenable, detail },
    };
  }
  const outcome = verifyResponse({
    response: got.body,
    target: targetOf(certificate),
    certificate,
    issuer,
    nowMs: deps.now(),
    sentNonce,
    options: settings,
  });
  return { ...attempt, response: got.body, outcome };
}

/** How responders that know only SHA-1 CertIDs answer to another. */
function wantsSha1({ cause, step, detail }: Fault): boolean {
  return (
    cause === 'unauthorized' || (step === 'responseStatus' && detail.includes('malformedRequest')) || step === 'match'
  );
}

const outOfTime: Fault = {
  step: 'transport',
  cause: 'timeout',
  softenable: true,
  detail: 'no time is left: set a longer timeout',
};
const maxUrls = 4;
const maxRounds = 3;
