import { join } from 'node:path';
import { ByteWriter } from '../../pkg/http2/hpack/byte-writer.ts';
import { HpackDecoder } from '../../pkg/http2/hpack/decoder.ts';
import { HpackEncoder } from '../../pkg/http2/hpack/encoder.ts';
import { HpackError } from '../../pkg/http2/hpack/error.ts';
import { type Seeded, seeded } from '../ocsp/seeded.ts';
import { command } from '../support/command.ts';

interface Step {
  /** The size of the table that the reader allows from this block on. One: hpack would write down all of several. */
  readonly sizes: readonly number[];
  readonly fields: readonly string[];
  readonly huffman: boolean;
}

/** What became of a block: its fields, or why it is none. */
type Reading = readonly string[] | string;

/** What a comparison found. */
export interface HpackComparison {
  /** Blocks that both read, and that both refused. */
  readonly read: number;
  readonly refused: number;
  /** How often we refuse what hpack reads, by our reason. */
  readonly stricter: ReadonlyMap<string, number>;
  readonly unexplained: readonly string[];
}

/**
 * Field blocks of `count` connections, from seed `seed` on: written by us, some changed, and read by Python's hpack and by us;
 * written by hpack and read by us.
 */
export async function compareHpack(python: string, count: number, seed: number): Promise<HpackComparison> {
  const cases = Array.from({ length: count }, (_, i) => makeCase(seeded(seed + i)));
  const input = cases.map((one) => `${JSON.stringify(one)}\n`).join('');
  const script = join(import.meta.dirname, 'hpack-oracle.py');
  const { code, stdout, stderr } = await command(python, [script], { input, timeoutMs: 600_000 });
  if (code !== 0) throw new Error(`hpack-oracle.py: ${stderr}`);
  const lines = stdout.trimEnd().split('\n');
  let read = 0;
  let refused = 0;
  const stricter = new Map<string, number>();
  const unexplained: string[] = [];
  cases.forEach(({ blocks, steps }, i) => {
    const theirs: { lists: Reading[]; blocks: string[] } = JSON.parse(lines[i] ?? '');
    const ours = readBlocks(blocks);
    for (let at = 0; at < Math.max(ours.length, theirs.lists.length); at++) {
      const one = ours[at] ?? '';
      const other = theirs.lists[at] ?? '';
      if (typeof one === 'string' && typeof other === 'string') refused += 1;
      else if (JSON.stringify(one) === JSON.stringify(other)) read += 1;
      else if (typeof one === 'string' && isStricter(one)) {
        stricter.set(one, (stricter.get(one) ?? 0) + 1);
        break;
      } else {
        const text = `${blocks.slice(0, at + 1).join(' ')}: ours ${JSON.stringify(one)}, hpack ${JSON.stringify(other)}`;
        unexplained.push(`seed ${seed + i}: ${text}`);
        break;
      }
    }
    const back = readBlocks(theirs.blocks, steps);
    const want = steps.map(({ fields }) => fields);
    if (JSON.stringify(back) === JSON.stringify(want)) read += back.length;
    else unexplained.push(`seed ${seed + i}: hpack wrote ${theirs.blocks.join(' ')}: ours ${JSON.stringify(back)}`);
  });
  return { read, refused, stricter, unexplained };
}

function isStricter(reason: string): boolean {
  return reason === 'more than two table size updates' || reason === 'integer of more than five octets';
}

function readBlocks(blocks: readonly string[], steps: readonly Step[] = []): Reading[] {
  const decoder = new HpackDecoder({ maxTableBytes: 4096 });
  const lists: Reading[] = [];
  for (const [i, block] of blocks.entries()) {
    for (const size of steps[i]?.sizes ?? []) decoder.setMaxTableBytes(size);
    try {
      lists.push(decoder.decode(Buffer.from(block, 'hex'), { maxListBytes: 1_000_000, maxFields: 1000 }).fields);
    } catch (error) {
      if (!(error instanceof HpackError)) throw error;
      lists.push(error.message);
      break;
    }
  }
  return lists;
}

function makeCase(random: Seeded): { readonly blocks: readonly string[]; readonly steps: readonly Step[] } {
  const encoder = new HpackEncoder();
  const blocks = Array.from({ length: 1 + random.below(6) }, () => {
    if (random.below(4) === 0) encoder.setMaxTableBytes(random.pick([0, 60, 200, 4096]));
    const out = new ByteWriter();
    encoder.encode(randomFields(random), out);
    const block = Buffer.from(out.bytes.subarray(0, out.length));
    return (random.below(3) === 0 ? changed(random, block) : block).toString('hex');
  });
  const steps = Array.from({ length: 1 + random.below(6) }, () => ({
    sizes: Array.from({ length: random.below(2) }, () => random.pick([0, 60, 200, 4096, 8192])),
    fields: randomFields(random),
    huffman: random.below(2) === 0,
  }));
  return { blocks, steps };
}

/** With an octet more, less or another, or of random ones altogether. */
function changed(random: Seeded, block: Buffer): Buffer {
  const at = random.below(block.length + 1);
  const octet = Buffer.of(random.pick([0, 0x20, 0x3f, 0x7f, 0x80, 0xbe, 0xff, random.below(256)]));
  switch (random.below(5)) {
    case 0:
      return Buffer.from(Array.from({ length: random.below(12) }, () => random.below(256)));
    case 1:
      return Buffer.concat([block.subarray(0, at), octet, block.subarray(at)]);
    case 2:
      return Buffer.concat([block.subarray(0, at), block.subarray(at + 1)]);
    case 3:
      return block.subarray(0, at);
    default:
      return Buffer.concat([block.subarray(0, at), octet, block.subarray(at + 1)]);
  }
}

function randomFields(random: Seeded): string[] {
  return Array.from({ length: random.below(8) }, () => [
    random.pick([
      `x-${random.below(20)}`,
      ':status',
      ':path',
      'server',
      'vary',
      'date',
      'set-cookie',
      'x-frame-options',
    ]),
    random.pick([randomText(random), '', '200', '/', 'gzip, deflate', 'no-cache', 'caf\u00e9']),
  ]).flat();
}

function randomText(random: Seeded): string {
  return String.fromCharCode(
    ...Array.from({ length: random.pick([1, 5, 40, 126, 127, 400]) }, () => random.below(256)),
  );
}
