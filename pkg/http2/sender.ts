import type { FloodGuard } from './flood.ts';
import { defaultWindow, maxFrameBytes } from './frame.ts';
import type { FramePlace, FrameWriter } from './frame-writer.ts';
import type { Outlet } from './outlet.ts';

/** A stream as the sender sees it. */
export interface SendingStream extends FramePlace {
  readonly id: number;
  /** Octets that the client lets this stream send; below 0 after it has made its windows smaller (RFC 9113 6.9.2). */
  window: number;
  /** Octets that could not be framed yet; the first chunk's from `waitingAt` on. */
  waiting: Buffer[];
  waitingAt: number;
  waitingBytes: number;
  /** Among those that are served in turn. */
  queued: boolean;
  /** END_STREAM is due behind what waits. */
  ending: boolean;
  trailers: readonly string[];
  /** What waited is framed, and more may come. */
  emptied(): void;
  /** END_STREAM is framed. */
  sentEnd(): void;
}

/**
 * The way out: frames are gathered and written once a turn; body octets go as far as the windows and the outlet allow,
 * what waits goes out in turn, a frame a stream.
 */
export class Sender {
  readonly frames: FrameWriter;
  /** Octets that the client lets the connection send. */
  window = defaultWindow;
  readonly #outlet: Outlet;
  readonly #schedule: (flush: () => void) => void;
  readonly #guard: FloodGuard;
  /** Streams with something to send and a window for it. */
  #ready: SendingStream[] = [];
  #scheduled = false;
  #blocked = false;
  #holding = false;
  #ended = false;

  constructor(frames: FrameWriter, outlet: Outlet, schedule: (flush: () => void) => void, guard: FloodGuard) {
    this.frames = frames;
    this.#outlet = outlet;
    this.#schedule = schedule;
    this.#guard = guard;
  }

  readonly #flush = (): void => {
    this.#scheduled = false;
    this.flush();
  };

  /** Writes what is gathered, unless the outlet has enough. */
  flush(): void {
    if (this.#blocked || this.#ended || this.frames.length === 0) return;
    const bytes = this.frames.take();
    if (!this.#outlet.write(bytes)) this.#blocked = true;
    if (this.#outlet.taken) this.frames.giveBack(bytes);
  }

  /** Something was gathered: it goes out with this turn, a large heap at once. */
  touch(): void {
    if (this.#ended) return;
    if (this.#blocked) {
      if (this.#holding || this.frames.length < heldBytes) return;
      this.#holding = true;
      this.#outlet.holdInput(true);
    } else if (this.frames.length >= burstBytes) {
      this.flush();
    } else if (!this.#scheduled) {
      this.#scheduled = true;
      this.#schedule(this.#flush);
    }
  }

  /** The outlet takes more again. */
  drained(): void {
    if (!this.#blocked || this.#ended) return;
    this.#blocked = false;
    this.flush();
    this.pump();
    if (!this.#holding || this.#blocked) return;
    this.#holding = false;
    this.#outlet.holdInput(false);
  }

  /** The last octets, whether the outlet has enough or not, and the end. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#ready = [];
    if (this.frames.length > 0) this.#outlet.write(this.frames.take());
    this.#outlet.end();
  }

  /** The outlet is gone. */
  drop(): void {
    this.#ended = true;
    this.#ready = [];
    this.frames.take();
  }

  /** @returns whether all of it is framed. */
  write(stream: SendingStream, chunk: Buffer, shared: boolean): boolean {
    let at = 0;
    if (stream.waitingBytes === 0 && this.#ready.length === 0) {
      while (at < chunk.length && !this.#blocked) {
        const bytes = Math.min(chunk.length - at, maxFrameBytes, this.window, stream.window);
        if (bytes <= 0) break;
        at += bytes;
        this.#data(stream, chunk, at - bytes, at, false, at < chunk.length);
      }
      if (at > 0) this.touch();
    }
    if (at < chunk.length) {
      const rest = at === 0 ? chunk : chunk.subarray(at);
      const kept = shared ? Buffer.from(rest) : rest;
      if (stream.waiting === noChunks) stream.waiting = [kept];
      else stream.waiting.push(kept);
      stream.waitingBytes += rest.length;
      this.wake(stream);
    }
    return stream.waitingBytes === 0;
  }

  /** END_STREAM behind what waits. */
  finish(stream: SendingStream): void {
    stream.ending = true;
    if (stream.waitingBytes > 0) return;
    if (stream.trailers.length > 0) this.frames.headers(stream.id, stream.trailers, true, stream);
    else if (!this.frames.endAt(stream)) this.frames.data(stream.id, nothing, 0, 0, true, stream);
    this.touch();
    stream.sentEnd();
  }

  /** Its window may have opened. */
  wake(stream: SendingStream): void {
    if (stream.queued || stream.waitingBytes === 0 || stream.window <= 0) return;
    stream.queued = true;
    this.#ready.push(stream);
  }

  /**
   * What waits is not sent, and no turn is kept: a connection whose window stays shut would gather the streams that its
   * client resets.
   */
  discard(stream: SendingStream): void {
    if (stream.waitingBytes === 0) return;
    stream.waiting = noChunks;
    stream.waitingBytes = 0;
    if (!stream.queued) return;
    stream.queued = false;
    const at = this.#ready.indexOf(stream);
    if (at >= 0) this.#ready.splice(at, 1);
  }

  /** Frames what waits, a frame a stream in turn, as far as windows and outlet allow. */
  pump(): void {
    while (this.#ready.length > 0 && this.window > 0 && !this.#blocked && !this.#ended) {
      const round = this.#ready;
      this.#ready = [];
      for (let i = 0; i < round.length; i++) {
        const stream = round[i];
        // Perhaps discarded within this round.
        if (stream?.queued !== true) continue;
        if (this.window <= 0 || this.#blocked || this.#ended) this.#ready.push(stream);
        else this.#sendOne(stream);
      }
    }
  }

  #sendOne(stream: SendingStream): void {
    stream.queued = false;
    const chunk = stream.waiting[0];
    if (chunk === undefined || stream.window <= 0) return;
    const from = stream.waitingAt;
    const bytes = Math.min(chunk.length - from, maxFrameBytes, this.window, stream.window);
    const last = stream.ending && bytes === stream.waitingBytes && stream.trailers.length === 0;
    stream.waitingBytes -= bytes;
    stream.waitingAt = from + bytes;
    if (from + bytes === chunk.length) {
      stream.waiting.shift();
      stream.waitingAt = 0;
    }
    this.#data(stream, chunk, from, from + bytes, last, stream.waitingBytes > 0);
    if (stream.waitingBytes > 0) this.wake(stream);
    else if (last) stream.sentEnd();
    else if (stream.ending) this.finish(stream);
    else stream.emptied();
    this.touch();
  }

  #data(stream: SendingStream, chunk: Buffer, start: number, end: number, endStream: boolean, isCut: boolean): void {
    this.window -= end - start;
    stream.window -= end - start;
    if (!isCut || end - start >= dribbleBytes) this.#guard.data();
    this.frames.data(stream.id, chunk, start, end, endStream, stream);
    if (this.frames.length >= burstBytes) this.flush();
  }
}

/** What is written without waiting for the end of the turn. */
const burstBytes = 65_536;
/** Frames that may wait for a blocked outlet before nothing more is read from the client. */
const heldBytes = 65_536;
/** A window that is opened by less is opened for nothing but work. */
const dribbleBytes = 1024;
const nothing: Buffer = Buffer.alloc(0);
/** Nothing waits: most streams never need a list of their own. */
export const noChunks: Buffer[] = [];
