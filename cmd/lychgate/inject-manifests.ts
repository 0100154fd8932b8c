import { type Document, isAlias, isSeq, LineCounter, parseAllDocuments, visit, Document as YamlDocument } from 'yaml';
import { isRecord } from '../../pkg/api/raw.ts';
import { injectPod } from '../../pkg/inject/inject.ts';
import { difference, type PatchOperation } from '../../pkg/inject/patch.ts';
import type { InjectSettings } from '../../pkg/inject/settings.ts';

/** A file of manifests. */
export interface ManifestFile {
  /** For messages. */
  readonly name: string;
  readonly text: string;
}

/** Manifests with sidecars, and what was found on the way; each message names file, document and object. */
export interface InjectedManifests {
  readonly text: string;
  /** What cannot be read. */
  readonly faults: readonly string[];
  /** Pods that cannot have a sidecar. */
  readonly denied: readonly string[];
  readonly warnings: readonly string[];
}

/**
 * Adds sidecars to the pods and pod templates of manifests: of Pod, Deployment, StatefulSet, DaemonSet, ReplicaSet,
 * ReplicationController, PodTemplate, Job, CronJob and lists of them. Comments stay, other documents too. Never throws
 * for what is in the files.
 */
export function injectManifests(
  files: readonly ManifestFile[],
  settings: InjectSettings,
  format: 'json' | 'yaml',
): InjectedManifests {
  const report: Report = { faults: [], denied: [], warnings: [] };
  const documents = files.flatMap((file) => injectFile(file, settings, report));
  return { text: format === 'yaml' ? yamlText(documents) : jsonText(documents), ...report };
}

interface Report {
  readonly faults: string[];
  readonly denied: string[];
  readonly warnings: string[];
}

function injectFile({ name, text }: ManifestFile, settings: InjectSettings, report: Report): Document[] {
  const lines = new LineCounter();
  let documents: Document.Parsed[];
  try {
    const parsed = parseAllDocuments(text, { ...parseOptions, lineCounter: lines });
    documents = Array.isArray(parsed) ? parsed : [];
  } catch {
    report.faults.push(`${name}: nested too deeply`);
    return [];
  }
  return documents.flatMap((document, index) => {
    const at = `${name}: document ${index + 1}`;
    const [problem] = [...document.errors, ...document.warnings];
    if (problem !== undefined) {
      const { line } = lines.linePos(problem.pos[0]);
      report.faults.push(`${at}: line ${line}: ${problem.message.split('\n')[0] ?? ''}`);
      return [];
    }
    return injectDocument(document, at, settings, report);
  });
}

function injectDocument(document: Document.Parsed, at: string, settings: InjectSettings, report: Report): Document[] {
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: 100 });
  } catch {
    report.faults.push(`${at}: more than 100 aliases, an unknown one, or nested too deeply`);
    return [];
  }
  const operations = templatesOf(value, []).flatMap((place) => injectTemplate(place, at, settings, report));
  if (operations.length === 0) return [document];
  // What an anchor names stands in several places: a change in one would be one in all.
  const changed = hasAliases(document) ? new YamlDocument(value, parseOptions) : document;
  for (const operation of operations) apply(changed, operation);
  return [changed];
}

interface Template {
  readonly path: readonly (number | string)[];
  readonly template: unknown;
  /** `Deployment shop/web`. */
  readonly owner: string;
  readonly namespace: string;
}

/** Where pods stand in an object. */
function templatesOf(value: unknown, path: readonly (number | string)[]): Template[] {
  if (!isRecord(value)) return [];
  const { apiVersion, kind, items } = value;
  if (typeof kind !== 'string' || typeof apiVersion !== 'string') return [];
  if (kind.endsWith('List') && Array.isArray(items)) {
    return items.flatMap((item, index) => templatesOf(item, [...path, 'items', index]));
  }
  const way = templatePaths.get(`${apiVersion} ${kind}`);
  if (way === undefined) return [];
  const metadata = isRecord(value['metadata']) ? value['metadata'] : {};
  const namespace = typeof metadata['namespace'] === 'string' ? metadata['namespace'] : undefined;
  const name = [metadata['name'], metadata['generateName']].find((one) => typeof one === 'string') ?? 'without a name';
  let template: unknown = value;
  for (const step of way) template = isRecord(template) ? template[step] : undefined;
  return [
    {
      path: [...path, ...way],
      template,
      owner: `${kind} ${namespace === undefined ? '' : `${namespace}/`}${name}`,
      namespace: namespace ?? 'default',
    },
  ];
}

function injectTemplate(
  { path, template, owner, namespace }: Template,
  at: string,
  settings: InjectSettings,
  report: Report,
): readonly PatchOperation[] {
  // The command asks: a namespace whose labels are not known does too.
  const injection = injectPod(template, settings, { name: namespace });
  switch (injection.kind) {
    case 'Denied':
      report.warnings.push(...injection.warnings.map((warning) => `${at}: ${owner}: ${warning}`));
      report.denied.push(`${at}: ${owner}: ${injection.message}`);
      return [];
    case 'Skipped':
      report.warnings.push(`${at}: ${owner}: left as it is: ${injection.why}`);
      return [];
    case 'Injected':
      report.warnings.push(...injection.warnings.map((warning) => `${at}: ${owner}: ${warning}`));
      return difference(template, injection.pod, path);
  }
}

function apply(document: Document, operation: PatchOperation): void {
  const { path } = operation;
  if (operation.op === 'remove') {
    document.deleteIn(path);
    return;
  }
  const node = document.createNode(operation.value);
  const parent = document.getIn(path.slice(0, -1), true);
  const last = path.at(-1);
  if (operation.op === 'add' && isSeq(parent) && typeof last === 'number') parent.items.splice(last, 0, node);
  else document.setIn(path, node);
}

function hasAliases(document: Document): boolean {
  let found = false;
  visit(document, (_, node) => {
    if (!isAlias(node)) return undefined;
    found = true;
    return visit.BREAK;
  });
  return found;
}

function yamlText(documents: readonly Document[]): string {
  return documents
    .map((document) => {
      if (document.directives !== undefined) document.directives.docStart = null;
      const text = document.toString({ lineWidth: 0 });
      // An empty document may have a comment.
      return document.toJS() === null ? text.replace(/^null\n?/m, '').trimStart() : text;
    })
    .filter((text) => text.trim() !== '')
    .join('---\n');
}

function jsonText(documents: readonly Document[]): string {
  const items = documents.map((document): unknown => document.toJS()).filter((value) => value !== null);
  const [only] = items;
  return `${JSON.stringify(items.length === 1 ? only : { apiVersion: 'v1', kind: 'List', items }, null, 2)}\n`;
}

/** Strict as kubectl is; what is written, kubectl reads as the same, `"on"` too. */
const parseOptions = {
  strict: true,
  uniqueKeys: true,
  merge: true,
  prettyErrors: false,
  logLevel: 'silent',
  compat: 'yaml-1.1',
  aliasDuplicateObjects: false,
} as const;

const templatePaths: ReadonlyMap<string, readonly string[]> = new Map([
  ['v1 Pod', []],
  ['v1 PodTemplate', ['template']],
  ['v1 ReplicationController', ['spec', 'template']],
  ['apps/v1 Deployment', ['spec', 'template']],
  ['apps/v1 StatefulSet', ['spec', 'template']],
  ['apps/v1 DaemonSet', ['spec', 'template']],
  ['apps/v1 ReplicaSet', ['spec', 'template']],
  ['batch/v1 Job', ['spec', 'template']],
  ['batch/v1 CronJob', ['spec', 'jobTemplate', 'spec', 'template']],
]);
