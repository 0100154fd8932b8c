import { type Difference, explain, readSent } from './differences.ts';
import { runH2 } from './h2-oracle.ts';
import { runNghttp2 } from './nghttp2-oracle.ts';
import { runOurs } from './ours.ts';
import { classOf, eventOf, type Outcome } from './outcome.ts';
import { frameSequence } from './sequences.ts';

/** What a comparison found. */
export interface Comparison {
  readonly agreed: number;
  /** By class, with an example of each. */
  readonly explained: ReadonlyMap<string, { readonly count: number; readonly example: string }>;
  readonly unexplained: readonly string[];
}

/** Gives `count` sequences of frames, numbered from `seed`, to our session and to the oracle: h2 where there is a `python`. */
export async function compare(count: number, seed: number, python?: string): Promise<Comparison> {
  const cases = Array.from({ length: count }, (_, i) => frameSequence(seed + i));
  const theirs: Outcome[][] = [];
  if (python === undefined) for (const chunks of cases) theirs.push(await runNghttp2(chunks));
  else theirs.push(...(await runH2(python, cases)));
  let agreed = 0;
  const explained = new Map<string, { count: number; example: string }>();
  const unexplained: string[] = [];
  cases.forEach((chunks, i) => {
    const difference = firstDifference(
      python === undefined ? 'nghttp2' : 'h2',
      chunks,
      runOurs(chunks),
      theirs[i] ?? [],
    );
    if (difference === undefined) {
      agreed += 1;
      return;
    }
    const name = explain(difference);
    const text = `seed ${seed + i}: ${shown(difference)}`;
    if (name === undefined) unexplained.push(text);
    else
      explained.set(name, {
        count: (explained.get(name)?.count ?? 0) + 1,
        example: explained.get(name)?.example ?? text,
      });
  });
  return { agreed, explained, unexplained };
}

/** Where they parted for good; undefined where they are of one mind at the end. */
function firstDifference(
  oracle: 'h2' | 'nghttp2',
  chunks: readonly Buffer[],
  ours: readonly Outcome[],
  theirs: readonly Outcome[],
): Difference | undefined {
  const differs = (at: number) => classOf(ours[at] ?? none) !== classOf(theirs[at] ?? none);
  if (!differs(chunks.length - 1)) return undefined;
  const at = chunks.findIndex((_, i) => differs(i));
  return {
    oracle,
    octets: Buffer.concat(chunks.slice(0, at + 1)),
    ours: ours[at] ?? none,
    theirs: theirs[at] ?? none,
    oursDid: eventOf(ours[at - 1] ?? none, ours[at] ?? none),
    theirsDid: eventOf(theirs[at - 1] ?? none, theirs[at] ?? none),
  };
}

function shown({ octets, ours, theirs, oursDid, theirsDid, oracle }: Difference): string {
  const { frame, partial } = readSent(octets);
  const head =
    frame === undefined ? '' : `type ${frame.type} flags 0x${frame.flags.toString(16)} stream ${frame.stream}`;
  const payload = frame?.payload.toString('hex').slice(0, 100) ?? '';
  const sides = `ours ${oursDid} ${ours.failed ?? ''} ${ours.reason}; ${oracle} ${theirsDid} ${theirs.failed ?? ''} ${theirs.reason}`;
  return `${head} ${payload}${partial ? ' (not whole)' : ''}: ${sides}`;
}

const none: Outcome = { requests: {}, resets: {}, failed: undefined, reason: '' };
