import type { Mutant } from './mutant.ts';

/** The relay of the kubelet's probes, which anybody who reaches the pod can ask. */
export const relayMutants: readonly Mutant[] = [
  mutant(
    'a hook runs for who does not know its secret',
    'relay',
    'if (secret === undefined) return true;',
    'return true;',
  ),
  mutant(
    'the relay answers methods that are no question',
    'relay',
    "if (request.method !== 'GET' && request.method !== 'HEAD') return false;",
    '',
  ),
  mutant(
    'everybody who asks is a question to the application',
    'relay',
    'let answer = running.get(probe);',
    'let answer: Promise<number> | undefined;',
  ),
  mutant(
    'whoever holds connections open keeps the kubelet out',
    'relay',
    '(oldestIdle(sockets, waiting) ?? socket).destroy()',
    'socket.destroy()',
  ),
  mutant(
    'a redirect to another origin is followed',
    'http-question',
    'next.origin === base.origin',
    'next !== undefined',
  ),
  mutant('an application is read without an end', 'http-question', 'if (bytes > maxBodyBytes) resolve();', ''),
  mutant('a declared header changes the framing', 'http-question', 'ownFields.has(lower) || ', ''),
  mutant('a status that is none is passed on', 'ask', 'if (status < 200 || status > 599) return 502;', ''),
];

function mutant(name: string, file: string, find: string, replace: string): Mutant {
  return { name, file: `pkg/relay/${file}.ts`, find, replace, tests: ['pkg/relay/relay.test.ts'] };
}
