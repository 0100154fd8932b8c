/**
 * Applies a JSON Patch (RFC 6902: add, remove, replace) as an API server does, to a copy, strictly: a path that does not
 * exist is an error. Written for tests, apart from what makes patches. @throws.
 */
export function applyJsonPatch(document: unknown, patch: unknown): unknown {
  if (!Array.isArray(patch)) throw new Error('a patch is a list');
  let root: unknown = structuredClone(document);
  for (const operation of patch as readonly { op: string; path: string; value?: unknown }[]) {
    const steps = operation.path.split('/').slice(1).map(unescaped);
    if (operation.path !== '' && !operation.path.startsWith('/')) throw new Error(`no pointer: ${operation.path}`);
    const last = steps.pop();
    if (last === undefined) {
      if (operation.op !== 'replace') throw new Error(`${operation.op} of the root`);
      root = structuredClone(operation.value);
      continue;
    }
    let parent = root;
    for (const step of steps) parent = child(parent, step);
    change(parent, last, operation);
  }
  return root;
}

function change(parent: unknown, step: string, { op, value }: { op: string; value?: unknown }): void {
  if (Array.isArray(parent)) {
    const index = step === '-' && op === 'add' ? parent.length : Number(step);
    if (!/^(0|[1-9]\d*|-)$/.test(step) || index > parent.length) throw new Error(`no index: ${step}`);
    if (op !== 'add' && index === parent.length) throw new Error(`no entry: ${step}`);
    if (op === 'remove') parent.splice(index, 1);
    else parent.splice(index, op === 'add' ? 0 : 1, structuredClone(value));
    return;
  }
  if (typeof parent !== 'object' || parent === null) throw new Error(`nothing has ${step}`);
  const fields = parent as Record<string, unknown>;
  if (op !== 'add' && !Object.hasOwn(fields, step)) throw new Error(`no field ${step}`);
  if (op === 'remove') delete fields[step];
  else fields[step] = structuredClone(value);
}

function child(parent: unknown, step: string): unknown {
  if (typeof parent !== 'object' || parent === null || !Object.hasOwn(parent, step)) throw new Error(`no ${step}`);
  return (parent as Record<string, unknown>)[step];
}

function unescaped(step: string): string {
  return step.replaceAll('~1', '/').replaceAll('~0', '~');
}
