import type { Framing } from '../http1/head.ts';
import { assertFieldName, assertFieldValue } from '../http1/write.ts';
import type { Forward } from './admission.ts';
import type { IncomingResponse, OutgoingRequest } from './exchange.ts';
import type { FieldTable } from './fields.ts';
import type { RequestId } from './request-id.ts';

/** Whose request it is. */
export interface Peer {
  readonly snapshot: { readonly fields: FieldTable };
  readonly facts: { readonly clientIp: string; readonly serverPort: number };
  readonly peerIsTrustedProxy: boolean;
}

/** What a front has read of a request. */
export interface FrontRequest {
  readonly method: string;
  readonly authority: string;
  readonly fields: readonly string[];
  readonly connectionTokens: readonly string[];
  /** Of HTTP/2; see OutgoingRequest. */
  readonly neverIndexed?: readonly string[];
  readonly framing: Framing;
  readonly webSocket: boolean;
}

/**
 * A request's fields without hop-by-hop fields (Connection's own nominations first), and without everything that a
 * client could forge. Rules see these and no others. From a trusted proxy the forwarding facts are kept.
 */
function cleanFields(peer: Peer, fields: readonly string[], connectionTokens: readonly string[]): string[] {
  const table = peer.snapshot.fields;
  const out: string[] = [];
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i] ?? '';
    const known = table.of(name);
    if (known.action === 'drop') continue;
    if (known.action === 'forwarding' && !peer.peerIsTrustedProxy) continue;
    if (connectionTokens.length > 0 && connectionTokens.includes(known.lower)) continue;
    out.push(name, fields[i + 1] ?? '');
  }
  return out;
}

/** See cleanFields: the same list for the same fields, until it forgets them, as it must with every other snapshot. */
export class CleanedFields {
  #fields: readonly string[] | undefined;
  #connectionTokens: readonly string[] = [];
  #clean: readonly string[] = [];

  of(peer: Peer, request: Pick<FrontRequest, 'connectionTokens' | 'fields'>): readonly string[] {
    const { fields, connectionTokens } = request;
    if (this.#fields === fields && this.#connectionTokens === connectionTokens) return this.#clean;
    this.#clean = cleanFields(peer, fields, connectionTokens);
    this.#fields = fields;
    this.#connectionTokens = connectionTokens;
    return this.#clean;
  }

  forget(): void {
    this.#fields = undefined;
    this.#clean = [];
  }
}

/**
 * The request as the application gets it: what is left of the client's fields (see cleanFields; asked again here, so
 * that nothing depends on who called before), then what the sidecar and the rules say.
 */
export function composeRequest(
  peer: Peer,
  request: FrontRequest,
  forward: Forward,
  requestId: RequestId,
): OutgoingRequest {
  const { bound } = forward;
  const table = peer.snapshot.fields;
  const { fields } = forward;
  const trusted = peer.peerIsTrustedProxy;
  const out: string[] = [];
  let authority = bound.authority ?? request.authority;
  const said = trusted ? new Map<string, string>() : nothingSaid;
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i] ?? '';
    const { lower, action } = table.of(name);
    if (action === 'drop' || (action === 'forwarding' && !trusted)) continue;
    if (request.connectionTokens.length > 0 && request.connectionTokens.includes(lower)) continue;
    if (bound.remove.has(lower) || (forward.remove.length > 0 && forward.remove.includes(lower))) continue;
    const value = fields[i + 1] ?? '';
    if (action === 'forwarding') {
      const before = said.get(lower);
      said.set(lower, before === undefined ? value : `${before}, ${value}`);
    }
    if (action === 'pass' || !extended.has(lower)) out.push(name, value);
  }
  // A rule may say the same header itself.
  const isOurs = (lower: string) => !bound.remove.has(lower) && !forward.remove.includes(lower);
  const add = (name: string, lower: string, value: string) => {
    if (isOurs(lower)) out.push(name, value);
  };
  if (trusted) extendForwarding(peer, request.authority, said, add);
  else add('X-Forwarded-Host', 'x-forwarded-host', request.authority);
  for (let i = 0; i < bound.unlessRuled.length; i += 2) {
    const name = bound.unlessRuled[i] ?? '';
    add(name, name.toLowerCase(), bound.unlessRuled[i + 1] ?? '');
  }
  for (let i = 0; i < forward.set.length; i += 2) {
    const name = forward.set[i] ?? '';
    const value = forward.set[i + 1] ?? '';
    assertFieldName(name);
    assertFieldValue(name, value);
    if (name.toLowerCase() === 'host') authority = value;
    else out.push(name, value);
  }
  return {
    method: request.method,
    target: forward.target,
    authority,
    fields: out,
    requestId: !said.has('x-request-id') && isOurs('x-request-id') ? requestId : undefined,
    constantRest: bound.rest,
    constantFields: bound.fields,
    body:
      request.framing.kind === 'length'
        ? { kind: 'length', length: request.framing.length }
        : { kind: request.framing.kind === 'chunked' ? 'stream' : 'none' },
    webSocket: request.webSocket,
    neverIndexed: request.neverIndexed,
  };
}

