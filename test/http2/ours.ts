import { ServerSession } from '../../pkg/http2/session.ts';
import { type Outcome, readAnswers, type StreamOutcome } from './outcome.ts';

/** Gives our session the octets, piece by piece; every whole request is answered at once. @returns what it is after each. */
export function runOurs(chunks: readonly Buffer[]): Outcome[] {
  const requests: Record<string, StreamOutcome> = {};
  const sent: Buffer[] = [];
  let reason = '';
  let flush: (() => void) | undefined;
  const session = new ServerSession(
    {
      maxConcurrentStreams: 100,
      streamWindow: 65_535,
      sessionWindow: 65_535,
      maxHeldBytes: 1_000_000,
      maxListBytes: 65_536,
      maxFields: 1000,
      now: () => 0,
      schedule: (call) => {
        flush = call;
      },
    },
    {
      write: (bytes) => {
        // Its memory is written again.
        sent.push(Buffer.from(bytes));
        return true;
      },
      taken: true,
      holdInput: () => undefined,
      end: () => undefined,
    },
    {
      request: (stream, { fields, endStream }) => {
        const told = (more: Partial<StreamOutcome>) => {
          const before = requests[stream.id] ?? { fields, body: '', trailers: [], whole: false };
          requests[stream.id] = { ...before, ...more };
          if (more.whole === true) stream.respond([':status', '200'], true);
        };
        told({ whole: endStream });
        return {
          data: (chunk) => told({ body: (requests[stream.id]?.body ?? '') + chunk.toString('latin1') }),
          end: (trailers) => told({ trailers, whole: true }),
          writable: () => undefined,
          closed: () => undefined,
        };
      },
      flooded: (flood) => {
        reason = flood;
      },
      failed: (_code, text) => {
        reason = text;
      },
    },
  );
  return chunks.map((chunk) => {
    session.receive(Buffer.from(chunk));
    flush?.();
    return { requests: { ...requests }, ...readAnswers(Buffer.concat(sent)), reason };
  });
}
