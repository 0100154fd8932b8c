import { isAllOf, targetOctet, tokenOctet, valueOctet } from '../../pkg/http1/chars.ts';
import { clientPreface, errorCode, flag, frameType, max31, readUint31 } from '../../pkg/http2/frame.ts';
import { HpackDecoder } from '../../pkg/http2/hpack/decoder.ts';
import { isFieldAllowed } from '../../pkg/http2/request-rules.ts';
import { type Frame, readFrames } from '../support/http2-frames.ts';
import type { Outcome, ServerEvent } from './outcome.ts';

/** Where two servers that were given the same octets parted for good. */
export interface Difference {
  readonly oracle: 'h2' | 'nghttp2';
  /** Everything that was sent, up to the piece at which they parted. */
  readonly octets: Buffer;
  /** What each is after it, and did because of it. */
  readonly ours: Outcome;
  readonly theirs: Outcome;
  readonly oursDid: ServerEvent;
  readonly theirsDid: ServerEvent;
}

/** A kind of difference that is understood. */
export interface DifferenceClass {
  readonly name: string;
  readonly covers: (difference: Difference, sent: Sent) => boolean;
}

/** What was sent, as a reader of frames sees it. */
export interface Sent {
  readonly frames: readonly Frame[];
  /** The last whole frame. */
  readonly frame: Frame | undefined;
  /** Whether a frame or a field block is not whole. */
  readonly partial: boolean;
  /** The fields of the block that the last frame ends; flat, none where it ends none. */
  readonly fields: readonly string[];
  /** Whether their characters are allowed (RFC 9113 8.2.1). */
  readonly accepted: boolean;
}

/** The class that explains the difference. */
export function explain(difference: Difference): string | undefined {
  const sent = readSent(difference.octets);
  return differenceClasses.find(({ covers }) => covers(difference, sent))?.name;
}

/** Reads what was sent. */
export function readSent(octets: Buffer): Sent {
  const frames = readFrames(octets.toString('latin1'));
  const length = frames.reduce((sum, { payload }) => sum + 9 + payload.length, clientPreface.length);
  const decoder = new HpackDecoder({ maxTableBytes: 4096, accepts: isFieldAllowed });
  let block: Buffer | undefined;
  let fields: readonly string[] = [];
  let accepted = true;
  for (const { type, flags, payload } of frames) {
    fields = [];
    accepted = true;
    if (type === frameType.headers) block = fragmentOf(flags, payload);
    else if (type === frameType.continuation && block !== undefined) block = Buffer.concat([block, payload]);
    else continue;
    if ((flags & flag.endHeaders) === 0) continue;
    try {
      ({ fields, accepted } = decoder.decode(block, { maxListBytes: 65_536, maxFields: 1000 }));
    } catch {
      // Both ended the connection, or it is not what they differ in.
    }
    block = undefined;
  }
  return { frames, frame: frames.at(-1), partial: length < octets.length || block !== undefined, fields, accepted };
}

function fragmentOf(flags: number, payload: Buffer): Buffer {
  const pad = flags & flag.padded ? 1 : 0;
  const start = pad + (flags & flag.priority ? 5 : 0);
  return payload.subarray(start, Math.max(start, payload.length - (pad === 1 ? (payload[0] ?? 0) : 0)));
}