/** The same request once more, to a target and under an id of its own. */
export function repeatRequest(request: OutgoingRequest, target: string, requestId: RequestId): OutgoingRequest {
  return { ...request, target, requestId: request.requestId === undefined ? undefined : requestId };
}

/**
 * The application's fields as the client gets them: no hop-by-hop fields, no proofs of a client certificate, and what
 * response rules say (none for 1xx answers, which come without `forward`). @throws RewriteOverflow.
 */
export function composeResponseFields(
  peer: Peer,
  head: IncomingResponse,
  forward: Forward | undefined,
): readonly string[] {
  const table = peer.snapshot.fields;
  const { fields, connectionTokens } = head;
  const out: string[] = [];
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i] ?? '';
    const { lower, endToEnd, guarded } = table.of(name);
    if (!endToEnd || guarded) continue;
    if (connectionTokens.length > 0 && connectionTokens.includes(lower)) continue;
    out.push(name, fields[i + 1] ?? '');
  }
  const edits = forward?.response?.({ status: head.status, fields: out });
  if (edits === undefined || (edits.remove.length === 0 && edits.set.length === 0)) return out;
  const kept = out.filter((_, i) => !edits.remove.includes((out[i - (i % 2)] ?? '').toLowerCase()));
  return [...kept, ...edits.set];
}

/** What a trusted proxy said of its client stays, with the proxy itself added; what it did not say is said of the proxy. */
function extendForwarding(
  peer: Peer,
  authority: string,
  said: ReadonlyMap<string, string>,
  add: (name: string, lower: string, value: string) => void,
): void {
  const { clientIp, serverPort } = peer.facts;
  const before = said.get('x-forwarded-for');
  add('X-Forwarded-For', 'x-forwarded-for', before === undefined ? clientIp : `${before}, ${clientIp}`);
  const forwarded = said.get('forwarded');
  if (forwarded !== undefined) {
    const node = clientIp.includes(':') ? `"[${clientIp}]"` : clientIp;
    add('Forwarded', 'forwarded', `${forwarded}, for=${node};proto=https`);
  }
  if (!said.has('x-forwarded-proto')) add('X-Forwarded-Proto', 'x-forwarded-proto', 'https');
  if (!said.has('x-forwarded-port')) add('X-Forwarded-Port', 'x-forwarded-port', String(serverPort));
  if (!said.has('x-forwarded-host')) add('X-Forwarded-Host', 'x-forwarded-host', authority);
  if (!said.has('x-real-ip')) add('X-Real-IP', 'x-real-ip', clientIp);
}

/** Lists to which every proxy adds: written again with the addition. RFC 7239 4. */
const extended: ReadonlySet<string> = new Set(['forwarded', 'x-forwarded-for']);

/** Nobody but a trusted proxy is listened to. */
const nothingSaid = new Map<string, string>();
