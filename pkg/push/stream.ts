import { createHash } from 'node:crypto';
import type { Input } from '../policy/input.ts';
import type { FromOperator, FromSidecar, Hello } from './messages.ts';
import type { Offer } from './offer.ts';
import type { SidecarReport } from './report.ts';
import type { Encoding } from './schema.ts';

/**
 * The operator's side of one sidecar's stream, as a pure state machine. One snapshot is in flight at most, and after its
 * answer the newest offer counts, whatever came between. What the sidecar has is never sent; what it refused is not sent
 * again until the offer changes.
 */
export interface StreamState {
  readonly openedMs: number;
  readonly hello: Hello | undefined;
  readonly offer: Offer | undefined;
  readonly inFlight: InFlight | undefined;
  /** Digest, as sent, of what the sidecar has in force; empty for none. */
  readonly inForce: string;
  readonly refused: Refused | undefined;
  readonly exposed: readonly string[];
  /** The last report, so that nothing is reported twice. */
  readonly reported: Outcome | undefined;
  readonly sent: number;
  /** Whether the sidecar knows that what it came with is what is offered. */
  readonly toldCurrent: boolean;
  /** Answers to a snapshot that was not in flight (any more). */
  readonly staleAnswers: number;
}

export type StreamEvent =
  | { readonly kind: 'Message'; readonly message: Exclude<FromSidecar, { type: 'token' }> }
  /** What is offered now; undefined where nothing is known. */
  | { readonly kind: 'Offer'; readonly offer: Offer | undefined }
  /** Time has passed. */
  | { readonly kind: 'Tick' };

export type StreamAction =
  | { readonly kind: 'Send'; readonly message: () => FromOperator }
  | { readonly kind: 'Report'; readonly outcome: Outcome }
  | { readonly kind: 'End'; readonly code: EndCode; readonly details: string };

/** The part of a report that the stream itself knows. */
export type Outcome = Pick<SidecarReport, 'digest' | 'exposed' | 'message' | 'reason' | 'result' | 'schema'>;

export interface Step {
  readonly state: StreamState;
  readonly actions: readonly StreamAction[];
}

/** How an offer is said to that sidecar; schema.ts. */
export type Encode = (offer: Offer, hello: Hello) => Encoding;

/** A stream that nothing has been said on. `nowMs` as in `stepStream`. */
export function openStream(nowMs: number): StreamState {
  return { ...newStream, openedMs: nowMs };
}

const newStream: StreamState = {
  openedMs: 0,
  hello: undefined,
  offer: undefined,
  inFlight: undefined,
  inForce: '',
  refused: undefined,
  exposed: [],
  reported: undefined,
  sent: 0,
  toldCurrent: false,
  staleAnswers: 0,
};

/** What one event makes of the stream. `nowMs` never goes back. */
export function stepStream(state: StreamState, event: StreamEvent, nowMs: number, encode: Encode): Step {
  switch (event.kind) {
    case 'Offer':
      return offerNext({ ...state, offer: event.offer }, [], nowMs, encode);
    case 'Tick':
      return passTime(state, nowMs, encode);
    case 'Message':
      return takeMessage(state, event.message, nowMs, encode);
  }
}

type EndCode = 'DEADLINE_EXCEEDED' | 'INVALID_ARGUMENT' | 'UNAVAILABLE';

interface InFlight {
  readonly nonce: string;
  readonly offer: Offer;
  /** As sent. */
  readonly digest: string;
  readonly schema: number;
  readonly sentAtMs: number;
  readonly late: boolean;
}

interface Refused {
  /** As sent. */
  readonly digest: string;
  readonly inputs: readonly Input[];
  /** Of a refusal that may be lifted by time or by newer versions of the inputs: Stale. */
  readonly retryAtMs: number | undefined;
}

function takeMessage(
  state: StreamState,
  message: Exclude<FromSidecar, { type: 'token' }>,
  nowMs: number,
  encode: Encode,
): Step {
  if (message.type === 'hello') {
    if (state.hello !== undefined) return end(state, 'INVALID_ARGUMENT', 'a second hello on one stream');
    const inForce = message.inForce?.digest ?? '';
    return offerNext({ ...state, hello: message, inForce, exposed: message.exposed }, [], nowMs, encode);
  }
  if (state.hello === undefined) {
    return end(state, 'INVALID_ARGUMENT', `the first message must be hello, it was ${message.type}`);
  }
  switch (message.type) {
    case 'exposure':
      return report({ ...state, exposed: message.exposed }, [], { ...lastOutcome(state), exposed: message.exposed });
    case 'ack':
    case 'nack':
      return takeAnswer(state, message, nowMs, encode);
  }
}

function takeAnswer(
  state: StreamState,
  message: Extract<FromSidecar, { type: 'ack' | 'nack' }>,
  nowMs: number,
  encode: Encode,
): Step {
  const { inFlight } = state;
  // The answer to a snapshot of another stream, or a second one: it says nothing about what is in flight.
  if (inFlight === undefined || inFlight.nonce !== message.nonce) {
    return { state: { ...state, staleAnswers: state.staleAnswers + 1 }, actions: [] };
  }
  const { digest, offer, schema } = inFlight;
  if (message.type === 'ack') {
    if (message.digest !== digest) {
      return end(state, 'INVALID_ARGUMENT', `the answer is about digest ${message.digest}, sent was ${digest}`);
    }
    const acked = { ...state, inFlight: undefined, inForce: digest, refused: undefined };
    const step = report(acked, [], { ...plain(acked, schema), digest: offer.digest, result: 'Ack' });
    return offerNext(step.state, step.actions, nowMs, encode);
  }
  const refused = {
    digest,
    inputs: offer.inputs,
    retryAtMs: message.reason === 'Stale' ? nowMs + staleRetryMs : undefined,
  };
  const step = report({ ...state, inFlight: undefined, refused }, [], {
    ...plain(state, schema),
    digest: offer.digest,
    result: 'Nack',
    reason: message.reason,
    message: message.message,
  });
  return offerNext(step.state, step.actions, nowMs, encode);
}