/** In order: the first that covers a difference explains it. */
export const differenceClasses: readonly DifferenceClass[] = [
  {
    name: 'a frame or field block that is not whole: one judges what is there, the other waits for the rest',
    covers: ({ oursDid, theirsDid }, { partial }) =>
      partial && (oursDid === 'nothing' || theirsDid === 'nothing' || theirsDid === 'ended the connection'),
  },
  {
    name: 'a frame that is too long: we end at its head, they wait for its end',
    covers: ({ ours, theirs }) => theirs.failed === undefined && /^frame of \d+ octets/.test(ours.reason),
  },
  {
    name: 'anything behind the client’s GOAWAY: we end with the last stream, Node at once for an error, h2 takes nothing',
    covers: (_, { frames }) => frames.slice(0, -1).some(({ type }) => type === frameType.goaway),
  },
  {
    name: 'three changes of the table’s size: RFC 7541 4.2 has two at most, which nobody else counts',
    covers: ({ ours }) => ours.reason === 'more than two table size updates',
  },
  of(
    'both',
    'PRIORITY of another length than 5: a stream error (RFC 9113 6.3), they end the connection',
    (did, { frame }) => {
      return did === 'reset/ended the connection' && frame?.type === frameType.priority;
    },
  ),
  of(
    'both',
    'no host, two hosts, or a method, path or host that is none: with us the front refuses the request',
    (did, { fields }) => {
      const hosts = new Set(fields.filter((_, i) => i % 2 === 1 && /^(:authority|host)$/.test(fields[i - 1] ?? '')));
      const odd = fields.some((text, i) => i % 2 === 0 && isOdd(text, fields[i + 1] ?? ''));
      return (
        /^(nothing|took a request)\/(reset|ended the connection)$/.test(did) &&
        fields.length > 0 &&
        (hosts.size !== 1 || odd)
      );
    },
  ),

  of(
    'both',
    'a stream that depends on itself: of no meaning since RFC 9113 5.3.2, an error as in RFC 7540 5.3.1',
    (did, { frame }) => {
      return frame !== undefined && dependsOnItself(frame) && did.split('/').every((one) => one !== 'took a request');
    },
  ),
  of(
    'nghttp2',
    'an answer to no SETTINGS or PING: RFC 9113 6.5 and 6.7 say nothing of it, we ignore it',
    (did, { frame }) => {
      const answer = frame?.type === frameType.settings || frame?.type === frameType.ping;
      return did === 'nothing/ended the connection' && answer && (frame.flags & flag.ack) !== 0;
    },
  ),
  of(
    'nghttp2',
    'GOAWAY with a stream that was never ours: it means nothing to a server that opens none',
    (did, { frame }) => {
      return did === 'nothing/ended the connection' && frame?.type === frameType.goaway;
    },
  ),
  of(
    'nghttp2',
    'a character that may not be: it leaves the field out, RFC 9113 8.2.1 has the request refused',
    (did, { accepted }) => {
      return /^reset\/(nothing|took a request)$/.test(did) && !accepted;
    },
  ),
  {
    name: 'another character that no field of HTTP has: nghttp2 leaves the field out, with us the front refuses the request',
    covers: ({ oracle, ours, theirs, oursDid }) =>
      oracle === 'nghttp2' && oursDid === 'took a request' && onlyOddFieldsDiffer(ours, theirs),
  },
  of(
    'both',
    'DATA beyond content-length: a stream error (RFC 9113 8.1.1), they end the connection',
    (did, { frame }) => {
      return did === 'reset/ended the connection' && frame?.type === frameType.data;
    },
  ),
  of(
    'both',
    'a stream’s window beyond its limit, or moved by 0: a stream error (RFC 9113 6.9), they end the connection',
    (did, { frame }) => {
      return did === 'reset/ended the connection' && frame?.type === frameType.windowUpdate;
    },
  ),
  of(
    'nghttp2',
    'a frame on a stream that is closed, which it ignores: STREAM_CLOSED (RFC 9113 5.1)',
    (did, _, { ours, octets }) => {
      const { frame } = readSent(octets);
      if (did === 'ended the connection/nothing' && / on a stream that has ended$/.test(ours.reason)) return true;
      return did === 'reset/nothing' && ours.resets[frame?.stream ?? 0] === errorCode.streamClosed;
    },
  ),
  of('nghttp2', 'DATA with too much padding on a stream that is closed, which it ignores', (did, _, { ours }) => {
    return (
      did === 'ended the connection/nothing' &&
      /^DATA (padded beyond its payload|without its pad length)$/.test(ours.reason)
    );
  }),
  of(
    'nghttp2',
    'a new stream with a lower identifier, which it ignores: PROTOCOL_ERROR (RFC 9113 5.1.1)',
    (did, _, { ours }) => {
      return did === 'ended the connection/nothing' && /^a new stream with a lower identifier/.test(ours.reason);
    },
  ),
  of(
    'nghttp2',
    'PRIORITY on the connection itself, which it ignores: PROTOCOL_ERROR (RFC 9113 6.3)',
    (did, { frame }) => {
      return did === 'ended the connection/nothing' && frame?.type === frameType.priority && frame.stream === 0;
    },
  ),

  of('h2', 'a malformed request: a stream error (RFC 9113 8.1.1), h2 ends the connection', (did, { frame }) => {
    return (
      did === 'reset/ended the connection' &&
      (frame?.type === frameType.headers || frame?.type === frameType.continuation)
    );
  }),
  of(
    'h2',
    'a request without a body whose content-length has one, which h2 takes: malformed (RFC 9113 8.1.1)',
    (did, { frame }, { theirs }) => {
      const fields = theirs.requests[frame?.stream ?? 0]?.fields ?? [];
      return did === 'reset/took a request' && fields.includes('content-length');
    },
  ),
  of(
    'h2',
    'DATA behind the end of a stream: an error of the connection (RFC 9113 5.1), h2 resets the stream',
    (did, _, { ours }) => {
      return did === 'ended the connection/reset' && ours.reason === 'DATA on a stream that has ended';
    },
  ),
  of(
    'h2',
    'WINDOW_UPDATE with its reserved bit set, which has no meaning (RFC 9113 6.9), or by 0 on a closed stream',
    (did, { frame }) => {
      const increment = frame?.payload.length === 4 ? frame.payload.readUInt32BE(0) : 1;
      return (
        did === 'nothing/ended the connection' &&
        frame?.type === frameType.windowUpdate &&
        (increment === 0 || increment > max31)
      );
    },
  ),
  of(
    'nghttp2',
    'a setting twice in one frame, once with a value that may not be: RFC 9113 6.5.2 has every one judged',
    (did, _, { ours }) => {
      return did === 'ended the connection/nothing' && ours.reason === 'a setting that is neither 0 nor 1';
    },
  ),
  of('h2', 'RST_STREAM on an idle stream, which h2 ignores: PROTOCOL_ERROR (RFC 9113 6.4)', (did, _, { ours }) => {
    return did === 'ended the connection/nothing' && ours.reason === 'RST_STREAM on an idle stream';
  }),
  of(
    'h2',
    'PUSH_PROMISE on a stream that is over, which h2 ignores: PROTOCOL_ERROR (RFC 9113 8.4)',
    (did, { frame }) => {
      return did === 'ended the connection/nothing' && frame?.type === frameType.pushPromise;
    },
  ),
  of(
    'h2',
    'ALTSVC, which h2 reads and we do not know',
    (did, { frame }) => did === 'nothing/ended the connection' && frame?.type === 0xa,
  ),
];

