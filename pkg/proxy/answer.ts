import type { HttpMalformed } from '../http1/head.ts';
import { reasonPhrase } from '../http1/write.ts';
import type { Refusal } from '../policy/policy.ts';
import type { RejectReason } from '../policy/reason.ts';
import type { OwnAnswer } from './admission.ts';
import type { BackFailure } from './exchange.ts';

/** The one place that decides what a client is told when its request goes no further. */

/** `client certificate refused: Revoked (since 2026-11-20T10:00:00Z, keyCompromise)`, or without the reason where the profile says Generic. */
export function refusedAnswer(refusal: Refusal, reason: RejectReason, detail: string): OwnAnswer {
  const message = 'client certificate refused';
  if (refusal.detail === 'Generic') return { status: refusal.status, message, close: true };
  return { status: refusal.status, message, reason, detail, close: true };
}

/** RFC 9110 15.5.20: the authority belongs to another profile than the connection's server name, or to none. */
export function misdirectedAnswer(): OwnAnswer {
  return { status: 421, message: 'this connection does not serve the requested host', close: false };
}

export function badRequestAnswer(message: string): OwnAnswer {
  return { status: 400, message, close: true };
}

export function malformedAnswer(error: HttpMalformed): OwnAnswer {
  return { status: error.status, message: error.message, close: true };
}

export function overflowAnswer(message: string): OwnAnswer {
  return { status: 413, message, close: true };
}

export function timeoutAnswer(what: 'request body' | 'request head' | 'whole request'): OwnAnswer {
  if (what === 'whole request') return { status: 504, message: 'the request took longer than its limit', close: true };
  return { status: 408, message: `the ${what} did not arrive in time`, close: true };
}

export function backFailureAnswer(failure: BackFailure): OwnAnswer {
  const message =
    failure.status === 503
      ? 'the application cannot be reached'
      : failure.status === 504
        ? 'the application did not answer in time'
        : 'the application gave no valid answer';
  return { status: failure.status, message, close: false };
}

/** The application takes no more of the request body. */
export const unreadAnswer: OwnAnswer = backFailureAnswer({
  status: 504,
  cause: 'timeout',
  detail: 'the application does not read the request body',
});

/** A rule's value would not fit: the request is not forwarded without it, nor with a part of it. */
export function rewriteOverflowAnswer(): OwnAnswer {
  return { status: 500, message: 'a rewritten header or path would not be valid', close: true };
}

/** Status, fields and body of an answer: `application/problem+json` (RFC 9457) where the client accepts it, else text. */
export function renderAnswer(
  answer: OwnAnswer,
  requestId: string,
  requestFields: readonly string[],
): { readonly contentType: string; readonly body: string } {
  const reasonText =
    answer.reason === undefined ? undefined : answer.detail ? `${answer.reason} (${answer.detail})` : answer.reason;
  if (acceptsProblem(requestFields)) {
    const problem = {
      type: 'about:blank',
      title: answer.message,
      status: answer.status,
      ...(reasonText === undefined ? {} : { detail: reasonText, reason: answer.reason }),
      requestId,
    };
    return { contentType: 'application/problem+json', body: `${JSON.stringify(problem)}\n` };
  }
  return {
    contentType: 'text/plain; charset=utf-8',
    body: reasonText === undefined ? `${answer.message}\n` : `${answer.message}: ${reasonText}\n`,
  };
}

/** The answer as HTTP/1.1 bytes (all of them ASCII). */
export function ownAnswerText(
  answer: OwnAnswer,
  requestId: string,
  close: boolean,
  headOnly: boolean,
  requestFields: readonly string[],
): string {
  const { contentType, body } = renderAnswer(answer, requestId, requestFields);
  const head =
    `HTTP/1.1 ${answer.status} ${reasonPhrase(answer.status)}\r\nContent-Type: ${contentType}\r\nContent-Length: ${body.length}\r\n` +
    `X-Request-Id: ${requestId}\r\nCache-Control: no-store\r\n${close ? 'Connection: close\r\n' : ''}\r\n`;
  return headOnly ? head : head + body;
}

function acceptsProblem(fields: readonly string[]): boolean {
  for (let i = 0; i < fields.length; i += 2) {
    if (fields[i]?.toLowerCase() === 'accept' && fields[i + 1]?.toLowerCase().includes('application/problem+json'))
      return true;
  }
  return false;
}
