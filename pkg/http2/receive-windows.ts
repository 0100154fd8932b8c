import { defaultWindow } from './frame.ts';
import type { Sender } from './sender.ts';

/** A stream as its receive window sees it. */
export interface ReceivingStream {
  readonly id: number;
  /** Octets that the client may still send on it. */
  receiveWindow: number;
  /** Octets received for which the window was not opened again. */
  owed: number;
  /** Those of them that came while the handler had enough. */
  held: number;
  paused: boolean;
  /** END_STREAM has come: no window is needed. */
  remoteEnded: boolean;
}

/**
 * What the client may send (RFC 9113 5.2, 6.9). A stream's window opens again as its octets are handed on, unless its
 * handler is paused; the connection's opens whatever single streams do, until paused streams together hold
 * `maxHeldBytes`. So a stream holds at most its window, and all of them at most `maxHeldBytes` and one session window.
 */
export class ReceiveWindows {
  readonly streamWindow: number;
  readonly #sessionWindow: number;
  readonly #maxHeldBytes: number;
  readonly #sender: Sender;
  /** What the client may still send on the connection. */
  #left: number;
  #owed = 0;
  #held = 0;

  /** Announces the session's window; the stream's is told by SETTINGS. Octets; windows of 65535 at least, which clients assume. */
  constructor(streamWindow: number, sessionWindow: number, maxHeldBytes: number, sender: Sender) {
    if (streamWindow < defaultWindow || sessionWindow < defaultWindow) {
      throw new RangeError(`a window below ${defaultWindow}: ${Math.min(streamWindow, sessionWindow)}`);
    }
    this.streamWindow = streamWindow;
    this.#sessionWindow = sessionWindow;
    this.#maxHeldBytes = maxHeldBytes;
    this.#sender = sender;
    this.#left = sessionWindow;
    if (sessionWindow > defaultWindow) sender.frames.windowUpdate(0, sessionWindow - defaultWindow);
  }

  /** A frame of DATA begins. @returns false where the connection's window has no room for it. */
  take(bytes: number): boolean {
    this.#left -= bytes;
    return this.#left >= 0;
  }

  /** A frame of DATA was handed on, or thrown away where its stream is none (undefined). */
  returned(bytes: number, stream: ReceivingStream | undefined): void {
    this.#owed += bytes;
    if (stream !== undefined) {
      stream.owed += bytes;
      if (stream.paused) {
        stream.held += bytes;
        this.#held += bytes;
      } else {
        this.#openStream(stream);
      }
    }
    this.#open();
  }

  /** The handler takes more again. */
  resumed(stream: ReceivingStream): void {
    this.released(stream);
    this.#openStream(stream);
  }

  /** Whatever the stream held is gone: it is over, or goes on. */
  released(stream: ReceivingStream): void {
    if (stream.held === 0) return;
    this.#held -= stream.held;
    stream.held = 0;
    this.#open();
  }

  #openStream(stream: ReceivingStream): void {
    if (stream.remoteEnded || stream.owed * 2 < this.streamWindow) return;
    this.#sender.frames.windowUpdate(stream.id, stream.owed);
    stream.receiveWindow += stream.owed;
    stream.owed = 0;
    this.#sender.touch();
  }

  #open(): void {
    if (this.#left * 2 > this.#sessionWindow) return;
    const over = this.#held - this.#maxHeldBytes;
    const increment = over > 0 ? this.#owed - over : this.#owed;
    if (increment <= 0) return;
    this.#sender.frames.windowUpdate(0, increment);
    this.#left += increment;
    this.#owed -= increment;
    this.#sender.touch();
  }
}
