import { clientPreface, flag, frameType } from '../../pkg/http2/frame.ts';
import { ByteWriter } from '../../pkg/http2/hpack/byte-writer.ts';
import { HpackEncoder } from '../../pkg/http2/hpack/encoder.ts';
import { type Seeded, seeded } from '../ocsp/seeded.ts';
import { frame } from '../support/http2-frames.ts';

/** The frames of one client's connection: mostly in order, some malformed, some changed in single octets. */
export function frameSequence(seed: number): Buffer[] {
  return new Sequence(seeded(seed)).make();
}

class Sequence {
  readonly #random: Seeded;
  readonly #encoder = new HpackEncoder();
  readonly #frames: Buffer[] = [];
  /** Streams whose request is not whole. */
  readonly #open: number[] = [];
  #next = 1;

  constructor(random: Seeded) {
    this.#random = random;
  }

  make(): Buffer[] {
    const random = this.#random;
    this.#frames.push(Buffer.concat([clientPreface, frame(frameType.settings, 0, 0, this.#settings(0))]));
    if (random.below(4) > 0) this.#push(frameType.settings, flag.ack, 0, '');
    // A third of all connections has no fault on purpose.
    const hostile = random.below(3) === 0 ? 0 : 1 + random.below(4);
    for (let left = 2 + random.below(10); left > 0; left--) {
      if (random.below(10) < hostile) this.#hostile();
      else this.#proper();
    }
    if (random.below(10) < hostile) this.#mutate();
    return this.#frames.filter(({ length }) => length > 0);
  }

  #proper(): void {
    const random = this.#random;
    const open = this.#open.at(random.below(Math.max(1, this.#open.length)));
    switch (random.below(open === undefined ? 6 : 12)) {
      case 0:
      case 1:
      case 2:
        return this.#request(requestFields(random), random.below(2) === 0);
      case 3:
        return this.#push(frameType.ping, 0, 0, '0001020304050607');
      case 4:
        return this.#push(frameType.settings, 0, 0, this.#settings(0).toString('hex'));
      case 5:
        return this.#push(random.pick([frameType.priority, 0x10, 0x42]), 0, this.#next, '0000000001');
      case 6:
        this.#close(open ?? 1);
        return this.#push(frameType.rstStream, 0, open ?? 1, '00000008');
      case 7:
        return this.#push(frameType.windowUpdate, 0, random.pick([0, open ?? 1]), '00001000');
      case 8:
        return this.#headers(open ?? 1, ['x-trailer', String(random.below(5))], true);
      default:
        return this.#data(open ?? 1, random.below(3) === 0);
    }
  }

  #hostile(): void {
    const random = this.#random;
    const anyStream = random.pick([0, 1, 2, 3, Math.max(0, this.#next - 2), this.#next, this.#next + 4, 0x7fff_ffff]);
    const payload = random.pick(['', '00', '00000000', '0000000000', '7fffffff', '0102030405060708', 'ff'.repeat(20)]);
    switch (random.below(9)) {
      case 0:
      case 1:
        return this.#request(malformedFields(random), random.below(3) > 0);
      case 2:
        return this.#headers(
          anyStream,
          random.pick([
            ['x-trailer', '1'],
            [':status', '200'],
            ['X', '1'],
          ]),
          random.below(2) === 0,
        );
      case 3:
        return this.#push(random.below(11), random.below(256), anyStream, payload);
      case 4:
        return this.#push(
          random.pick([frameType.data, frameType.headers]),
          random.pick([0, 1, 4, 5, 8, 9, 13, 0x25]),
          anyStream,
          payload,
        );
      case 5:
        return this.#push(frameType.settings, 0, 0, this.#settings(1).toString('hex'));
      case 6:
        return this.#push(
          frameType.windowUpdate,
          0,
          anyStream,
          random.pick(['00000000', '7fffffff', '80000001', '7fff0000']),
        );
      case 7:
        return this.#push(
          random.pick([frameType.rstStream, frameType.priority, frameType.goaway]),
          0,
          anyStream,
          payload,
        );
      default:
        return this.#push(frameType.headers, flag.endHeaders | flag.endStream, this.#take(), random.pick(badBlocks));
    }
  }

  /** Changes octets, or the order of frames. */
  #mutate(): void {
    const random = this.#random;
    for (let times = 1 + random.below(3); times > 0; times--) {
      const at = 1 + random.below(this.#frames.length);
      const chosen = this.#frames[at];
      if (chosen === undefined) continue;
      const changed = Buffer.from(chosen);
      const octet = random.below(2) === 0 ? random.below(9) : random.below(changed.length);
      switch (random.below(6)) {
        case 0:
          this.#frames.splice(at, 0, changed);
          break;
        case 1:
          this.#frames.splice(at, 1);
          break;
        case 2:
          this.#frames[at] = changed.subarray(0, octet);
          break;
        case 3:
          changed[octet] = random.below(256);
          this.#frames[at] = changed;
          break;
        case 4:
          changed[octet] = (changed[octet] ?? 0) + random.pick([1, 255]);
          this.#frames[at] = changed;
          break;
        default:
          changed[octet] = (changed[octet] ?? 0) ^ (1 << random.below(8));
          this.#frames[at] = changed;
      }
    }
  }

  #request(fields: readonly string[], endStream: boolean): void {
    const stream = this.#take();
    if (!endStream) this.#open.push(stream);
    this.#headers(stream, fields, endStream);
  }

  #take(): number {
    const stream = this.#next;
    this.#next += 2;
    return stream;
  }

  #close(stream: number): void {
    const at = this.#open.indexOf(stream);
    if (at !== -1) this.#open.splice(at, 1);
  }

  /** Whole, in pieces, padded, with priority. */
  #headers(stream: number, fields: readonly string[], endStream: boolean): void {
    const random = this.#random;
    if (endStream) this.#close(stream);
    const out = new ByteWriter();
    this.#encoder.encode(fields, out);
    const block = Buffer.from(out.bytes.subarray(0, out.length));
    const pieces = random.below(4) === 0 ? 1 + random.below(3) : 0;
    let flags = endStream ? flag.endStream : 0;
    let before = '';
    let behind = '';
    if (random.below(6) === 0) {
      flags |= flag.padded;
      before = '03';
      behind = '000000';
    }
    if (random.below(6) === 0) {
      flags |= flag.priority;
      before += '0000000010';
    }
    const cuts = Array.from({ length: pieces }, () => random.below(block.length + 1)).toSorted((a, b) => a - b);
    const parts = [0, ...cuts].map((from, i) => block.subarray(from, cuts[i] ?? block.length).toString('hex'));
    const whole = parts.length === 1 ? flag.endHeaders : 0;
    this.#push(frameType.headers, flags | whole, stream, before + (parts[0] ?? '') + behind);
    for (let i = 1; i < parts.length; i++) {
      this.#push(frameType.continuation, i === parts.length - 1 ? flag.endHeaders : 0, stream, parts[i] ?? '');
    }
  }

  #data(stream: number, endStream: boolean): void {
    const random = this.#random;
    if (endStream) this.#close(stream);
    const flags = endStream ? flag.endStream : 0;
    const body = Buffer.from('x'.repeat(random.pick([0, 1, 5, 5, 100]))).toString('hex');
    if (random.below(4) === 0) this.#push(frameType.data, flags | flag.padded, stream, `02${body}0000`);
    else this.#push(frameType.data, flags, stream, body);
  }

  #push(type: number, flags: number, stream: number, payloadHex: string): void {
    this.#frames.push(frame(type, flags, stream, Buffer.from(payloadHex, 'hex')));
  }

  #settings(faults: number): Buffer {
    const random = this.#random;
    const values: [number, number][] = [];
    for (let count = random.below(3); count > 0; count--) {
      values.push(
        random.pick([
          [1, 0],
          [1, 4096],
          [1, 100],
          [2, 0],
          [3, 100],
          [4, 0],
          [4, 65_535],
          [5, 16_384],
          [6, 1000],
          [0xfe, 7],
        ]),
      );
    }
    if (faults > 0) {
      values.push(
        random.pick([
          [2, 2],
          [4, 0x8000_0000],
          [4, 0x7fff_ffff],
          [5, 0],
          [5, 0x0100_0000],
          [8, 2],
          [8, 1],
        ]),
      );
    }
    return Buffer.concat(
      values.map(([id, value]) => {
        const bytes = Buffer.alloc(6);
        bytes.writeUInt16BE(id, 0);
        bytes.writeUInt32BE(value, 2);
        return bytes;
      }),
    );
  }
}

