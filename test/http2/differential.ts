import { parseArgs } from 'node:util';
import { compare } from './compare.ts';
import { compareHpack } from './hpack-compare.ts';
import { pythonWithH2 } from './python.ts';

/*
 * node test/http2/differential.ts [--count 20000] [--seed 1] [--oracle nghttp2|h2|hpack]: the same frames for our session,
 * node:http2's server (nghttp2) and Python's h2; field blocks for our HPACK and Python's hpack. Prints what they agreed on and each class of difference with an example;
 * exits 1 if a difference belongs to no class of differences.ts. h2 is installed into build/, and skipped where it cannot be.
 */
const { values } = parseArgs({
  options: {
    count: { type: 'string', default: '20000' },
    seed: { type: 'string', default: '1' },
    oracle: { type: 'string' },
    show: { type: 'string', default: '20' },
  },
});
const print = (text: string) => process.stdout.write(`${text}\n`);
for (const oracle of ['nghttp2', 'h2', 'hpack']) {
  if (values.oracle !== undefined && values.oracle !== oracle) continue;
  const python = oracle === 'nghttp2' ? undefined : await pythonWithH2();
  if (oracle !== 'nghttp2' && python === undefined) {
    print(`${oracle}: skipped: python3 with venv and pip is needed, which install it from PyPI`);
    continue;
  }
  const begun = performance.now();
  if (oracle === 'hpack' && python !== undefined) {
    const { read, refused, stricter, unexplained } = await compareHpack(
      python,
      Number(values.count),
      Number(values.seed),
    );
    print(`hpack: ${read} blocks read by both, ${refused} refused by both, ${unexplained.length} unexplained`);
    for (const [reason, count] of stricter) print(`${String(count).padStart(6)}  refused by us alone: ${reason}`);
    for (const text of unexplained.slice(0, Number(values.show))) print(`UNEXPLAINED ${text}`);
    if (unexplained.length > 0) process.exitCode = 1;
    continue;
  }
  const { agreed, explained, unexplained } = await compare(Number(values.count), Number(values.seed), python);
  print(
    `${oracle}: ${values.count} connections, ${((performance.now() - begun) / 1000).toFixed(0)} s, ${agreed} agreed`,
  );
  for (const [name, { count, example }] of [...explained].sort((one, two) => two[1].count - one[1].count)) {
    print(`${String(count).padStart(6)}  ${name}\n        ${example.replaceAll('\n', '\n        ')}`);
  }
  for (const text of unexplained.slice(0, Number(values.show))) print(`UNEXPLAINED ${text}`);
  print(`${oracle}: ${unexplained.length} unexplained`);
  if (unexplained.length > 0) process.exitCode = 1;
}
