import type { Socket } from 'node:net';
import { chunkEnd, chunkHeader } from '../http1/write.ts';

/**
 * Bytes for an application's socket, copied together and written at the end of the turn at the latest: bodies come in TLS
 * records of 16 KiB at most, several in one turn, and every write is a system call. While the application does not read
 * nothing is written but whole buffers, so that bytes which come one by one cost no more than their number.
 *
 * Memory: one buffer of 60 KiB that is being filled and those that wait in the socket, as many as its high-water mark lets.
 */
export class GatheredWrites {
  readonly #socket: Socket;
  /** Whether what is written together is a chunk of a body (RFC 9112 7.1). Not to be changed while anything is gathered. */
  chunked = false;
  /** Goes out before the first chunk. */
  #head: Buffer | undefined;
  #buffer: Buffer | undefined;
  #filled = 0;
  #scheduled = false;

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  /** Takes the head of a message, kept until it is written. */
  head(head: Buffer): void {
    if (this.chunked) {
      this.#head = head;
      this.#schedule();
    } else {
      this.push(head);
    }
  }

  /** Takes bytes, which are needed during the call only. @returns false where the application is to catch up first: 'drain' follows. */
  push(bytes: Buffer): boolean {
    let at = 0;
    while (at < bytes.length) {
      this.#buffer ??= spare.pop() ?? Buffer.allocUnsafeSlow(bufferBytes);
      const copied = bytes.copy(this.#buffer, this.#filled, at);
      this.#filled += copied;
      at += copied;
      if (this.#filled === bufferBytes) this.flush();
    }
    if (this.#filled > 0) this.#schedule();
    // Only where 'drain' is to come may anybody wait for it.
    return this.#socket.writableLength === 0 || !this.#socket.writableNeedDrain;
  }

  /** Writes what there is now. */
  flush(): void {
    const socket = this.#socket;
    const head = this.#head;
    const buffer = this.#buffer;
    const length = this.#filled;
    this.#head = undefined;
    if (head === undefined && length === 0) return;
    socket.cork();
    if (head !== undefined) socket.write(head);
    if (buffer !== undefined && length > 0) {
      this.#buffer = undefined;
      this.#filled = 0;
      if (this.chunked) socket.write(chunkHeader(length), 'latin1');
      socket.write(buffer.subarray(0, length), (error) => {
        // A write that failed may still be in the system's hands.
        if (!error && spare.length < maxSpare) spare.push(buffer);
        if (!this.#scheduled) this.#goOn();
      });
      if (this.chunked) socket.write(chunkEnd, 'latin1');
    }
    socket.uncork();
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(this.#turnEnds);
  }

  readonly #turnEnds = (): void => {
    this.#scheduled = false;
    this.#goOn();
  };

  #goOn(): void {
    if (this.#socket.writableLength === 0 && !this.#socket.destroyed) this.flush();
  }
}

/** A whole loopback segment holds 65,483: of 64 KiB the last octets would travel, and wake the application, alone. */
const bufferBytes = 61_440;
/** Buffers that have been written, for all sockets. */
const spare: Buffer[] = [];
const maxSpare = 32;
