import { createHash } from 'node:crypto';
import { type RevocationChecker, revocationKey } from '../crl/revocation.ts';
import { boundedCache } from '../ocsp/bounded-cache.ts';
import { isFinal } from '../ocsp/cache.ts';
import { type Freshness, freshnessOf, isFresh, type Moment } from '../ocsp/freshness.ts';
import type { RevocationStatus } from '../ocsp/status.ts';
import { canonicalJson } from '../policy/digest.ts';
import type { AskedRevocation } from '../policy/policy.ts';
import type { Certificate } from '../x509/certificate.ts';
import type { Answer, Ask } from './messages.ts';

export interface RemoteCheckerDeps {
  /** Wall clock, Unix milliseconds. */
  readonly now: () => number;
  /** Milliseconds that never go back. */
  readonly monotonicNow: () => number;
  /** 0 up to 1, for jitter. */
  readonly random: () => number;
  /** To the owner. */
  readonly ask: (question: Ask) => void;
  /** A question was answered from what is remembered here. */
  readonly onHit: (status: RevocationStatus, revocation: AskedRevocation) => void;
  /** A certificate, by SHA-256, that was not known to be revoked is. */
  readonly onRevoked: (certificateSha256: string) => void;
}

/** Of one question. */
interface Entry extends Freshness {
  readonly status: RevocationStatus;
  readonly lists: boolean;
  /** The owner has been asked to refresh it. */
  asked: boolean;
}

interface Names {
  readonly issuer: Certificate;
  readonly revocation: AskedRevocation;
  readonly subject: string;
  readonly key: string;
}

/**
 * A worker's door to the owner's answers. What the owner has said is remembered until it is stale, so that a question
 * about a known certificate costs no message; what it says to one worker it says to all.
 */
export class RemoteChecker implements RevocationChecker {
  readonly #deps: RemoteCheckerDeps;
  /** By subject, then by key: a revocation takes what was said under other settings with it. */
  readonly #answers = boundedCache<Map<string, Entry>>(maxSubjects);
  readonly #waiting = new Map<string, PromiseWithResolvers<RevocationStatus>>();
  readonly #names = new WeakMap<Certificate, Names>();

  constructor(deps: RemoteCheckerDeps) {
    this.#deps = deps;
  }

  check(
    certificate: Certificate,
    issuer: Certificate,
    revocation: AskedRevocation,
  ): RevocationStatus | Promise<RevocationStatus> {
    const { subject, key } = this.#name(certificate, issuer, revocation);
    const entry = this.#answers.get(subject)?.get(key);
    const moment = this.#moment();
    if (entry !== undefined && isFresh(entry, moment)) {
      const isDue = moment.monotonicMs >= entry.refreshFromMonotonicMs && entry.status.kind === 'good';
      if (isDue && !entry.asked) {
        entry.asked = true;
        this.#ask(certificate, issuer, revocation, subject, key);
      }
      this.#deps.onHit(entry.status, revocation);
      return entry.status;
    }
    const waiting = this.#waiting.get(key) ?? Promise.withResolvers<RevocationStatus>();
    if (!this.#waiting.has(key)) {
      this.#waiting.set(key, waiting);
      this.#ask(certificate, issuer, revocation, subject, key);
    }
    return waiting.promise;
  }

  /** The owner says something, asked or not. */
  learn({ subject, key, certificate, lists, status }: Answer): void {
    const entries = this.#answers.get(subject) ?? new Map<string, Entry>();
    const before = entries.get(key)?.status;
    const wasRevoked = [...entries.values()].some((entry) => entry.status.kind === 'revoked');
    // The owner lifts no revocation either; should it have forgotten one, it is not forgotten here.
    const kept = before !== undefined && isFinal(before) ? before : status;
    if (kept !== before) {
      const freshness = freshnessOf(kept, this.#moment(), this.#deps.random());
      entries.set(key, { status: kept, lists, asked: false, ...freshness });
    }
    this.#answers.set(subject, entries);
    if (kept.kind === 'revoked') {
      for (const [other, entry] of entries) if (entry.status.kind !== 'revoked') entries.delete(other);
    }
    this.#waiting.get(key)?.resolve(kept);
    this.#waiting.delete(key);
    if (kept.kind === 'revoked' && !wasRevoked) this.#deps.onRevoked(certificate);
  }

  /** What CRLs have said is asked again, but for who was revoked for good. */
  forgetLists(): void {
    for (const entries of this.#answers.values()) {
      for (const [key, { lists, status }] of entries) if (lists && !isFinal(status)) entries.delete(key);
    }
  }

  #moment(): Moment {
    return { nowMs: this.#deps.now(), monotonicMs: this.#deps.monotonicNow() };
  }

  #ask(certificate: Certificate, issuer: Certificate, revocation: AskedRevocation, subject: string, key: string): void {
    this.#deps.ask({
      ...{ kind: 'ask', subject, key },
      // Copies: a slice would take the whole buffer that it lies in along.
      certificate: new Uint8Array(certificate.der),
      issuer: new Uint8Array(issuer.der),
      revocation: revocationDigest(revocation),
    });
  }

  #name(certificate: Certificate, issuer: Certificate, revocation: AskedRevocation): Names {
    const known = this.#names.get(certificate);
    if (known !== undefined && known.issuer === issuer && known.revocation === revocation) return known;
    const names = {
      ...{ issuer, revocation },
      subject: revocationKey(certificate, issuer, revocation),
      key: `${certificate.sha256} ${issuer.sha256} ${revocationDigest(revocation)}`,
    };
    this.#names.set(certificate, names);
    return names;
  }
}

/** By what worker and owner call the same settings. */
export function revocationDigest(revocation: AskedRevocation): string {
  const known = digests.get(revocation);
  if (known !== undefined) return known;
  const digest = createHash('sha256').update(canonicalJson(revocation)).digest('base64');
  digests.set(revocation, digest);
  return digest;
}

const digests = new WeakMap<AskedRevocation, string>();
const maxSubjects = 20_000;
