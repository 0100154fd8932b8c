import { clientPreface, errorCode, frameType } from '../../pkg/http2/frame.ts';
import { HpackDecoder } from '../../pkg/http2/hpack/decoder.ts';
import { ServerSession, type SessionOptions } from '../../pkg/http2/session.ts';
import type { RequestFields, ServerStream, StreamHandler } from '../../pkg/http2/stream.ts';
import { type Frame, fieldBlock, frame, readFrames } from './http2-frames.ts';

/** A session between octets and a log: what a client would get, what an application would hear. */
export class SessionProbe {
  readonly session: ServerSession;
  /** What the handlers were told. */
  readonly events: string[] = [];
  /** Frames as text, in order. */
  readonly sent: string[] = [];
  /** Every second write: what the session may not touch any more, and what it was. The others are used up at once. */
  readonly kept: { readonly bytes: Buffer; readonly copy: Buffer }[] = [];
  writes = 0;
  /** The same as they were. */
  readonly frames: Frame[] = [];
  readonly streams = new Map<number, ServerStream>();
  /** What a handler does with octets of a body. */
  onData: (stream: ServerStream) => void = () => {};
  nowMs = 0;
  /** What the outlet answers to the next writes. */
  takes = true;
  holding = false;
  ended = false;
  #scheduled: (() => void) | undefined;
  /** Of the field block that is not whole. */
  readonly #block: Buffer[] = [];
  #end = '';
  readonly #decoder = new HpackDecoder({ maxTableBytes: 4096 });

  /** `react` is asked for every request; without it nothing is answered. */
  constructor(
    options: Partial<SessionOptions> = {},
    react: (stream: ServerStream, head: RequestFields) => void = () => {},
  ) {
    const outlet = {
      taken: false,
      write: (bytes: Buffer) => {
        this.writes += 1;
        const frames = readFrames(bytes.toString('latin1'));
        this.frames.push(...frames);
        for (const text of this.#texts(frames)) this.sent.push(text);
        outlet.taken = this.writes % 2 === 0;
        if (outlet.taken) bytes.fill(0xee);
        else this.kept.push({ bytes, copy: Buffer.from(bytes) });
        return this.takes;
      },
      holdInput: (hold: boolean) => {
        this.holding = hold;
      },
      end: () => {
        this.ended = true;
      },
    };
    this.session = new ServerSession(
      {
        maxConcurrentStreams: 100,
        streamWindow: 262_144,
        sessionWindow: 1_048_576,
        maxHeldBytes: 4_194_304,
        maxListBytes: 16_384,
        maxFields: 100,
        now: () => this.nowMs,
        schedule: (flush) => {
          this.#scheduled = flush;
        },
        ...options,
      },
      outlet,
      {
        request: (stream, head) => {
          this.streams.set(stream.id, stream);
          const over = head.overLimit ? ' over limit' : '';
          this.events.push(`request ${stream.id} ${head.fields.join(' ')}${head.endStream ? ' end' : ''}${over}`);
          react(stream, head);
          return this.#handler(stream.id);
        },
        flooded: (flood) => this.events.push(`flooded ${flood}`),
        failed: (code, reason) => this.events.push(`failed ${nameOf(code)}: ${reason}`),
      },
    );
  }

  /** Gives octets to the session and lets the turn end. */
  receive(...chunks: readonly Buffer[]): this {
    for (const chunk of chunks) this.session.receive(Buffer.from(chunk));
    this.turn();
    return this;
  }

  /** The client's preface and SETTINGS; what the session says to that is forgotten. */
  open(settings: Buffer = Buffer.alloc(0)): this {
    this.receive(clientPreface, frame(frameType.settings, 0, 0, settings), settingsAck);
    return this.forget();
  }

  /** What was sent and told so far is not looked at. */
  forget(): this {
    this.sent.length = 0;
    this.events.length = 0;
    this.kept.length = 0;
    this.writes = 0;
    this.frames.length = 0;
    return this;
  }

  /** The end of the turn, as often as it asks for one. */
  turn(): void {
    for (let flush = this.#scheduled; flush !== undefined; flush = this.#scheduled) {
      this.#scheduled = undefined;
      flush();
    }
  }

  /** Whether the octets of writes that the outlet keeps are what they were. */
  get keptWhole(): boolean {
    return this.kept.every(({ bytes, copy }) => bytes.equals(copy));
  }

  stream(id: number): ServerStream {
    const stream = this.streams.get(id);
    if (stream === undefined) throw new Error(`no request on stream ${id}`);
    return stream;
  }

  #handler(id: number): StreamHandler {
    return {
      data: (chunk) => {
        this.events.push(`data ${id} ${chunk.toString('latin1')}`);
        this.onData(this.stream(id));
      },
      end: (trailers) => this.events.push(['end', id, ...trailers].join(' ')),
      writable: () => this.events.push(`writable ${id}`),
      closed: (code) => this.events.push(`closed ${id} ${code === undefined ? 'in order' : nameOf(code)}`),
    };
  }

