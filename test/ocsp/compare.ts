import { targetOf } from '../../pkg/ocsp/request.ts';
import { type Verified, verifyResponse } from '../../pkg/ocsp/verify.ts';
import { options } from '../support/ocsp-answers.ts';
import { differenceClasses } from './differences.ts';
import { mutate } from './mutate.ts';
import { askPkijs } from './pkijs-oracle.ts';
import { seeded } from './seeded.ts';
import { makeSeeds, nowMs, type SeedAnswer } from './seeds.ts';

/** What came of comparing the two verifiers. */
export interface Comparison {
  readonly cases: number;
  readonly agreed: { readonly accepted: number; readonly refused: number };
  /** By the name of their class. */
  readonly explained: ReadonlyMap<string, { readonly count: number; readonly example: string }>;
  /** What no class covers: a fault of one of the two. */
  readonly unexplained: readonly string[];
}

/** Gives both verifiers `count` changed answers, the same ones for the same seed, and sorts what they disagree on. */
export async function compare(count: number, seed: number): Promise<Comparison> {
  const random = seeded(seed);
  const seeds = makeSeeds();
  const agreed = { accepted: 0, refused: 0 };
  const explained = new Map<string, { count: number; example: string }>();
  const unexplained: string[] = [];
  for (let index = 0; index < count; index += 1) {
    const one = random.pick(seeds);
    const { response, steps } = mutate(one, seeds, random);
    const ours = judge(response, one);
    const theirs = await askPkijs(response, one.certificate, one.issuer);
    if (ours.kind === theirs.kind) {
      agreed[ours.kind === 'error' ? 'refused' : 'accepted'] += 1;
      continue;
    }
    const name = differenceClasses.find(({ covers }) => covers({ ours, theirs, response, seed: one }))?.name;
    const why = ours.kind === 'error' ? `${ours.step}: ${ours.detail}` : ours.kind;
    const text = `ours ${why}; pkijs ${theirs.kind} ${theirs.detail}; ${steps.join('; ')}`;
    if (name === undefined) unexplained.push(`${text}; ${response.toString('base64')}`);
    else explained.set(name, { count: (explained.get(name)?.count ?? 0) + 1, example: text });
  }
  return { cases: count, agreed, explained, unexplained };
}

/** Our verdict on an answer about the certificate of a seed. An answer without nextUpdate may count for a day here. */
export function judge(response: Buffer, { certificate, issuer }: SeedAnswer): Verified {
  return verifyResponse({
    ...{ response, target: targetOf(certificate), certificate, issuer, nowMs, sentNonce: undefined },
    options: { ...options, maxAgeWithoutNextUpdateMs: 86_400_000 },
  });
}
