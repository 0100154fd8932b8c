import { createServer, type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2';
import { duplexPair } from 'node:stream';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { type Outcome, readAnswers, type StreamOutcome } from './outcome.ts';

/** Gives the octets to node:http2's server, which is nghttp2, piece by piece; every whole request is answered. @returns what it is after each. */
export async function runNghttp2(chunks: readonly Buffer[]): Promise<Outcome[]> {
  const requests: Record<string, StreamOutcome> = {};
  const sent: Buffer[] = [];
  let reason = '';
  const server = createServer({ settings: { maxHeaderListSize: 65_536, maxConcurrentStreams: 100 } });
  server.on('sessionError', (error: Error) => {
    reason = error.message;
  });
  server.on(
    'stream',
    (stream: ServerHttp2Stream, _headers: IncomingHttpHeaders, _flags: number, fields: readonly string[]) => {
      const told = (more: Partial<StreamOutcome>) => {
        const before = requests[String(stream.id)] ?? { fields, body: '', trailers: [], whole: false };
        requests[String(stream.id)] = { ...before, ...more };
      };
      told({});
      stream.on('error', () => undefined);
      stream.on('trailers', (_fields: IncomingHttpHeaders, _flags: number, trailers: readonly string[]) => {
        told({ trailers });
      });
      stream.on('data', (chunk: Buffer) => {
        told({ body: (requests[String(stream.id)]?.body ?? '') + chunk.toString('latin1') });
      });
      stream.on('end', () => {
        // It ends for a reset too.
        if (stream.aborted || stream.rstCode !== 0) return;
        told({ whole: true });
        if (!stream.destroyed && !stream.headersSent) stream.respond({ ':status': 200 }, { endStream: true });
      });
    },
  );
  const [ours, theirs] = duplexPair();
  ours.on('data', (chunk: Buffer) => sent.push(chunk));
  ours.on('error', () => undefined);
  theirs.on('error', () => undefined);
  server.emit('connection', theirs);
  const outcomes: Outcome[] = [];
  for (const chunk of chunks) {
    ours.write(chunk);
    for (let turn = 0; turn < 6; turn++) await nextTurn();
    outcomes.push({ requests: { ...requests }, ...readAnswers(Buffer.concat(sent)), reason });
  }
  ours.destroy();
  theirs.destroy();
  return outcomes;
}