/** A class of one oracle, or of both: `did` is what we did, a slash, and what it did. */
function of(
  whose: 'both' | 'h2' | 'nghttp2',
  name: string,
  covers: (did: string, sent: Sent, difference: Difference) => boolean,
): DifferenceClass {
  return {
    name: whose === 'both' ? name : `${whose}: ${name}`,
    covers: (difference, sent) => {
      const { oracle, oursDid, theirsDid } = difference;
      return (whose === 'both' || whose === oracle) && covers(`${oursDid}/${theirsDid}`, sent, difference);
    },
  };
}

/** Whether a pseudo-header field has a value that is none (RFC 9113 8.3.1). */
function isOdd(name: string, value: string): boolean {
  if (name === ':method') return !/^[A-Z]+$/.test(value);
  if (name === ':path') return !value.startsWith('/') || !isAllOf(targetOctet, value);
  if (name === ':authority') return !/^[a-z0-9.:-]+$/.test(value);
  return name === ':scheme' && value !== 'https';
}

/** Whether their requests are ours without the fields that HTTP/1.1 could not write. */
function onlyOddFieldsDiffer(ours: Outcome, theirs: Outcome): boolean {
  return Object.entries(ours.requests).every(([stream, { fields, whole }]) => {
    if (!whole) return true;
    const kept = fields.filter((_, i) => {
      const name = fields[i & ~1] ?? '';
      const value = fields[i | 1] ?? '';
      return name.startsWith(':') || (isAllOf(tokenOctet, name) && (value === '' || isAllOf(valueOctet, value)));
    });
    return JSON.stringify(kept) === JSON.stringify(theirs.requests[stream]?.fields);
  });
}

function dependsOnItself({ type, flags, stream, payload }: Frame): boolean {
  if (type === frameType.priority) return payload.length === 5 && readUint31(payload, 0) === stream;
  const at = flags & flag.padded ? 1 : 0;
  return type === frameType.headers && (flags & flag.priority) !== 0 && readUint31(payload, at) === stream;
}
