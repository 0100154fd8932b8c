import { fieldLines } from '../http1/write.ts';
import type { ConnectionFacts, Rewrite } from '../rewrite/rewrite.ts';
import type { Bound } from './admission.ts';

/**
 * Serialises once what every request of a connection has in common: what the sidecar says of the client, and the rules
 * that look at nothing else. @throws RewriteOverflow.
 */
export function bindConnection(rewrite: Rewrite, facts: ConnectionFacts, peerIsTrustedProxy: boolean): Bound {
  const bound = rewrite.bind(facts);
  const fields: string[] = [];
  const remove = new Set(bound.constant?.remove ?? []);
  const add = (name: string, value: string) => {
    if (!remove.has(name.toLowerCase())) fields.push(name, value);
  };
  if (!peerIsTrustedProxy) {
    add('X-Forwarded-For', facts.clientIp);
    add('X-Forwarded-Proto', 'https');
    add('X-Forwarded-Port', String(facts.serverPort));
    add('X-Real-IP', facts.clientIp);
  }
  if (bound.constant !== undefined) fields.push(...bound.constant.set);
  return { rewrite: bound, remove, fields, text: fieldLines(fields) };
}
