import type { RequestView } from './rewrite.ts';

/** The parts of a request that variables read, as bits: which of them a rule reads, which of them differ. */
export const requestFact = {
  authority: 1,
  fields: 2,
  httpVersion: 4,
  method: 8,
  path: 16,
  query: 32,
} as const satisfies Record<keyof RequestView, number>;

/** Which facts differ. Fields are told apart by identity: another list is another fact, whatever it holds. */
export function differingFacts(one: RequestView, other: RequestView): number {
  return (
    (one.authority === other.authority ? 0 : requestFact.authority) |
    (one.fields === other.fields ? 0 : requestFact.fields) |
    (one.httpVersion === other.httpVersion ? 0 : requestFact.httpVersion) |
    (one.method === other.method ? 0 : requestFact.method) |
    (one.path === other.path ? 0 : requestFact.path) |
    (one.query === other.query ? 0 : requestFact.query)
  );
}
