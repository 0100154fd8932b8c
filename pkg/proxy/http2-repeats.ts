import type { HeadLimits } from '../http1/head.ts';
import { splitQuery } from '../http1/target.ts';
import type { RequestFields } from '../http2/stream.ts';
import type { Forward } from './admission.ts';
import { composeRequest, composeResponseFields, repeatRequest } from './compose.ts';
import type { IncomingResponse, OutgoingRequest } from './exchange.ts';
import { answerFields } from './http2-headers.ts';
import { type Http2Request, headOverLimit, readHttp2Request } from './http2-request.ts';
import { isSameList, type SnapshotPeer } from './repeats.ts';
import type { RequestId } from './request-id.ts';
import type { Snapshot } from './snapshot.ts';

/** What a stream's head is: a request, or why it is none of ours. */
export type Http2Read = {
  readonly head: RequestFields;
  /** As the client wrote them, the path without its query: for records. */
  readonly method: string;
  readonly path: string;
} & (
  | { readonly kind: 'malformed'; readonly message: string }
  | { readonly kind: 'over-limit'; readonly message: string }
  | { readonly kind: 'request'; readonly request: Http2Request }
);

/**
 * What was made of the last request of a client connection, and of the heads of its answers. Most clients ask the same
 * again and again, and most applications answer alike. Fields are compared text by text, which are the same objects where
 * HPACK's table has them; what was made of them is told apart by identity: another Forward or snapshot is another request.
 */
export class Http2Repeats {
  #read: { readonly limits: HeadLimits; readonly read: Http2Read } | undefined;
  #sent: { readonly asked: Http2Request; readonly forward: Forward; readonly request: OutgoingRequest } | undefined;
  /** By the head that the application's connection keeps while it repeats itself. */
  #told = new WeakMap<
    IncomingResponse,
    { readonly forward: Forward; readonly snapshot: Snapshot; readonly fields: readonly string[] }
  >();

  /** See headOverLimit and readHttp2Request: the same object for the same head under the same limits. */
  read(head: RequestFields, limits: HeadLimits): Http2Read {
    const last = this.#read;
    if (last !== undefined && last.limits === limits && isSame(last.read.head, head)) return last.read;
    const read = readHead(head, limits);
    // What a request has of its own by chance is not said twice.
    if (read.kind === 'request' && !read.request.webSocket) this.#read = { limits, read };
    return read;
  }

  /** See composeRequest. A Forward belongs to one snapshot. */
  request(peer: SnapshotPeer, asked: Http2Request, forward: Forward, requestId: RequestId): OutgoingRequest {
    const last = this.#sent;
    if (last !== undefined && last.asked === asked && last.forward === forward) {
      return repeatRequest(last.request, forward.target, requestId);
    }
    const request = composeRequest(peer, asked, forward, requestId);
    this.#sent = { asked, forward, request };
    return request;
  }

  /** The final head of the client's answer as HTTP/2 has it. @throws RewriteOverflow. */
  answer(peer: SnapshotPeer, forward: Forward, head: IncomingResponse): readonly string[] {
    const { snapshot } = peer;
    const last = this.#told.get(head);
    if (last !== undefined && last.forward === forward && last.snapshot === snapshot) return last.fields;
    const fields = answerFields(head.status, composeResponseFields(peer, head, forward));
    if (head.body.kind === 'length') fields.push('content-length', String(head.body.length));
    else if (head.declaredLength !== undefined) fields.push('content-length', head.declaredLength);
    this.#told.set(head, { forward, snapshot, fields });
    return fields;
  }

  /** Keeps nothing any more: for connections that idle. */
  forget(): void {
    this.#read = undefined;
    this.#sent = undefined;
    this.#told = new WeakMap();
  }
}

function readHead(head: RequestFields, limits: HeadLimits): Http2Read {
  const { path } = splitQuery(valueOf(head.fields, ':path'), undefined);
  const said = { head, method: valueOf(head.fields, ':method'), path };
  const tooLarge = headOverLimit(head, limits);
  if (tooLarge !== undefined) return { ...said, kind: 'over-limit', message: tooLarge };
  const request = readHttp2Request(head);
  return typeof request === 'string'
    ? { ...said, kind: 'malformed', message: request }
    : { ...said, kind: 'request', request };
}

function valueOf(fields: readonly string[], name: string): string {
  for (let i = 0; i < fields.length; i += 2) if (fields[i] === name) return fields[i + 1] ?? '';
  return '';
}

function isSame(one: RequestFields, other: RequestFields): boolean {
  if (one === other) return true;
  if (one.endStream !== other.endStream || other.overLimit) return false;
  return isSameList(one.fields, other.fields) && isSameList(one.neverIndexed, other.neverIndexed);
}
