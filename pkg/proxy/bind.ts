import { fieldLines, restOfHead } from '../http1/write.ts';
import type { ConnectionFacts, Rewrite } from '../rewrite/rewrite.ts';
import type { Bound } from './admission.ts';

/**
 * Serialises once what every request of a connection has in common: what the sidecar says of the client, and the rules
 * that look at nothing else. @throws RewriteOverflow.
 */
export function bindConnection(rewrite: Rewrite, facts: ConnectionFacts, peerIsTrustedProxy: boolean): Bound {
  const bound = rewrite.bind(facts);
  const fields: string[] = [];
  const unlessRuled: string[] = [];
  const remove = new Set(bound.fixed.remove);
  let authority: string | undefined;
  const add = (name: string, value: string) => {
    // A rule may say the same header itself, always or for some requests.
    if (bound.editedNames.has(name.toLowerCase())) unlessRuled.push(name, value);
    else fields.push(name, value);
  };
  if (!peerIsTrustedProxy) {
    add('X-Forwarded-For', facts.clientIp);
    add('X-Forwarded-Proto', 'https');
    add('X-Forwarded-Port', String(facts.serverPort));
    add('X-Real-IP', facts.clientIp);
  }
  const { set } = bound.fixed;
  for (let i = 0; i < set.length; i += 2) {
    if (set[i]?.toLowerCase() === 'host') authority = set[i + 1];
    else fields.push(set[i] ?? '', set[i + 1] ?? '');
  }
  return { rewrite: bound, remove, fields, rest: restOfHead(fieldLines(fields)), unlessRuled, authority };
}
