import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  constants,
  type OutgoingHttpHeaders,
  sensitiveHeaders,
} from 'node:http2';
import { connect as connectSocket, type Socket } from 'node:net';
import { hopByHopNames } from '../http1/names.ts';
import type { BackAddress, BackTarget } from './back-target.ts';
import {
  type Back,
  type BackFailure,
  bodylessHead,
  type Exchange,
  type IncomingResponse,
  type OutgoingRequest,
  type ResponseSink,
} from './exchange.ts';
import { HeldBytes } from './held-bytes.ts';

/** HTTP/2 in clear text to the application: one session for one client connection, a stream for every request. */
export function createH2cBack(target: BackTarget, now: () => number): Back {
  return new H2cBack(target, now);
}

class H2cBack implements Back {
  readonly target: BackTarget;
  readonly now: () => number;
  readonly #exchanges = new Set<H2cExchange>();
  #session: ClientHttp2Session | undefined;
  /** A connection that is being made: one at a time, whatever waits for it. */
  #opening: Socket | undefined;
  #retired = false;
  #closed = false;
  #idleSinceMs = 0;

  constructor(target: BackTarget, now: () => number) {
    this.target = target;
    this.now = now;
  }

  begin(request: OutgoingRequest, sink: ResponseSink): Exchange {
    const exchange = new H2cExchange(this, request, sink);
    this.#exchanges.add(exchange);
    if (request.webSocket) {
      // Over H2C a WebSocket would need the application's extended CONNECT (RFC 8441), which hardly any has.
      exchange.fail({ status: 502, cause: 'answer', detail: 'WebSocket needs backend.protocol HTTP' });
      return exchange;
    }
    const session = this.#session;
    if (session !== undefined && !session.closed && !session.destroyed) exchange.start(session);
    else if (this.#opening === undefined) this.#open([...this.target.addresses]);
    return exchange;
  }

  #open(candidates: BackAddress[]): void {
    const address = candidates.shift();
    const waiting = () => [...this.#exchanges].filter((exchange) => !exchange.started);
    if (address === undefined) {
      this.#opening = undefined;
      for (const exchange of waiting()) exchange.fail({ status: 503, cause: 'connect', detail: 'connection refused' });
      return;
    }
    const socket: Socket = connectSocket({ ...address, noDelay: true });
    this.#opening = socket;
    const timer =
      this.target.connectMs > 0
        ? setTimeout(() => socket.destroy(new Error('timed out')), this.target.connectMs)
        : undefined;
    socket.on('error', () => {
      clearTimeout(timer);
      if (this.#opening === socket) this.#open(candidates);
    });
    socket.once('connect', () => {
      clearTimeout(timer);
      this.#opening = undefined;
      if (this.#closed || (this.#retired && this.#exchanges.size === 0)) {
        socket.destroy();
        return;
      }
      const { addresses } = this.target;
      if (addresses[0] !== address) {
        addresses.splice(addresses.indexOf(address), 1);
        addresses.unshift(address);
      }
      const session = connect('http://localhost', {
        createConnection: () => socket,
        settings: { enablePush: false, initialWindowSize: streamWindow },
      });
      this.#session = session;
      session.on('connect', () => session.setLocalWindowSize(sessionWindow));
      session.on('error', () => undefined);
      session.on('close', () => {
        if (this.#session === session) this.#session = undefined;
        for (const exchange of [...this.#exchanges]) exchange.sessionClosed(session);
      });
      for (const exchange of waiting()) exchange.start(session);
    });
  }

  forget(exchange: H2cExchange): void {
    this.#exchanges.delete(exchange);
    this.#idleSinceMs = this.now();
    if (this.#retired && this.#exchanges.size === 0) this.close();
  }

  sweep(nowMs: number): void {
    for (const exchange of this.#exchanges) exchange.sweep(nowMs);
    if (this.#exchanges.size === 0 && this.#session !== undefined && nowMs - this.#idleSinceMs > idleSessionMs)
      this.#session.close();
  }

  retire(): void {
    this.#retired = true;
    if (this.#exchanges.size === 0) this.close();
  }

  close(): void {
    this.#closed = true;
    this.#opening?.destroy();
    this.#session?.destroy();
    this.#session = undefined;
  }
}

class H2cExchange implements Exchange {
  readonly #back: H2cBack;
  readonly #request: OutgoingRequest;
  #sink: ResponseSink | undefined;
  #session: ClientHttp2Session | undefined;
  #stream: ClientHttp2Stream | undefined;
  /** Body bytes that came before the session was there. */
  readonly #early = new HeldBytes();
  #ended = false;
  #answered = false;
  #trailers: readonly string[] = [];
  #waitingSinceMs: number;

  constructor(back: H2cBack, request: OutgoingRequest, sink: ResponseSink) {
    this.#back = back;
    this.#request = request;
    this.#sink = sink;
    this.#ended = request.body.kind === 'none';
    this.#waitingSinceMs = back.now();
  }

  get started(): boolean {
    return this.#stream !== undefined;
  }

  start(session: ClientHttp2Session): void {
    const request = this.#request;
    const headers: OutgoingHttpHeaders = Object.create(null);
    headers[':method'] = request.method;
    headers[':path'] = request.target;
    headers[':scheme'] = 'http';
    headers[':authority'] = request.authority;
    addHeaders(headers, request.fields);
    if (request.requestId !== undefined) headers['x-request-id'] = request.requestId.text;
    addHeaders(headers, request.constantFields);
    // gRPC applications demand it, and trailers do get through.
    headers['te'] = 'trailers';
    if (request.body.kind === 'length') headers['content-length'] = String(request.body.length);
    this.#session = session;
    // RFC 7541 7.1.3: what the client holds for a secret stays one. Well-known ones are Node's own care.
    if (request.neverIndexed !== undefined && request.neverIndexed.length > 0)
      Reflect.set(headers, sensitiveHeaders, request.neverIndexed);
    let stream: ClientHttp2Stream;
    try {
      stream = session.request(headers, { endStream: this.#ended && this.#early.isEmpty });
    } catch (error) {
      this.fail({ status: 502, cause: 'answer', detail: `the request does not fit HTTP/2: ${String(error)}` });
      return;
    }
    this.#stream = stream;
    stream.on('error', () => undefined);
    stream.on('headers', (informational, _flags, raw?: string[]) => {
      const status = informational[':status'] ?? 0;
      if (status > 100 && raw !== undefined) this.#sink?.informational(bodylessHead(status, endToEnd(raw)));
    });
    stream.on('response', (fields, flags, raw?: string[]) =>
      this.#onResponse(Number(fields[':status']), raw ?? [], (flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0),
    );
    stream.on('data', (chunk: Buffer) => {
      this.#waitingSinceMs = this.#back.now();
      if (this.#sink?.data(chunk, false) === false) stream.pause();
    });
    stream.on('trailers', (_fields, _flags, raw?: string[]) => {
      this.#trailers = endToEnd(raw ?? []);
    });
    stream.on('drain', () => this.#sink?.writable());
    stream.on('close', () => this.#onClose(stream));
    for (const chunk of this.#early.take()) stream.write(chunk);
    if (this.#ended && this.#request.body.kind !== 'none') stream.end();
    if (this.#request.body.kind !== 'none') this.#sink?.writable();
  }

  write(chunk: Buffer): boolean {
    this.#waitingSinceMs = this.#back.now();
    if (this.#stream !== undefined) return this.#stream.destroyed ? true : this.#stream.write(Buffer.from(chunk));
    this.#early.push(chunk);
    return false;
  }

  end(): void {
    this.#ended = true;
    this.#waitingSinceMs = this.#back.now();
    if (this.#stream !== undefined && !this.#stream.destroyed) this.#stream.end();
  }

  abort(): void {
    this.#sink = undefined;
    this.#reset();
    this.#back.forget(this);
  }

  /** A close would end the writable side first: END_STREAM, and half a body would look whole to the application. */
  #reset(): void {
    this.#stream?.destroy(new Error('reset'));
  }

  resume(): void {
    this.#waitingSinceMs = this.#back.now();
    this.#stream?.resume();
  }

  sweep(nowMs: number): void {
    const { responseMs } = this.#back.target;
    // A stream that both sides keep open (gRPC) waits for nobody in particular.
    const waiting = this.#ended && this.#stream?.isPaused() !== true;
    if (responseMs === 0 || !waiting || nowMs - this.#waitingSinceMs <= responseMs) return;
    this.#reset();
    this.fail({ status: 504, cause: 'timeout', detail: `no byte from the application within ${responseMs} ms` });
  }

  sessionClosed(session: ClientHttp2Session): void {
    if (this.#session === session)
      this.fail({ status: 502, cause: 'reset', detail: 'the application closed the connection' });
  }

  fail(failure: BackFailure): void {
    const sink = this.#sink;
    this.#sink = undefined;
    this.#back.forget(this);
    // Never within begin(): the front has not got its exchange yet.
    if (sink !== undefined) queueMicrotask(() => sink.fail(failure));
  }

  #onResponse(status: number, raw: readonly string[], ended: boolean): void {
    const sink = this.#sink;
    if (sink === undefined) return;
    this.#waitingSinceMs = this.#back.now();
    if (!(status >= 200 && status <= 599)) {
      this.#reset();
      this.fail({ status: 502, cause: 'answer', detail: `status ${status} is not valid` });
      return;
    }
    this.#answered = true;
    const fields = endToEnd(raw);
    const length = contentLength(raw);
    const bodyless = ended || this.#request.method === 'HEAD' || status === 204 || status === 304;
    const head: IncomingResponse = {
      status,
      reason: '',
      fields,
      connectionTokens: [],
      body: bodyless
        ? { kind: 'none' }
        : length === undefined
          ? { kind: 'stream' }
          : { kind: 'length', length: Number(length) },
      declaredLength: bodyless ? length : undefined,
    };
    try {
      sink.head(head);
    } catch (error) {
      this.#reset();
      this.fail({ status: 502, cause: 'answer', detail: error instanceof Error ? error.message : String(error) });
      return;
    }
    sink.flush();
  }

  #onClose(stream: ClientHttp2Stream): void {
    const sink = this.#sink;
    if (sink === undefined) return;
    if (stream.rstCode === constants.NGHTTP2_NO_ERROR && this.#answered && stream.readableEnded) {
      this.#sink = undefined;
      this.#back.forget(this);
      sink.end(this.#trailers);
      return;
    }
    this.fail({ status: 502, cause: 'reset', detail: `the application reset the stream (code ${stream.rstCode})` });
  }
}

/** Without pseudo-header fields, what belongs to a connection, and framing. */
function endToEnd(raw: readonly string[]): string[] {
  const fields: string[] = [];
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i] ?? '';
    if (name.startsWith(':') || hopByHopNames.has(name) || name === 'content-length') continue;
    fields.push(name, raw[i + 1] ?? '');
  }
  return fields;
}

function contentLength(raw: readonly string[]): string | undefined {
  for (let i = 0; i < raw.length; i += 2) if (raw[i] === 'content-length') return raw[i + 1];
  return undefined;
}

/** Adds a flat name, value list to what Node's HTTP/2 sends: lower-case names, and a list where a name stands twice. */
function addHeaders(headers: OutgoingHttpHeaders, fields: readonly string[]): void {
  for (let i = 0; i < fields.length; i += 2) {
    const name = (fields[i] ?? '').toLowerCase();
    const value = fields[i + 1] ?? '';
    const before = headers[name];
    if (before === undefined) headers[name] = value;
    else if (Array.isArray(before)) before.push(value);
    else headers[name] = [String(before), value];
  }
}

const streamWindow = 262_144;
const sessionWindow = 1_048_576;
const idleSessionMs = 60_000;