function requestFields(random: Seeded): string[] {
  const method = random.pick(['GET', 'POST', 'PUT']);
  const path = random.pick(['/', '/a?b=c']);
  const fields = [':method', method, ':scheme', 'https', ':path', path, ':authority', 'a.example'];
  for (let count = random.below(4); count > 0; count--) {
    fields.push(
      ...random.pick([
        ['accept', '*/*'],
        ['user-agent', 'x'.repeat(1 + random.below(40))],
        ['te', 'trailers'],
        ['x-empty', ''],
        ['x-octets', 'caf\u00e9'],
        ['accept-encoding', 'gzip, deflate'],
      ]),
    );
  }
  // One, and the last: h2 puts them together and behind the others.
  if (random.below(4) === 0) fields.push('cookie', 'a=b');
  return fields;
}

function malformedFields(random: Seeded): string[] {
  const fields = requestFields(random);
  const [name, value] = random.pick<readonly [string, string]>([
    ['Upper', '1'],
    ['connection', 'close'],
    ['transfer-encoding', 'chunked'],
    ['upgrade', 'h2c'],
    ['keep-alive', '1'],
    ['proxy-connection', '1'],
    ['te', 'gzip'],
    [':path', '/again'],
    [':unknown', '1'],
    [':status', '200'],
    [':protocol', 'websocket'],
    ['content-length', '3'],
    ['content-length', '5'],
    ['content-length', 'x'],
    ['host', 'other.example'],
    ['', 'empty'],
    ['x y', '1'],
    ['x\u0000', '1'],
    ['x-nul', 'a\u0000b'],
    ['x-line', 'a\r\nb: c'],
    ['x-control', 'a\u0001b'],
    ['x-blank', ' a'],
    ['x-blank', 'a\t'],
    ['x\u00e9', '1'],
  ]);
  switch (random.below(5)) {
    case 0: {
      // One of the pseudo-header fields is missing, or empty.
      const at = 2 * random.below(4);
      if (random.below(2) === 0) fields.splice(at, 2);
      else if (at + 1 < fields.length) fields[at + 1] = '';
      return fields;
    }
    case 1:
      return [name, value, ...fields];
    case 2:
      return [':method', 'CONNECT', ...fields.slice(2)];
    default:
      return [...fields.slice(0, 8), name, value, ...fields.slice(8)];
  }
}

/** Field blocks that are none (RFC 7541). */
const badBlocks: readonly [string, ...string[]] = [
  '80',
  'ff',
  'ffffffffff0f',
  '8286848fbe',
  '828684c0',
  '00',
  '0001',
  '000161',
  '828684410001618100',
  '82868401860161ffffffffff',
  '3fffffff0f828684',
  '202020828684',
  '82868420',
  '828684',
  '8286844101613fe11f',
  '20828684410161',
];
