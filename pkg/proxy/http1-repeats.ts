import type { RequestHead } from '../http1/head.ts';
import type { Forward } from './admission.ts';
import { composeRequest, composeResponseFields, repeatRequest } from './compose.ts';
import type { AdmissionRequest } from './connection.ts';
import type { IncomingResponse, OutgoingRequest } from './exchange.ts';
import { type AnswerHead, answerHead } from './http1-answer.ts';
import { isSameList, type SnapshotPeer } from './repeats.ts';
import type { RequestId } from './request-id.ts';
import type { Snapshot } from './snapshot.ts';

/**
 * What was made of the last request of a client connection and of its answer. Most clients repeat their head octet for
 * octet, or all of it but the target, and most applications theirs; the readers then return the same objects, and what
 * depends on nothing else need not be made again. Everything is told apart by identity: other fields, another Bound or
 * snapshot make another request.
 */
export class Http1Repeats {
  #asked: { readonly head: RequestHead; readonly view: AdmissionRequest } | undefined;
  #sent:
    | {
        readonly head: RequestHead;
        readonly snapshot: Snapshot;
        readonly forward: Forward;
        readonly request: OutgoingRequest;
      }
    | undefined;
  #told:
    | {
        readonly method: string;
        readonly minorVersion: 0 | 1;
        readonly rules: Forward['response'];
        readonly snapshot: Snapshot;
        readonly head: IncomingResponse;
        readonly close: boolean;
        readonly answer: AnswerHead;
      }
    | undefined;

  /** The head as `Connection.admit` takes it: the same object for the same head. */
  view(head: RequestHead): AdmissionRequest {
    if (this.#asked?.head !== head) {
      const { method, path, query, authority, fields, connectionTokens, minorVersion } = head;
      const httpVersion = minorVersion === 1 ? 'HTTP/1.1' : 'HTTP/1.0';
      const target = head.target.startsWith('/') ? head.target : undefined;
      this.#asked = { head, view: { method, target, path, query, authority, httpVersion, fields, connectionTokens } };
    }
    return this.#asked.view;
  }

  /** See composeRequest. A Forward belongs to one snapshot. A head that differs in its target only shares its fields. */
  request(peer: SnapshotPeer, head: RequestHead, forward: Forward, requestId: RequestId): OutgoingRequest {
    const { snapshot } = peer;
    const last = this.#sent;
    if (
      last !== undefined &&
      last.head.fields === head.fields &&
      last.forward.fields === forward.fields &&
      last.snapshot === snapshot &&
      differInTarget(last.forward, forward)
    ) {
      return repeatRequest(last.request, forward.target, requestId);
    }
    const request = composeRequest(peer, head, forward, requestId);
    this.#sent = { head, snapshot, forward, request };
    return request;
  }

  /** The head of the client's answer. Response rules, where there are some, belong to one Forward. @throws RewriteOverflow. */
  answer(
    peer: SnapshotPeer,
    asked: RequestHead | undefined,
    forward: Forward,
    head: IncomingResponse,
    close: boolean,
  ): AnswerHead {
    const { snapshot } = peer;
    const { method = '', minorVersion = 1 } = asked ?? {};
    const last = this.#told;
    if (
      last !== undefined &&
      last.head === head &&
      last.rules === forward.response &&
      last.method === method &&
      last.minorVersion === minorVersion &&
      last.snapshot === snapshot &&
      last.close === close
    ) {
      return last.answer;
    }
    const fields = composeResponseFields(peer, head, forward);
    const answer = answerHead(head, fields, method, minorVersion, close);
    this.#told = { method, minorVersion, rules: forward.response, snapshot, head, close, answer };
    return answer;
  }

  /** Keeps nothing any more: for connections that idle. */
  forget(): void {
    this.#asked = undefined;
    this.#sent = undefined;
    this.#told = undefined;
  }
}

/** Whether two Forwards of the same fields say the same of them. */
function differInTarget(one: Forward, other: Forward): boolean {
  return (
    one === other ||
    (one.bound === other.bound && isSameList(one.remove, other.remove) && isSameList(one.set, other.set))
  );
}
