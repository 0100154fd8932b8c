import { frameType } from '../../pkg/http2/frame.ts';
import { readFrames } from '../support/http2-frames.ts';

/** What a server made of one stream. */
export interface StreamOutcome {
  /** Flat, as the application got them; empty where it got none. */
  readonly fields: readonly string[];
  readonly body: string;
  readonly trailers: readonly string[];
  /** Whether the application was told that the request is whole. */
  readonly whole: boolean;
}

/** What a server made of the octets of one connection. */
export interface Outcome {
  /** By stream. */
  readonly requests: Readonly<Record<string, StreamOutcome>>;
  /** Streams that the server reset, and the code. */
  readonly resets: Readonly<Record<string, number>>;
  /** The code of a GOAWAY that is not NO_ERROR; undefined where the connection goes on. */
  readonly failed: number | undefined;
  /** What the server says of it; for people. */
  readonly reason: string;
}

/** What the frames say that a server sent. */
export function readAnswers(sent: Buffer): Pick<Outcome, 'failed' | 'resets'> {
  const resets: Record<string, number> = {};
  let failed: number | undefined;
  for (const { type, stream, payload } of readFrames(sent.toString('latin1'))) {
    if (type === frameType.rstStream) resets[stream] = payload.readUInt32BE(0);
    if (type === frameType.goaway && payload.readUInt32BE(4) !== 0) failed ??= payload.readUInt32BE(4);
  }
  return { resets, failed };
}

/** An outcome in one line, without what servers may do differently: codes, and requests that are not whole. */
export function classOf({ requests, resets, failed }: Outcome): string {
  if (failed !== undefined) return 'connection error';
  const streams = new Set([...Object.keys(requests), ...Object.keys(resets)].map(Number));
  return [...streams]
    .toSorted((one, two) => one - two)
    .map((stream) => {
      const request = requests[stream];
      const whole =
        request?.whole === true ? `request ${JSON.stringify([request.fields, request.body, request.trailers])}` : '';
      return [stream, whole, stream in resets ? 'reset' : ''].filter((text) => text !== '').join(' ');
    })
    .filter((text) => text.includes(' '))
    .join('\n');
}

/** What a piece made a server do, the gravest of it. */
export type ServerEvent = 'ended the connection' | 'nothing' | 'reset' | 'took a request';

/** What happened between two outcomes. */
export function eventOf(before: Outcome, after: Outcome): ServerEvent {
  if (before.failed === undefined && after.failed !== undefined) return 'ended the connection';
  if (Object.keys(after.resets).length > Object.keys(before.resets).length) return 'reset';
  return classOf(before) === classOf(after) ? 'nothing' : 'took a request';
}
