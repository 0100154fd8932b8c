import { stringify } from 'yaml';
import type { customResourceDefinitions } from '../../pkg/api/crd.ts';
import { readSource } from '../support/source-files.ts';
import { valuesSchemaText, valuesTable, valuesYaml } from './values-files.ts';

/** Files of charts/lychgate that `npm run generate` writes: values, their schema, the README's table, the CRDs as templates. */
export function chartFiles(
  definitions: ReturnType<typeof customResourceDefinitions>,
): readonly { readonly path: string; readonly text: string }[] {
  return [
    { path: `${chart}/values.yaml`, text: valuesYaml() },
    { path: `${chart}/values.schema.json`, text: valuesSchemaText() },
    { path: `${chart}/README.md`, text: readmeWith(readSource(`${chart}/README.md`), valuesTable()) },
    ...definitions.map((definition) => ({
      path: `${chart}/templates/crd-${definition.spec.names.plural}.yaml`,
      text: crdTemplate(
        definition.metadata.name,
        stringify(definition.spec, { version: '1.1', lineWidth: 0, aliasDuplicateObjects: false }),
      ),
    })),
  ];
}

/**
 * As a template, not in crds/, which Helm installs once and never upgrades.
 * @throws Error where the definition has braces that Helm would read.
 */
function crdTemplate(name: string, spec: string): string {
  if (spec.includes('{{'))
    throw new Error(`the definition ${name} has "{{" in it, which Helm would read as a template`);
  return [
    '{{- /* Made by npm run generate from pkg/api. */}}',
    '{{- if .Values.crds.install }}',
    'apiVersion: apiextensions.k8s.io/v1',
    'kind: CustomResourceDefinition',
    'metadata:',
    `  name: ${name}`,
    '  labels:',
    '    {{- include "lychgate.labels" . | nindent 4 }}',
    '  {{- if .Values.crds.keep }}',
    '  annotations:',
    '    helm.sh/resource-policy: keep',
    '  {{- end }}',
    'spec:',
    ...spec
      .trimEnd()
      .split('\n')
      .map((line) => `  ${line}`),
    '{{- end }}',
    '',
  ].join('\n');
}

/** @throws Error where the page has lost the marks between which the table stands. */
function readmeWith(page: string, table: string): string {
  const [before, rest] = page.split(`${begin}\n`);
  const after = rest?.split(end)[1];
  if (before === undefined || after === undefined) {
    throw new Error(
      `${chart}/README.md must have the lines ${begin} and ${end}, between which the table of values stands`,
    );
  }
  return `${before}${begin}\n${table}\n${end}${after}`;
}

const chart = 'charts/lychgate';
const begin = '<!-- values: made by npm run generate from test/chart/values.ts -->';
const end = '<!-- end of values -->';
