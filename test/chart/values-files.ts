import { stringify } from 'yaml';
import { z } from 'zod';
import { chartValues } from './values.ts';

/** A node of the values' JSON schema, as far as the files need it. */
export interface ValueSchema {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly examples?: readonly unknown[];
  readonly properties?: Readonly<Record<string, ValueSchema>>;
  readonly enum?: readonly unknown[];
  readonly items?: ValueSchema;
  readonly anyOf?: readonly ValueSchema[];
}

/** One value: where it is, its default, another that is legal, and what it means. */
export interface ValueLeaf {
  /** From the root of the values. */
  readonly path: readonly string[];
  readonly schema: ValueSchema;
  readonly fallback: unknown;
  readonly example: unknown;
}

/** The schema that Helm checks values by: draft 7, which Helm 3 reads too; closed but where Kubernetes describes the object. */
export function valuesSchema(): ValueSchema {
  // Helm checks what a user leaves out after it has filled in values.yaml; nothing is required.
  return z.toJSONSchema(chartValues, { target: 'draft-7', io: 'input' }) as ValueSchema;
}

/** values.schema.json. */
export function valuesSchemaText(): string {
  return `${JSON.stringify(valuesSchema(), null, 2)}\n`;
}

/** values.yaml: every value with its default and what it means. */
export function valuesYaml(): string {
  return ['# Made by npm run generate from test/chart/values.ts.', ...yamlLines(valuesSchema(), 0, true), ''].join(
    '\n',
  );
}

/** The rows of the README's table. */
export function valuesTable(): string {
  return [
    '| value | default | meaning |',
    '|---|---|---|',
    ...valueLeaves().map(
      ({ path, schema, fallback }) =>
        `| \`${path.join('.')}\` | \`${cell(JSON.stringify(fallback))}\` | ${cell(meaning(schema))} |`,
    ),
  ].join('\n');
}

/** Every value that has no values below it. */
export function valueLeaves(schema: ValueSchema = valuesSchema(), path: readonly string[] = []): readonly ValueLeaf[] {
  return Object.entries(schema.properties ?? {}).flatMap(([key, child]) => {
    const here = [...path, key];
    if (isGroup(child)) return valueLeaves(child, here);
    return [{ path: here, schema: child, fallback: child.default, example: child.examples?.[0] }];
  });
}

function yamlLines(schema: ValueSchema, depth: number, spaced: boolean): readonly string[] {
  const indent = '  '.repeat(depth);
  return Object.entries(schema.properties ?? {}).flatMap(([key, child]) => {
    const comment = wrap(meaning(child), 118 - indent.length).map((line) => `${indent}# ${line}`);
    const body = isGroup(child)
      ? [`${indent}${key}:`, ...yamlLines(child, depth + 1, false)]
      : stringify({ [key]: child.default }, { lineWidth: 0, aliasDuplicateObjects: false })
          .trimEnd()
          .split('\n')
          .map((line) => indent + line);
    return [...(spaced ? [''] : []), ...comment, ...body];
  });
}

function isGroup(schema: ValueSchema): boolean {
  return schema.properties !== undefined && Object.keys(schema.properties).length > 0;
}

function meaning(schema: ValueSchema): string {
  const values = schema.enum ?? schema.items?.enum;
  if (values === undefined) return schema.description ?? '';
  return `${schema.description ?? ''} One of: ${values.map((value) => (value === '' ? 'empty' : String(value))).join(', ')}.`;
}

function wrap(words: string, width: number): readonly string[] {
  const lines: string[] = [];
  for (const word of words.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}

function cell(words: string): string {
  return words.replaceAll('|', '\\|');
}
