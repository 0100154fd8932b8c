import { type ClientHttp2Session, type ClientHttp2Stream, connect, type OutgoingHttpHeaders } from 'node:http2';
import type { TestContext } from 'node:test';
import { connectTo } from './gate.ts';
import type { Identity } from './pki.ts';
import { pki, type World } from './talk.ts';

/** What one stream got. */
export interface Http2Answer {
  readonly status: number;
  readonly fields: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly trailers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly body: string;
  /** `end` where END_STREAM came, else `reset`. */
  readonly end: 'end' | 'reset';
}

/** An HTTP/2 session through a gate, ended with the test. With the good client's certificate unless told otherwise. */
export async function connectHttp2(
  t: TestContext,
  world: World,
  identity?: Identity | null,
): Promise<ClientHttp2Session> {
  const shown = identity === null ? undefined : (identity ?? pki.client('good'));
  const socket = await connectTo(world.gate.port, pki, shown, { ALPNProtocols: ['h2'] });
  const session = connect('https://localhost', { createConnection: () => socket });
  session.on('error', () => undefined);
  t.after(() => session.destroy());
  return session;
}

/** Sends a whole request. */
export function ask(session: ClientHttp2Session, headers: OutgoingHttpHeaders, body?: string): Promise<Http2Answer> {
  const stream = session.request({ ':authority': 'localhost', ...headers }, { endStream: body === undefined });
  if (body !== undefined) stream.end(body);
  return answerOf(stream);
}

/** Waits for the end of a stream. */
export function answerOf(stream: ClientHttp2Stream): Promise<Http2Answer> {
  return new Promise((resolve) => {
    let status = 0;
    let fields: Http2Answer['fields'] = {};
    let trailers: Http2Answer['trailers'] = {};
    let body = '';
    let ended = false;
    stream.on('response', (headers) => {
      status = headers[':status'] ?? 0;
      fields = { ...headers };
    });
    stream.on('trailers', (headers) => {
      trailers = { ...headers };
    });
    stream.on('data', (chunk: Buffer) => {
      body += chunk.toString('latin1');
    });
    stream.on('end', () => {
      ended = true;
    });
    stream.on('error', () => undefined);
    stream.on('close', () => {
      const whole = ended && !stream.aborted && stream.rstCode === 0;
      resolve({ status, fields, trailers, body, end: whole ? 'end' : 'reset' });
    });
  });
}
