import { join } from 'node:path';
import { command } from '../support/command.ts';
import { type Outcome, readAnswers, type StreamOutcome } from './outcome.ts';

/** Gives the octets of each connection to Python's h2 as a server. @returns what it is after each piece of each. */
export async function runH2(python: string, cases: readonly (readonly Buffer[])[]): Promise<Outcome[][]> {
  const input = cases.map((chunks) => `${chunks.map((chunk) => chunk.toString('hex')).join(' ')}\n`).join('');
  const script = join(import.meta.dirname, 'h2-oracle.py');
  const { code, stdout, stderr } = await command(python, [script], { input, timeoutMs: 600_000 });
  if (code !== 0) throw new Error(`h2-oracle.py: ${stderr}`);
  return stdout
    .trimEnd()
    .split('\n')
    .map((line) => {
      const answers: readonly { requests: Record<string, StreamOutcome>; sent: string; reason: string }[] =
        JSON.parse(line);
      return answers.map(({ requests, sent, reason }) => {
        const { resets, failed } = readAnswers(Buffer.from(sent, 'hex'));
        // It raises what it does not always send.
        return { requests, resets, failed: failed ?? (reason === '' ? undefined : -1), reason };
      });
    });
}
