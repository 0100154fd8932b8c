import assert from 'node:assert/strict';
import { createServer, type Http2Server, type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2';
import { duplexPair } from 'node:stream';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { ByteWriter } from '../../pkg/http2/hpack/byte-writer.ts';
import { HpackDecoder } from '../../pkg/http2/hpack/decoder.ts';
import { HpackEncoder } from '../../pkg/http2/hpack/encoder.ts';
import { type Seeded, seeded } from '../ocsp/seeded.ts';
import { endHeaders, endStream, type Frame, frame, frameTypes, readFrames } from '../support/http2-frames.ts';

/** A client made of our codec alone before node:http2's server, which is nghttp2. */
class Client {
  readonly encoder = new HpackEncoder();
  readonly decoder = new HpackDecoder({ maxTableBytes: 4096 });
  readonly #socket;
  readonly #out = new ByteWriter();
  /** Sizes that the server has not acknowledged yet. */
  readonly #sizes: number[] = [];
  #received = '';
  #read = 0;
  /** What each stream got. */
  readonly answers = new Map<number, readonly string[]>();

  constructor(server: Http2Server) {
    const [ours, theirs] = duplexPair();
    server.emit('connection', theirs);
    this.#socket = ours;
    ours.on('data', (chunk: Buffer) => {
      this.#received += chunk.toString('latin1');
      for (const one of readFrames(this.#received).slice(this.#read)) this.#take(one);
    });
    ours.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
    this.announce(4096);
  }

  /** SETTINGS_HEADER_TABLE_SIZE of ours. */
  announce(size: number): void {
    const payload = Buffer.alloc(6);
    payload.writeUInt16BE(1, 0);
    payload.writeUInt32BE(size, 2);
    this.#sizes.push(size);
    this.#socket.write(frame(frameTypes.settings, 0, 0, payload));
  }

  request(stream: number, fields: readonly string[]): void {
    this.#out.length = 0;
    this.encoder.encode(fields, this.#out);
    const block = Buffer.from(this.#out.bytes.subarray(0, this.#out.length));
    this.#socket.write(frame(frameTypes.headers, endHeaders | endStream, stream, block));
  }

  close(): void {
    this.#socket.destroy();
  }

  #take({ type, flags, stream, payload }: Frame): void {
    this.#read++;
    if (type === frameTypes.goaway) throw new Error(`the server ends the connection: ${payload.readUInt32BE(4)}`);
    if (type === frameTypes.headers) {
      assert.ok(flags & endHeaders);
      this.answers.set(stream, this.decoder.decode(payload, { maxListBytes: 65_536, maxFields: 100 }).fields);
    }
    if (type !== frameTypes.settings) return;
    if (flags & 1) {
      this.decoder.setMaxTableBytes(this.#sizes.shift() ?? 4096);
      return;
    }
    for (let at = 0; at + 6 <= payload.length; at += 6) {
      if (payload.readUInt16BE(at) === 1) this.encoder.setMaxTableBytes(payload.readUInt32BE(at + 2));
    }
    this.#socket.write(frame(frameTypes.settings, 1, 0));
  }
}

for (const seed of [1, 2, 3, 4]) {
  test(`nghttp2 reads our field blocks and we its, while both change the size of the table (seed ${seed})`, async (t) => {
    const random = seeded(seed);
    const seen: (readonly string[])[] = [];
    const answers: (readonly string[])[] = [];
    const server = createServer();
    let announce: ((size: number) => void) | undefined;
    server.on('session', (session) => {
      announce = (size) => session.settings({ headerTableSize: size });
      session.on('error', () => undefined);
    });
    server.on(
      'stream',
      (stream: ServerHttp2Stream, _headers: IncomingHttpHeaders, _flags: number, rawHeaders: string[]) => {
        seen.push(rawHeaders);
        const answer = answers.at(-1) ?? [];
        stream.respond(Object.fromEntries(pairsOf(answer)), { endStream: true });
      },
    );
    const client = new Client(server);
    t.after(() => client.close());
    const requests: (readonly string[])[] = [];
    for (let stream = 1; stream < 400; stream += 2) {
      for (let changes = random.below(8); changes < 3; changes++) {
        const size = random.pick([0, 40, 100, 500, 4096, 10_000]);
        if (random.below(2) === 0) client.announce(size);
        else announce?.(size);
        if (random.below(2) === 0) await nextTurn();
      }
      const request = [':method', 'GET', ':scheme', 'https', ':authority', 'a', ':path', `/${random.below(3)}`];
      requests.push([...request, ...randomFields(random)]);
      // node:http2 would add a date of its own.
      const status = [':status', String(random.pick([200, 201, 404])), 'date', String(random.below(3))];
      answers.push([...status, ...randomFields(random)]);
      client.request(stream, requests.at(-1) ?? []);
      for (let turn = 0; turn < 100 && !client.answers.has(stream); turn++) await nextTurn();
    }
    assert.deepEqual(seen, requests);
    assert.deepEqual([...client.answers.values()], answers);
  });
}

/** Some fields, each name once: node:http2 takes answers as objects. */
function randomFields(random: Seeded): string[] {
  const fields = new Map<string, string>();
  for (let i = random.below(10); i > 0; i--) {
    const name = random.pick([`x-${random.below(1000)}`, ...names]);
    const value = random.pick([randomText(random), ...values]);
    fields.set(name, value);
  }
  return [...fields].flat();
}

/** Visible ASCII, of every length around those at which a coded length takes one octet more. */
function randomText(random: Seeded): string {
  const length = random.pick([1, 3, 30, 126, 127, 128, 300, 2000]);
  return String.fromCharCode(...Array.from({ length }, () => 0x21 + random.below(0x7e - 0x21)));
}

function pairsOf(fields: readonly string[]): [string, string][] {
  return fields.flatMap((name, i) => (i % 2 === 0 ? [[name, fields[i + 1] ?? ''] as [string, string]] : []));
}

const names = ['server', 'vary', 'x-frame-options', 'etag', 'cache-control', 'accept-encoding', 'x-powered-by'];
const values = [
  'a',
  'gzip, deflate',
  'max-age=3600',
  'DENY',
  '"5d8c72a5edda8d6a"',
  'Mon, 21 Oct 2013 20:13:21 GMT',
  '',
];
