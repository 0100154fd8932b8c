import { type Document, isNode, LineCounter, parseAllDocuments } from 'yaml';

/** One object of a file, before anything of it is believed. */
export interface RawObject {
  readonly value: unknown;
  /** The document in the file, from 1. */
  readonly document: number;
  /** The line on which the field (`spec.hostnames[0]`) stands, or else the nearest thing around it. From 1. */
  lineOf(field: string): number;
}

/** Something wrong with the text itself. Never quotes it: manifests have private keys. */
export interface TextFault {
  readonly document: number;
  readonly line: number;
  readonly message: string;
}

/** Most documents and objects in one file, and most aliases in one document. */
export const maxDocuments = 1000;
export const maxObjects = 10_000;
export const maxAliases = 100;
/** A broken text breaks again and again: the first faults of a document tell enough. */
const maxTextFaults = 10;

/** Reads YAML 1.2 or JSON of one or more documents; lists are taken apart as kubectl does. Never throws. */
export function readDocuments(text: string): {
  readonly objects: readonly RawObject[];
  readonly faults: readonly TextFault[];
} {
  const lines = new LineCounter();
  const objects: RawObject[] = [];
  const faults: TextFault[] = [];
  try {
    const documents = parseAllDocuments(text, {
      lineCounter: lines,
      strict: true,
      uniqueKeys: true,
      merge: true,
      // The library's pretty errors quote the source.
      prettyErrors: false,
      // Warnings are read below, and printed nowhere.
      logLevel: 'silent',
    });
    if (!Array.isArray(documents)) return { objects, faults };
    if (documents.length > maxDocuments) {
      faults.push({
        document: 0,
        line: 1,
        message: `${documents.length} documents, limit ${maxDocuments}; split the file`,
      });
      return { objects, faults };
    }
    for (const [index, document] of documents.entries()) {
      readDocument(document, index + 1, lines, objects, faults);
      if (objects.length > maxObjects) {
        faults.push({
          document: index + 1,
          line: 1,
          message: `more objects than the limit of ${maxObjects}; split the file`,
        });
        return { objects: [], faults };
      }
    }
  } catch (error) {
    // A RangeError: nested deeper than the stack.
    faults.push({
      document: 0,
      line: 1,
      message: error instanceof RangeError ? 'nested too deeply' : 'not readable as YAML',
    });
  }
  return { objects, faults };
}

function readDocument(
  document: Document.Parsed,
  number: number,
  lines: LineCounter,
  objects: RawObject[],
  faults: TextFault[],
): void {
  // An unresolved tag is a warning to the library; to kubectl it is an error.
  const problems = [...document.errors, ...document.warnings];
  const deep = problems.find(({ message }) => message.includes('call stack'));
  const told = deep === undefined ? problems.slice(0, maxTextFaults) : [deep];
  for (const { code, message, pos } of told) {
    faults.push({ document: number, line: lineAt(lines, pos[0]), message: problemText(code, message) });
  }
  if (problems.length > 0) return;
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: maxAliases });
  } catch (error) {
    const message =
      error instanceof ReferenceError
        ? `more aliases than the limit of ${maxAliases}, or an unknown one`
        : 'nested too deeply';
    faults.push({ document: number, line: lineAt(lines, document.range[0]), message });
    return;
  }
  // Kubectl skips empty documents.
  if (value === null || value === undefined) return;
  const lineOf = (path: readonly (number | string)[]) => lineAt(lines, offsetOf(document, path));
  unwrap(value, [], number, lineOf, objects, 0);
}

/** `kind: List` and `kind: SslProfileList` stand for their items. */
function unwrap(
  value: unknown,
  path: readonly (number | string)[],
  document: number,
  lineOf: (path: readonly (number | string)[]) => number,
  objects: RawObject[],
  depth: number,
): void {
  if (typeof value === 'object' && value !== null && 'kind' in value && 'items' in value && depth < 8) {
    const { kind, items } = value;
    if (typeof kind === 'string' && kind.endsWith('List') && Array.isArray(items)) {
      for (const [index, item] of items.entries())
        unwrap(item, [...path, 'items', index], document, lineOf, objects, depth + 1);
      return;
    }
  }
  objects.push({ value, document, lineOf: (field) => lineOf([...path, ...stepsOf(field)]) });
}

/** `spec.certificateRefs[0].name` as steps. */
function stepsOf(field: string): (number | string)[] {
  return [...field.matchAll(/\[(\d+)\]|[^.[\]]+/g)].map((match) =>
    match[1] === undefined ? match[0] : Number(match[1]),
  );
}

/** Where a field begins; an absent one, where the last thing on the way to it begins. */
function offsetOf(document: Document.Parsed, path: readonly (number | string)[]): number {
  for (let length = path.length; length > 0; length--) {
    const node = document.getIn(path.slice(0, length), true);
    if (isNode(node) && node.range) return node.range[0];
  }
  return document.contents?.range[0] ?? document.range[0];
}

function lineAt(lines: LineCounter, offset: number): number {
  return Math.max(1, lines.linePos(offset).line);
}

/** Without what was found: some messages end with the token, which may be part of a key. */
function problemText(code: string, message: string): string {
  if (message.includes('call stack')) return 'nested too deeply';
  if (code === 'TAG_RESOLVE_FAILED') return 'unknown tag; quote text that begins with !';
  return (
    message
      .split('\n')[0]
      ?.replace(/[:;,]?\s*["'`(].*$/, '')
      .trim() || 'not readable as YAML'
  );
}
