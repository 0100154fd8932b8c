import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { toolPath } from '../cluster/tools.ts';
import { command } from '../support/command.ts';
import { root } from '../support/source-files.ts';

/** Helm 4 and Helm 3. */
export const helms = ['helm', 'helm3'] as const;
export type HelmName = (typeof helms)[number];

/** Values as a user gives them. */
export type Values = Readonly<Record<string, unknown>>;

/** A rendered object, as far as tests look into every one. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly [field: string]: unknown;
}

/** What became of a rendering: the text of all manifests, or why there is none. */
export type Rendered =
  | { readonly kind: 'Rendered'; readonly text: string }
  | { readonly kind: 'Refused'; readonly message: string };

export interface RenderOptions {
  readonly helm?: HelmName;
  readonly release?: string;
  readonly namespace?: string;
  /** Files of values, from the chart's folder. */
  readonly files?: readonly string[];
  /** API versions that the cluster is said to have besides Kubernetes' own. */
  readonly apiVersions?: readonly string[];
  /** Which templates; all without it. */
  readonly showOnly?: string;
}

/** The chart's folder, absolute. */
export const chartFolder: string = join(root, 'charts/lychgate');

/** Runs `helm template`. */
export async function render(values: Values = {}, options: RenderOptions = {}): Promise<Rendered> {
  const {
    helm = 'helm',
    release = 'lychgate',
    namespace = 'lychgate',
    files = [],
    apiVersions = [],
    showOnly,
  } = options;
  const { code, stdout, stderr } = await withValues(values, (file) =>
    command(
      toolPath(helm),
      [
        ...['template', release, chartFolder, '--namespace', namespace],
        ...files.flatMap((name) => ['--values', join(chartFolder, name)]),
        ...['--values', file],
        ...apiVersions.flatMap((name) => ['--api-versions', name]),
        ...(showOnly === undefined ? [] : ['--show-only', showOnly]),
      ],
      { env: helmEnvironment },
    ),
  );
  return code === 0 ? { kind: 'Rendered', text: stdout } : { kind: 'Refused', message: stderr };
}

/** The objects of a rendering. @throws Error where Helm refused, or a document is no YAML. */
export async function manifests(values: Values = {}, options: RenderOptions = {}): Promise<readonly Manifest[]> {
  const rendered = await render(values, options);
  if (rendered.kind === 'Refused') throw new Error(rendered.message);
  return parseAllDocuments(rendered.text).flatMap((document) => {
    if (document.errors[0] !== undefined) throw document.errors[0];
    const object: unknown = document.toJS();
    return object === null ? [] : [object as Manifest];
  });
}

/** The only object of that kind whose name ends so. @throws Error where there is none or another. */
export function only(objects: readonly Manifest[], kind: string, nameEnd = ''): Manifest {
  const [first, ...others] = objects.filter((object) => object.kind === kind && object.metadata.name.endsWith(nameEnd));
  if (first === undefined || others.length > 0) {
    throw new Error(
      `${others.length + (first === undefined ? 0 : 1)} objects of kind ${kind} end in "${nameEnd}", not one`,
    );
  }
  return first;
}

/** Runs `helm lint --strict`; empty where there is nothing to say against the chart. */
export async function lint(helm: HelmName, files: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await command(
    toolPath(helm),
    ['lint', chartFolder, '--strict', ...files.flatMap((name) => ['--values', join(chartFolder, name)])],
    { env: helmEnvironment },
  );
  return code === 0 ? '' : `${stdout}${stderr}`;
}

async function withValues<T>(values: Values, use: (file: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'lychgate-chart-'));
  try {
    const file = join(folder, 'values.json');
    writeFileSync(file, JSON.stringify(values));
    return await use(file);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** No cluster, no settings of whoever runs the tests. */
const helmEnvironment = { PATH: process.env['PATH'], HOME: '/nonexistent', KUBECONFIG: '/nonexistent' };
