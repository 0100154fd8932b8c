import type { Framing } from '../http1/head.ts';
import { assertFieldName, assertFieldValue } from '../http1/write.ts';
import type { Forward } from './admission.ts';
import type { Connection } from './connection.ts';
import type { IncomingResponse, OutgoingRequest } from './exchange.ts';

/** What a front has read of a request. */
export interface FrontRequest {
  readonly method: string;
  readonly authority: string;
  readonly fields: readonly string[];
  readonly connectionTokens: readonly string[];
  readonly framing: Framing;
  readonly webSocket: boolean;
}

/**
 * The request as the application gets it: hop-by-hop fields go first, then everything a client could forge, then ours is
 * added. The order matters: `Connection: X-Client-Cert` must not remove what is added here.
 */
export function composeRequest(
  connection: Connection,
  request: FrontRequest,
  forward: Forward,
  requestId: string,
): OutgoingRequest {
  const { bound } = forward;
  const table = connection.snapshot.fields;
  const { fields, connectionTokens } = request;
  const out: string[] = [];
  let forwardedFor = '';
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i] ?? '';
    const known = table.name(name);
    if (known.action === 'drop') continue;
    if (connectionTokens.length > 0 && connectionTokens.includes(known.lower)) continue;
    if (bound.remove.has(known.lower) || (forward.remove.length > 0 && forward.remove.includes(known.lower))) continue;
    if (known.action === 'forwarding') {
      if (!connection.peerIsTrustedProxy) continue;
      if (known.lower === 'x-forwarded-for') {
        forwardedFor += `${fields[i + 1]}, `;
        continue;
      }
    }
    out.push(name, fields[i + 1] ?? '');
  }
  if (connection.peerIsTrustedProxy) {
    addUnlessRuled(out, forward, 'X-Forwarded-For', 'x-forwarded-for', `${forwardedFor}${connection.facts.clientIp}`);
    if (!has(out, 'x-request-id')) addUnlessRuled(out, forward, 'X-Request-Id', 'x-request-id', requestId);
  } else {
    addUnlessRuled(out, forward, 'X-Forwarded-Host', 'x-forwarded-host', request.authority);
    addUnlessRuled(out, forward, 'X-Request-Id', 'x-request-id', requestId);
  }
  for (let i = 0; i < forward.set.length; i += 2) {
    const name = forward.set[i] ?? '';
    const value = forward.set[i + 1] ?? '';
    assertFieldName(name);
    assertFieldValue(name, value);
    out.push(name, value);
  }
  return {
    method: request.method,
    target: forward.target,
    authority: request.authority,
    fields: out,
    constantText: bound.text,
    constantFields: bound.fields,
    body:
      request.framing.kind === 'length'
        ? { kind: 'length', length: request.framing.length }
        : { kind: request.framing.kind === 'chunked' ? 'stream' : 'none' },
    webSocket: request.webSocket,
  };
}

/** The application's fields as the client gets them: no proofs of a client certificate, and what response rules say. */
export function composeResponseFields(
  connection: Connection,
  head: IncomingResponse,
  forward: Forward,
): readonly string[] {
  const table = connection.snapshot.fields;
  const edits = forward.response?.({ status: head.status, fields: head.fields });
  let out: string[] | undefined;
  const { fields } = head;
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i] ?? '';
    const known = table.name(name);
    const removed = known.guarded || (edits?.remove.includes(known.lower) ?? false);
    if (removed && out === undefined) out = fields.slice(0, i);
    else if (!removed) out?.push(name, fields[i + 1] ?? '');
  }
  if (edits === undefined || edits.set.length === 0) return out ?? fields;
  return [...(out ?? fields), ...edits.set];
}

/** A rule may say the same header itself. */
function addUnlessRuled(out: string[], forward: Forward, name: string, lower: string, value: string): void {
  if (forward.bound.remove.has(lower) || forward.remove.includes(lower)) return;
  out.push(name, value);
}

function has(fields: readonly string[], lower: string): boolean {
  for (let i = 0; i < fields.length; i += 2) if (fields[i]?.toLowerCase() === lower) return true;
  return false;
}
