import type { TLSSocket } from 'node:tls';
import { until } from './gate.ts';

/** HTTP/2 by hand (RFC 9113), for what a proper client would not send. */

export interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  readonly payload: Buffer;
}

export const frameTypes = {
  data: 0,
  headers: 1,
  priority: 2,
  reset: 3,
  settings: 4,
  ping: 6,
  goaway: 7,
  windowUpdate: 8,
};
export const endStream = 1;
export const endHeaders = 4;

export function frame(type: number, flags: number, stream: number, payload: Buffer = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** Fields as literals without indexing and without Huffman coding (RFC 7541 6.2.2). */
export function fieldBlock(fields: readonly (readonly [string, string])[]): Buffer {
  return Buffer.concat(fields.flatMap(([name, value]) => [Buffer.of(0), text(name), text(value)]));
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value, 'latin1');
  if (bytes.length < 127) return Buffer.concat([Buffer.of(bytes.length), bytes]);
  const length: number[] = [127];
  let left = bytes.length - 127;
  for (; left >= 128; left = Math.floor(left / 128)) length.push((left % 128) + 128);
  length.push(left);
  return Buffer.concat([Buffer.from(length), bytes]);
}

/** One connection: what was received, frame by frame. */
export class Http2Frames {
  readonly socket: TLSSocket;
  readonly frames: Frame[] = [];
  closed = false;
  #held: Buffer = Buffer.alloc(0);

  constructor(socket: TLSSocket) {
    this.socket = socket;
    socket.on('data', (chunk: Buffer) => this.#read(chunk));
    socket.on('close', () => {
      this.closed = true;
    });
    this.send(Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), frame(frameTypes.settings, 0, 0));
  }

  send(...frames: readonly Buffer[]): void {
    this.socket.write(Buffer.concat(frames));
  }

  headers(
    stream: number,
    fields: readonly (readonly [string, string])[],
    flags: number = endHeaders | endStream,
  ): void {
    this.send(frame(frameTypes.headers, flags, stream, fieldBlock(fields)));
  }

  /** Waits until that stream, or the connection, is over; says how: the status, `reset` or `goaway`. */
  async outcome(stream: number): Promise<string> {
    let found = '';
    await until(`the end of stream ${stream}`, () => {
      for (const one of this.frames) {
        if (one.type === frameTypes.headers && one.stream === stream && found === '') found = statusOf(one.payload);
        if (one.type === frameTypes.reset && one.stream === stream && found === '') found = 'reset';
        if (one.type === frameTypes.goaway && one.payload.readUInt32BE(4) !== 0 && found === '') found = 'goaway';
      }
      if (this.closed && found === '') found = 'goaway';
      return found !== '';
    });
    return found;
  }

  #read(chunk: Buffer): void {
    this.#held = Buffer.concat([this.#held, chunk]);
    while (this.#held.length >= 9) {
      const length = this.#held.readUIntBE(0, 3);
      if (this.#held.length < 9 + length) return;
      this.frames.push({
        type: this.#held[3] ?? 0,
        flags: this.#held[4] ?? 0,
        stream: this.#held.readUInt32BE(5),
        payload: this.#held.subarray(9, 9 + length),
      });
      this.#held = this.#held.subarray(9 + length);
    }
  }
}

/** The status where it is one of the static table's (RFC 7541 A), else `other`. */
function statusOf(block: Buffer): string {
  return (
    new Map([
      [0x88, '200'],
      [0x89, '204'],
      [0x8b, '304'],
      [0x8c, '400'],
      [0x8d, '404'],
      [0x8e, '500'],
    ]).get(block[0] ?? 0) ?? 'other'
  );
}

/** The whole frames in Latin-1 text, behind the client's preface where it has one. */
export function readFrames(received: string): readonly Frame[] {
  const preface = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';
  const bytes = Buffer.from(received.startsWith(preface) ? received.slice(preface.length) : received, 'latin1');
  const frames: Frame[] = [];
  for (let at = 0; at + 9 <= bytes.length; ) {
    const length = bytes.readUIntBE(at, 3);
    if (at + 9 + length > bytes.length) break;
    frames.push({
      type: bytes[at + 3] ?? 0,
      flags: bytes[at + 4] ?? 0,
      stream: bytes.readUInt32BE(at + 5),
      payload: bytes.subarray(at + 9, at + 9 + length),
    });
    at += 9 + length;
  }
  return frames;
}
