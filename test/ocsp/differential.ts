import { parseArgs } from 'node:util';
import { compare } from './compare.ts';

/*
 * node test/ocsp/differential.ts [--count 50000] [--seed 1]: changed answers, judged by us and by pkijs. Prints what they
 * agreed on and each class of difference with an example; exits 1 if a difference belongs to no class of docs/ocsp.md.
 */
const { values } = parseArgs({
  options: { count: { type: 'string', default: '50000' }, seed: { type: 'string', default: '1' } },
});
const begun = performance.now();
const { cases, agreed, explained, unexplained } = await compare(Number(values.count), Number(values.seed));
const print = (text: string) => process.stdout.write(`${text}\n`);
print(`${cases} answers, seed ${values.seed}, ${((performance.now() - begun) / 1000).toFixed(0)} s`);
print(`${agreed.accepted} accepted by both with one verdict, ${agreed.refused} refused by both`);
for (const [name, { count, example }] of [...explained].sort((one, two) => two[1].count - one[1].count)) {
  print(`${String(count).padStart(6)}  ${name}\n        ${example}`);
}
for (const text of unexplained.slice(0, 50)) print(`UNEXPLAINED ${text}`);
print(`${unexplained.length} unexplained`);
process.exitCode = unexplained.length === 0 ? 0 : 1;
