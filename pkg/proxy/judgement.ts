import type { Judge } from '../clientauth/judge.ts';
import type { Presented, PreVerdict } from '../clientauth/pre-verdict.ts';
import type { Verdict } from '../clientauth/verdict.ts';
import type { Clock } from '../process/clock.ts';
import type { Certificate } from '../x509/certificate.ts';
import { readUnverified } from './peer.ts';

/**
 * What one connection's certificate is worth, as long as the connection lives. Form and path are found once; dates,
 * settings and revocation are asked again whenever the verdict no longer holds, or the policy changes.
 */
export class Judgement {
  readonly #clock: Clock;
  /** Only as long as nothing was made of it: of a judged one, what is shared with the certificate's other connections. */
  #presented: Presented | undefined;
  /** What was presented, read: judged or, where nothing is judged, only shown. */
  readonly certificate: Certificate | undefined;
  #judge: Judge | undefined;
  #preVerdict: PreVerdict | undefined;
  #verdict: Promise<Verdict> | Verdict;
  /** Monotonic: the verdict also ends by this clock, since the calendar's may be set back. */
  #holdsUntilMs = 0;
  #askedMs = 0;
  #everAccepted = false;

  /** `judge` is undefined where the mode judges nothing. */
  constructor(clock: Clock, presented: Presented, judge: Judge | undefined) {
    this.#clock = clock;
    this.#judge = judge;
    this.#preVerdict = judge?.preVerdict(presented, clock.wallMs());
    if (this.#preVerdict === undefined) this.#presented = presented;
    this.certificate = this.#preVerdict === undefined ? readUnverified(presented) : leafOf(this.#preVerdict);
    // Asked at once, not with the first request: the answer is often there when the request is.
    this.#verdict = this.#ask();
  }

  /** Whether a verdict was ever accept: only then does a refusal end what runs. */
  get everAccepted(): boolean {
    return this.#everAccepted;
  }

  get kind(): Verdict['kind'] | 'asking' {
    return this.#verdict instanceof Promise ? 'asking' : this.#verdict.kind;
  }

  /** Who said how the certificate stands, by the last verdict; as Verdict's. */
  get responder(): string | undefined {
    return this.#verdict instanceof Promise || this.#verdict.kind === 'none' ? undefined : this.#verdict.responder;
  }

  /** The verdict in force, asked again where it no longer holds. */
  current(): Promise<Verdict> | Verdict {
    const verdict = this.#verdict;
    if (verdict instanceof Promise || verdict.kind === 'none') return verdict;
    if (this.#clock.wallMs() < verdict.holdsUntilMs && this.#clock.monotonicMs() < this.#holdsUntilMs) return verdict;
    this.#verdict = this.#ask();
    return this.#verdict;
  }

  /** The same for a connection that asks for nothing: undefined while a question is under way. */
  idle(nowMs: number): Verdict | undefined {
    // A verdict that never holds (maxAge 0) is asked again for every request, and here now and then.
    const verdict = nowMs - this.#askedMs < idleAskMs ? this.#verdict : this.current();
    return verdict instanceof Promise ? undefined : verdict;
  }

  /** A certificate was found to be revoked: where the path leads over it, the verdict does not hold any longer. */
  doubt(certificateSha256: string): void {
    const before = this.#preVerdict;
    if (before?.kind !== 'trusted' || !before.path.some(({ sha256 }) => sha256 === certificateSha256)) return;
    this.#holdsUntilMs = 0;
    this.#askedMs = Number.NEGATIVE_INFINITY;
    // What is being asked began without this news.
    if (this.#verdict instanceof Promise) this.#verdict = this.#ask();
  }

  /** The policy has changed. */
  renew(judge: Judge | undefined): void {
    this.#judge = judge;
    if (this.#presented !== undefined && judge !== undefined) {
      this.#preVerdict = judge.preVerdict(this.#presented, this.#clock.wallMs());
      this.#presented = undefined;
    }
    this.#verdict = this.#ask();
  }

  #ask(): Promise<Verdict> | Verdict {
    if (this.#judge === undefined || this.#preVerdict === undefined) return { kind: 'none' };
    this.#askedMs = this.#clock.monotonicMs();
    const verdict = this.#judge.recheck(this.#preVerdict, this.#clock.wallMs());
    if (!(verdict instanceof Promise)) return this.#settled(verdict);
    const asked: Promise<Verdict> = verdict.then((settled) => {
      // A newer question may have been asked meanwhile, under another policy or after a revocation: its answer is for all.
      if (this.#verdict !== asked) return this.#verdict;
      this.#verdict = this.#settled(settled);
      return settled;
    });
    return asked;
  }

  #settled(verdict: Verdict): Verdict {
    if (verdict.kind === 'none') return verdict;
    if (verdict.kind === 'accept') this.#everAccepted = true;
    this.#holdsUntilMs = this.#clock.monotonicMs() + verdict.holdsUntilMs - this.#clock.wallMs();
    return verdict;
  }
}

function leafOf(before: PreVerdict): Certificate | undefined {
  return before.kind === 'absent' ? undefined : before.leaf;
}

/** A connection that asks for nothing has its verdict renewed no more often than this. */
const idleAskMs = 1000;