function passTime(state: StreamState, nowMs: number, encode: Encode): Step {
  const { inFlight } = state;
  if (state.hello === undefined && nowMs - state.openedMs >= helloLimitMs) {
    return end(state, 'DEADLINE_EXCEEDED', `no hello in ${helloLimitMs / 1000} s`);
  }
  if (inFlight === undefined) {
    const retryAtMs = state.refused?.retryAtMs;
    return retryAtMs === undefined || nowMs < retryAtMs ? { state, actions: [] } : offerNext(state, [], nowMs, encode);
  }
  const ageMs = nowMs - inFlight.sentAtMs;
  if (ageMs >= answerLimitMs) return end(state, 'UNAVAILABLE', `no answer to a snapshot in ${answerLimitMs / 1000} s`);
  if (ageMs < lateMs || inFlight.late) return { state, actions: [] };
  return report({ ...state, inFlight: { ...inFlight, late: true } }, [], {
    ...plain(state, inFlight.schema),
    digest: state.inForce,
    result: 'Connected',
    reason: 'Late',
    message: `no answer to a snapshot in ${lateMs / 1000} s`,
  });
}

/** Sends the newest offer if there is something to send, and reports how things stand. */
function offerNext(state: StreamState, before: readonly StreamAction[], nowMs: number, encode: Encode): Step {
  const { hello, offer } = state;
  if (hello === undefined || state.inFlight !== undefined) return { state, actions: before };
  if (offer === undefined) return connected(state, before, 0);
  const encoding = encode(offer, hello);
  if (encoding.kind === 'Outdated') {
    const { reason, message } = encoding;
    return report(state, before, { ...plain(state, 0), digest: offer.digest, result: 'Outdated', reason, message });
  }
  const { digest, schema } = encoding;
  if (digest === state.inForce) {
    const { inputs } = offer;
    // Once a stream: from then on the sidecar is told by what it is sent.
    const current: StreamAction = { kind: 'Send', message: () => ({ type: 'current', digest, inputs }) };
    const first = !state.toldCurrent && state.sent === 0;
    const settled = { ...state, refused: undefined, toldCurrent: true };
    const outcome: Outcome = { ...plain(state, schema), digest: offer.digest, result: 'Ack' };
    return report(settled, first ? [...before, current] : before, outcome);
  }
  if (isRefused(state.refused, digest, offer, nowMs)) return { state, actions: before };
  const nonce = String(state.sent + 1);
  const inFlight = { nonce, offer, digest, schema, sentAtMs: nowMs, late: false };
  const send: StreamAction = {
    kind: 'Send',
    message: () => ({ type: 'snapshot', nonce, schema, digest, policy: encoding.text(), inputs: offer.inputs }),
  };
  return connected({ ...state, inFlight, sent: state.sent + 1 }, [...before, send], schema);
}

function isRefused(refused: Refused | undefined, digest: string, offer: Offer, nowMs: number): boolean {
  if (refused?.digest !== digest) return false;
  if (refused.retryAtMs === undefined) return true;
  return nowMs < refused.retryAtMs && versionsOf(refused.inputs) === versionsOf(offer.inputs);
}

/** Reports what the sidecar came with, once; a later answer says more. */
function connected(state: StreamState, actions: readonly StreamAction[], schema: number): Step {
  if (state.reported !== undefined) return { state, actions };
  return report(state, actions, { ...plain(state, schema), digest: state.inForce, result: 'Connected' });
}

function report(state: StreamState, actions: readonly StreamAction[], outcome: Outcome): Step {
  if (JSON.stringify(state.reported) === JSON.stringify(outcome)) return { state, actions };
  return { state: { ...state, reported: outcome }, actions: [...actions, { kind: 'Report', outcome }] };
}

function plain(state: StreamState, schema: number): Pick<Outcome, 'exposed' | 'schema'> {
  return { schema, exposed: state.exposed };
}

function lastOutcome(state: StreamState): Outcome {
  return state.reported ?? { ...plain(state, 0), digest: state.inForce, result: 'Connected' };
}

function end(state: StreamState, code: EndCode, details: string): Step {
  return { state, actions: [{ kind: 'End', code, details }] };
}

function versionsOf(inputs: readonly Input[]): string {
  const lines = inputs.map(({ uid, generation, resourceVersion }) => `${uid} ${generation ?? ''} ${resourceVersion}`);
  return createHash('sha256').update(lines.toSorted().join('\n')).digest('hex');
}

const helloLimitMs = 10_000;
/** A pod is late after that, in the status of its profile. */
const lateMs = 30_000;
/** A sidecar that does not answer for so long gets a new stream. */
const answerLimitMs = 300_000;
/** How long a Stale refusal stands against an unchanged offer: it may have looked old only. */
const staleRetryMs = 60_000;