  #texts(frames: readonly Frame[]): string[] {
    return frames.flatMap(({ type, flags, stream, payload }) => {
      switch (type) {
        case frameType.data:
          return `DATA ${stream}${flags & 1 ? ' END' : ''} ${shown(payload)}`;
        case frameType.headers:
        case frameType.continuation: {
          this.#block.push(payload);
          if (type === frameType.headers) this.#end = flags & 1 ? ' END' : '';
          if ((flags & endHeaders) === 0) return [];
          const block = Buffer.concat(this.#block.splice(0));
          const frames = block.length > 16_384 ? ` in ${Math.ceil(block.length / 16_384)} frames` : '';
          const { fields } = this.#decoder.decode(block, { maxListBytes: 1_000_000, maxFields: 1000 });
          return `HEADERS ${stream}${this.#end}${frames} ${fields.join(' ')}`;
        }
        case frameType.rstStream:
          return `RST_STREAM ${stream} ${nameOf(payload.readUInt32BE(0))}`;
        case frameType.settings:
          return flags & 1 ? 'SETTINGS ack' : `SETTINGS ${payload.toString('hex')}`;
        case frameType.ping:
          return `PING${flags & 1 ? ' ack' : ''} ${payload.toString('latin1')}`;
        case frameType.goaway:
          return `GOAWAY ${payload.readUInt32BE(0)} ${nameOf(payload.readUInt32BE(4))}`;
        case frameType.windowUpdate:
          return `WINDOW_UPDATE ${stream} ${payload.readUInt32BE(0)}`;
        default:
          return `type ${type} flags ${flags} stream ${stream} of ${payload.length}`;
      }
    });
  }
}

/** HEADERS with a whole field block. */
export function headers(
  stream: number,
  fields: readonly (readonly [string, string])[] = get,
  flags = endHeaders | endStream,
): Buffer {
  return frame(frameType.headers, flags, stream, fieldBlock(fields));
}

export function data(stream: number, text: string, flags = 0): Buffer {
  return frame(frameType.data, flags, stream, Buffer.from(text, 'latin1'));
}

export function windowUpdate(stream: number, increment: number): Buffer {
  return frame(frameType.windowUpdate, 0, stream, uint32(increment));
}

export function rstStream(stream: number, code: number): Buffer {
  return frame(frameType.rstStream, 0, stream, uint32(code));
}

/** Flat: identifier, value. */
export function settings(...values: readonly number[]): Buffer {
  const payload = Buffer.alloc(values.length * 3);
  for (let i = 0; i < values.length; i += 2) {
    payload.writeUInt16BE(values[i] ?? 0, i * 3);
    payload.writeUInt32BE(values[i + 1] ?? 0, i * 3 + 2);
  }
  return frame(frameType.settings, 0, 0, payload);
}

export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

export const get: readonly (readonly [string, string])[] = [
  [':method', 'GET'],
  [':scheme', 'https'],
  [':path', '/'],
  [':authority', 'a'],
];
export const post: readonly (readonly [string, string])[] = [[':method', 'POST'], ...get.slice(1)];

export const endStream = 1;
export const endHeaders = 4;
export const padded = 8;
export const priority = 0x20;
export const settingsAck: Buffer = frame(frameType.settings, 1, 0);

function nameOf(code: number): string {
  return Object.entries(errorCode).find(([, value]) => value === code)?.[0] ?? String(code);
}

function shown(payload: Buffer): string {
  return payload.length > 40 ? `of ${payload.length}` : payload.toString('latin1');
}
