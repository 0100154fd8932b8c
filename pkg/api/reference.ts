import type { ResourceKind } from './crd.ts';
import { durationPattern } from './duration.ts';
import { apiVersion } from './metadata.ts';
import type { StructuralSchema } from './structural.ts';

/** The reference page of a kind in Markdown: every field with type, default, bounds and meaning, and every rule. */
export function referencePage(kind: ResourceKind): string {
  const specRows = rows(kind.spec, 'spec');
  const statusRows = rows(kind.status, 'status');
  return `${[
    '<!-- Made by npm run generate from pkg/api. -->',
    `# ${kind.kind}`,
    '',
    `${kind.description} \`apiVersion: ${apiVersion}\`, namespaced; \`kubectl get ${kind.shortName}\`.`,
    '',
    'Required fields are marked *required*; all others have the default that is given, or none. Durations are written as in',
    'Go: `2s`, `1m30s`, `100ms`. An unknown field and an unknown value are refused.',
    '',
    '## Spec',
    '',
    ...table(specRows),
    '## What the API server refuses',
    '',
    'Besides wrong types and bounds. The operator and `lychgate analyze` refuse the same, and more: what needs a look at other',
    'objects or at the meaning of a value.',
    '',
    '| at | unless | message |',
    '|---|---|---|',
    ...ruleRows(kind.spec, 'spec'),
    '',
    '## Status',
    '',
    'Written by the operator.',
    '',
    ...table(statusRows),
    '## Columns of kubectl get',
    '',
    '| column | meaning |',
    '|---|---|',
    ...kind.columns.map(
      ({ name, description, priority }) => `| ${name}${priority === 1 ? ' (`-o wide`)' : ''} | ${cell(description)} |`,
    ),
  ].join('\n')}\n`;
}

interface Row {
  readonly path: string;
  readonly required: boolean;
  readonly schema: StructuralSchema;
}

function table(list: readonly Row[]): string[] {
  return [
    '| field | type | default | bounds | meaning |',
    '|---|---|---|---|---|',
    ...list.map(
      ({ path, required, schema }) =>
        `| \`${path}\` | ${typeText(schema)} | ${required ? '*required*' : defaultText(schema)} | ${cell(boundsText(schema))} | ${cell(schema.description ?? '')} |`,
    ),
    '',
  ];
}

/** Every field below a schema, parents before children. */
function rows(schema: StructuralSchema, at: string): Row[] {
  if (schema.items !== undefined) return rows(schema.items, `${at}[]`);
  return Object.entries(schema.properties ?? {}).flatMap(([name, field]) => [
    { path: `${at}.${name}`, required: schema.required?.includes(name) ?? false, schema: field },
    ...rows(field, `${at}.${name}`),
  ]);
}

function ruleRows(schema: StructuralSchema, at: string): string[] {
  const own = (schema['x-kubernetes-validations'] ?? []).map(
    ({ rule, message, fieldPath = '' }) => `| \`${at}${fieldPath}\` | ${code(rule)} | ${cell(message)} |`,
  );
  const below = [
    ...Object.entries(schema.properties ?? {}).map(([name, field]) => [field, `${at}.${name}`] as const),
    ...(schema.items === undefined ? [] : [[schema.items, `${at}[]`] as const]),
  ];
  return [...own, ...below.flatMap(([field, path]) => ruleRows(field, path))];
}

function typeText(schema: StructuralSchema): string {
  if (schema.items !== undefined) return `list of ${typeText(schema.items)}`;
  if (schema.additionalProperties !== undefined) return `map to ${typeText(schema.additionalProperties)}`;
  if (schema.format === 'date-time') return 'RFC 3339 time';
  if (isDuration(schema)) return 'duration';
  return schema.type;
}

/** A list or object without anything in it says nothing that its fields' own defaults do not say. */
function defaultText({ default: value }: StructuralSchema): string {
  if (value === undefined) return '';
  if (Array.isArray(value)) return value.length === 0 ? 'none' : 'see meaning';
  if (typeof value === 'object') return '';
  return code(JSON.stringify(value).replace(/^"(.*)"$/, '$1'));
}

function isDuration({ pattern }: StructuralSchema): boolean {
  return pattern === durationPattern.source;
}

function boundsText(schema: StructuralSchema): string {
  if (isDuration(schema)) return '';
  const { items, pattern } = schema;
  const parts = [
    schema.enum?.map((value) => code(String(value))).join(', '),
    range(schema.minimum, schema.maximum, ''),
    range(schema.minLength, schema.maxLength, ' characters'),
    range(schema.minItems, schema.maxItems, ' entries'),
    range(schema.minProperties, schema.maxProperties, ' entries'),
    pattern === undefined ? undefined : code(pattern),
    items === undefined || items.type === 'object' ? undefined : `each ${boundsText(items)}`,
    schema.additionalProperties === undefined ? undefined : `each ${boundsText(schema.additionalProperties)}`,
  ];
  return parts.filter((part) => part !== undefined && part !== '').join('; ');
}

function range(minimum: number | undefined, maximum: number | undefined, unit: string): string | undefined {
  if (maximum === undefined) return undefined;
  return minimum === undefined ? `at most ${maximum}${unit}` : `${minimum} to ${maximum}${unit}`;
}

/** As code in Markdown; within a table a bar needs a backslash even there, and a backtick a longer fence. */
function code(text: string): string {
  const escaped = text.replaceAll('|', '\\|');
  return escaped.includes('`') ? `\`\` ${escaped} \`\`` : `\`${escaped}\``;
}

/** Of text that is Markdown already: bars end a cell. */
function cell(text: string): string {
  return text.replaceAll(/(?<!\\)\|/g, '\\|');
}
