import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { customResourceDefinitions } from '../../pkg/api/crd.ts';
import { parseWith } from '../../pkg/api/parse.ts';
import { command } from '../support/command.ts';

/** What the API server says of a definition. */
export interface DefinitionVerdict {
  readonly name: string;
  readonly errors: readonly string[];
  readonly warnings: readonly string[];
}

/** What the API server says of a resource. */
export interface Verdict {
  readonly accepted: boolean;
  /** As `kubectl apply` prints them. */
  readonly errors: readonly string[];
  /** As it is read back, defaults and pending status filled in; undefined where it is refused. */
  readonly object?: unknown;
}

/** One request: a creation, or an update of `old`, or of its status. */
export interface Asked {
  readonly object: unknown;
  readonly old?: unknown;
  readonly subresource?: 'status';
}

/** Builds the judge. Returns why it could not be built, undefined where it was. */
export function buildJudge(): string | undefined {
  const cwd = fileURLToPath(new URL('.', import.meta.url));
  const built = spawnSync('go', ['build', '-o', program, '.'], { cwd, encoding: 'utf8' });
  if (built.error !== undefined) return `go cannot be run: ${built.error.message}`;
  return built.status === 0 ? undefined : built.stderr;
}

/** Asks the judge. @throws where it was not built, or breaks off. */
export async function judge(
  resources: readonly Asked[],
  definitions: readonly unknown[] = customResourceDefinitions(),
): Promise<{ readonly crds: readonly DefinitionVerdict[]; readonly resources: readonly Verdict[] }> {
  const { code, stdout, stderr } = await command(program, [], {
    input: JSON.stringify({ crds: definitions, resources }),
  });
  if (code !== 0) throw new Error(`the judge ended with ${String(code)}: ${stderr}`);
  const { value, faults } = parseWith(Answer, JSON.parse(stdout));
  if (value === undefined) throw new Error(`the judge's answer cannot be read: ${JSON.stringify(faults)}`);
  return {
    crds: value.crds,
    resources: value.resources.map(({ object, ...verdict }) => ({
      ...verdict,
      ...(object === undefined ? {} : { object }),
    })),
  };
}

const program = fileURLToPath(new URL('../../build/apiserver/judge', import.meta.url));

const Answer = z.strictObject({
  crds: z.array(z.strictObject({ name: z.string(), errors: z.array(z.string()), warnings: z.array(z.string()) })),
  resources: z.array(
    z.strictObject({ accepted: z.boolean(), errors: z.array(z.string()), object: z.unknown().optional() }),
  ),
});
