import type { Attempt } from './attempt.ts';
import expectedRows from './expected.json' with { type: 'json' };
import type { ReceivedRequest } from './received-request.ts';

/** What a row is held against, field by field; null stands for "nothing". */
export interface Outcome {
  /** HTTP status; null without an HTTP answer. */
  readonly status: number | null;
  readonly verdict: string;
  readonly reason: string | null;
  /** How often the request reached the application. */
  readonly requests: number;
  /** `certificate`: X-Client-Cert was there once and was exactly the client's own PEM, percent-encoded. */
  readonly header: string;
  /** X-Client-Verify as the application received it. */
  readonly verification: string | null;
}

/** One row of the demo's table. */
export interface Row {
  readonly client: string;
  readonly about: string;
  readonly outcome: Outcome;
  /** The body's words after the reason, or the connection's fault. */
  readonly detail: string;
  /** X-Client-Cert as the application received it. */
  readonly headerValue: string | null;
  /** What is not as it should be, one sentence each; empty where all is. */
  readonly differences: readonly string[];
}

/** What came of an attempt, held against what is expected of that client. */
export function judgeRow(attempt: Attempt, expected: Readonly<Record<string, Outcome>> = expectedRows): Row {
  const { client, body, fault } = attempt;
  const refusal = /^client certificate refused: ([A-Za-z]+)(?: \((.*)\))?\s*$/s.exec(body);
  const headers = attempt.received.flatMap((request) => valuesOf(request, 'x-client-cert'));
  const outcome: Outcome = {
    status: attempt.status ?? null,
    verdict: verdictOf(attempt, refusal !== null),
    reason: refusal?.[1] ?? null,
    requests: attempt.received.length,
    header: judgeHeader(headers, client.identity?.certificate.pem),
    verification: attempt.received.flatMap((request) => valuesOf(request, 'x-client-verify')).join(', ') || null,
  };
  const want = expected[client.name];
  return {
    client: client.name,
    about: client.about,
    outcome,
    detail: refusal?.[2] ?? fault ?? '',
    headerValue: headers[0] ?? null,
    differences: want === undefined ? ['nothing is expected of this client'] : differences(outcome, want),
  };
}

/** Expected clients that no row is about. */
export function missingRows(rows: readonly Row[]): string[] {
  return Object.keys(expectedRows).filter((name) => !rows.some(({ client }) => client === name));
}

function verdictOf({ status, received }: Attempt, refused: boolean): string {
  if (refused) return 'refused';
  if (status === undefined) return 'no answer';
  return received.length > 0 ? 'accepted' : 'unclear';
}

function judgeHeader(values: readonly string[], pem: string | undefined): string {
  if (values.length === 0) return 'absent';
  return values.length === 1 && pem !== undefined && values[0] === encodeURIComponent(pem) ? 'certificate' : 'wrong';
}

/** Names are compared as frameworks fold them: what is neither letter nor digit counts as `-`. */
function valuesOf(request: ReceivedRequest, name: string): string[] {
  return request.headers
    .filter(([other]) => other.toLowerCase().replaceAll(/[^a-z0-9]/g, '-') === name)
    .map(([, value]) => value);
}

function differences(found: Outcome, want: Outcome): string[] {
  const named = [
    ['HTTP status', found.status, want.status],
    ['verdict', found.verdict, want.verdict],
    ['reason', found.reason, want.reason],
    ['requests at the application', found.requests, want.requests],
    ['X-Client-Cert at the application', found.header, want.header],
    ['X-Client-Verify at the application', found.verification, want.verification],
  ] as const;
  return named
    .filter(([, is, should]) => is !== should)
    .map(([name, is, should]) => `${name} is ${is ?? 'none'}, should be ${should ?? 'none'}`);
}
