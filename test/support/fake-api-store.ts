import { isDeepStrictEqual } from 'node:util';

/** Plain JSON, as the API server stores it. */
export type Json = Record<string, unknown>;

export interface StoredObject extends Json {
  apiVersion: string;
  kind: string;
  metadata: Json & { name: string; namespace?: string; uid: string; resourceVersion: string };
}

/** One change, as a watch sees it. */
export interface Change {
  readonly version: number;
  readonly resource: string;
  readonly type: 'ADDED' | 'DELETED' | 'MODIFIED';
  readonly object: StoredObject;
  /** Before the change: a watch with a selector sees objects come into it and leave it. */
  readonly before: StoredObject | undefined;
}

/** The API server's refusal, sent as a Status object. */
export class Refusal extends Error {
  readonly status: number;
  readonly reason: string;

  constructor(status: number, reason: string, message: string) {
    super(message);
    this.status = status;
    this.reason = reason;
  }
}

/** Objects with resourceVersions in memory. A resource is `group/version/plural` (`v1/pods`, `lychgate.dev/v1alpha1/sslprofiles`). */
export class ObjectStore {
  readonly #objects = new Map<string, Map<string, StoredObject>>();
  /** By object and manager: what server-side apply set last. */
  readonly #applied = new Map<string, Json>();
  #history: Change[] = [];
  #compactedAt = 0;
  #version = 100;
  #uid = 0;
  readonly #onChange: (change: Change) => void;

  constructor(onChange: (change: Change) => void) {
    this.#onChange = onChange;
  }

  get version(): number {
    return this.#version;
  }

  /** Everything before now is no longer watchable: 410. */
  compact(): void {
    this.#version += 1;
    this.#compactedAt = this.#version;
    this.#history = [];
  }

  /** Changes after `version`, or undefined if they are gone. */
  since(version: number): readonly Change[] | undefined {
    if (version < this.#compactedAt) return undefined;
    return this.#history.filter((change) => change.version > version);
  }

  list(resource: string, namespace: string | undefined): readonly StoredObject[] {
    return [...(this.#objects.get(resource)?.values() ?? [])]
      .filter((object) => namespace === undefined || object.metadata.namespace === namespace)
      .toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
  }

  find(resource: string, key: string): StoredObject | undefined {
    return this.#objects.get(resource)?.get(key);
  }

  get(resource: string, key: string): StoredObject {
    const found = this.find(resource, key);
    if (found === undefined) throw new Refusal(404, 'NotFound', `${resource} "${key}" not found`);
    return found;
  }

  create(resource: string, namespace: string | undefined, body: Json): StoredObject {
    const metadata = (body['metadata'] ?? {}) as Json;
    this.#uid += 1;
    const uid = `00000000-0000-4000-8000-${String(this.#uid).padStart(12, '0')}`;
    const name = (metadata['name'] as string | undefined) ?? `${String(metadata['generateName'])}${this.#uid}`;
    const key = namespace === undefined ? name : `${namespace}/${name}`;
    if (this.find(resource, key) !== undefined) {
      throw new Refusal(409, 'AlreadyExists', `${resource} "${name}" already exists`);
    }
    const object = structuredClone({
      ...body,
      metadata: {
        uid,
        creationTimestamp: '2026-01-01T00:00:00Z',
        generation: 1,
        ...metadata,
        name,
        ...(namespace === undefined ? {} : { namespace }),
      },
    }) as unknown as StoredObject;
    return this.#write(resource, 'ADDED', object, undefined);
  }

  /** `part` is `status` for the subresource; otherwise status is left alone where the object has one already. */
  replace(resource: string, key: string, body: Json, part: string | undefined): StoredObject {
    const before = this.get(resource, key);
    const asked = ((body['metadata'] ?? {}) as Json)['resourceVersion'];
    if (asked !== undefined && asked !== '' && asked !== before.metadata.resourceVersion) {
      throw new Refusal(
        409,
        'Conflict',
        `Operation cannot be fulfilled on ${resource} "${key}": the object has been modified`,
      );
    }
    const next = structuredClone(
      part === 'status'
        ? { ...before, status: body['status'] }
        : { ...body, ...(hasStatusPart(resource) && 'status' in before ? { status: before['status'] } : {}) },
    ) as unknown as StoredObject;
    const { uid, name, namespace, creationTimestamp, generation } = before.metadata;
    next.apiVersion ??= before.apiVersion;
    next.kind ??= before.kind;
    next.metadata = { ...next.metadata, uid, name, creationTimestamp, generation } as StoredObject['metadata'];
    if (namespace !== undefined) next.metadata.namespace = namespace;
    next.metadata.resourceVersion = before.metadata.resourceVersion;
    if (isDeepStrictEqual(next, before)) return before;
    if (!isDeepStrictEqual(next['spec'], before['spec'])) next.metadata['generation'] = Number(generation ?? 0) + 1;
    return this.#write(resource, 'MODIFIED', next, before);
  }

  remove(resource: string, key: string): StoredObject {
    const before = this.get(resource, key);
    this.#objects.get(resource)?.delete(key);
    return this.#write(resource, 'DELETED', structuredClone(before), before);
  }

  /** RFC 7396. */
  mergePatch(resource: string, key: string, patch: Json, part: string | undefined): StoredObject {
    return this.replace(resource, key, mergePatch(this.get(resource, key), patch) as Json, part);
  }

  /** RFC 6902 without move and copy. */
  jsonPatch(resource: string, key: string, patch: readonly Json[], part: string | undefined): StoredObject {
    const next = structuredClone(this.get(resource, key));
    for (const step of patch) applyStep(next, step);
    return this.replace(resource, key, next, part);
  }

  /**
   * Server-side apply, as far as tests need it: maps are merged, `conditions` by their type, other lists replaced; what
   * the same manager applied before and no longer names is removed. Nobody's field is refused to anybody.
   */
  apply(
    resource: string,
    namespace: string | undefined,
    key: string,
    body: Json,
    manager: string,
    part: string | undefined,
  ): StoredObject {
    const id = `${resource} ${key} ${manager} ${part ?? ''}`;
    const applied = structuredClone(body);
    const found = this.find(resource, key);
    if (found === undefined) {
      if (part !== undefined) throw new Refusal(404, 'NotFound', `${resource} "${key}" not found`);
      this.#applied.set(id, applied);
      return this.create(resource, namespace, body);
    }
    const kept = withoutFields(found, this.#applied.get(id) ?? {}, applied) as Json;
    this.#applied.set(id, applied);
    return this.replace(resource, key, merge(kept, withoutIdentity(applied)) as Json, part);
  }

  #write(resource: string, type: Change['type'], object: StoredObject, before: StoredObject | undefined): StoredObject {
    this.#version += 1;
    object.metadata.resourceVersion = String(this.#version);
    if (type !== 'DELETED') {
      const objects = this.#objects.get(resource) ?? new Map<string, StoredObject>();
      objects.set(keyOf(object), object);
      this.#objects.set(resource, objects);
    }
    const change = { version: this.#version, resource, type, object, before };
    this.#history.push(change);
    this.#onChange(change);
    return object;
  }
}

/** `ns/name` or `name`. */
export function keyOf(object: StoredObject): string {
  const { name, namespace } = object.metadata;
  return namespace === undefined ? name : `${namespace}/${name}`;
}

/** Whether label and field selectors, in the API server's syntax, choose this object. */
export function isSelected(object: StoredObject, labels: string | null, fields: string | null): boolean {
  const has = (object.metadata['labels'] ?? {}) as Record<string, string>;
  const byLabel = (labels ?? '').split(/,(?![^(]*\))/).every((term) => labelTerm(term.trim(), has));
  const byField = (fields ?? '').split(',').every((term) => {
    if (term === '') return true;
    const [, path = '', operator = '', value = ''] = /^([^=!]+)(==?|!=)(.*)$/.exec(term) ?? [];
    const found = path.split('.').reduce<unknown>((at, name) => (at as Json | undefined)?.[name], object) ?? '';
    return (found === value) === (operator !== '!=');
  });
  return byLabel && byField;
}

function labelTerm(term: string, has: Readonly<Record<string, string>>): boolean {
  if (term === '') return true;
  const set = /^(\S+)\s+(in|notin)\s+\(([^)]*)\)$/.exec(term);
  if (set !== null) {
    const [, name = '', operator, values = ''] = set;
    const isIn = values.split(',').some((value) => value.trim() === has[name]);
    return isIn === (operator === 'in');
  }
  const equals = /^([^=!]+?)\s*(==?|!=)\s*(.*)$/.exec(term);
  if (equals !== null) return (has[equals[1] ?? ''] === equals[3]) === (equals[2] !== '!=');
  return term.startsWith('!') ? !(term.slice(1) in has) : term in has;
}

function hasStatusPart(resource: string): boolean {
  return resource === 'v1/pods' || resource.startsWith('lychgate.dev/');
}

function isMap(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isMap(patch)) return patch;
  const next: Json = isMap(target) ? { ...target } : {};
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete next[name];
    else next[name] = mergePatch(next[name], value);
  }
  return next;
}

function applyStep(root: Json, step: Json): void {
  const names = String(step['path'])
    .split('/')
    .slice(1)
    .map((name) => name.replaceAll('~1', '/').replaceAll('~0', '~'));
  const last = names.pop() ?? '';
  const parent = names.reduce<unknown>((at, name) => (at as Json | undefined)?.[name], root) as Json | undefined;
  const invalid = (why: string) => new Refusal(422, 'Invalid', `json patch ${String(step['path'])}: ${why}`);
  if (parent === undefined) throw invalid('the path does not exist');
  const { op, value } = step;
  if (op === 'test' && !isDeepStrictEqual(parent[last], value)) throw invalid('test failed');
  if (op === 'replace' && !(last in parent)) throw invalid('nothing to replace');
  if (op === 'remove' && Array.isArray(parent)) parent.splice(Number(last), 1);
  else if (op === 'remove') delete parent[last];
  else if (op === 'add' && Array.isArray(parent)) parent.splice(last === '-' ? parent.length : Number(last), 0, value);
  else if (op === 'add' || op === 'replace') parent[last] = value;
}

function merge(target: unknown, patch: unknown, name = ''): unknown {
  if (name === 'conditions' && Array.isArray(target) && Array.isArray(patch)) {
    const types = new Set(patch.map((condition: Json) => condition['type']));
    return [...target.filter((condition: Json) => !types.has(condition['type'])), ...(patch as unknown[])];
  }
  if (!isMap(patch) || !isMap(target)) return patch;
  const next: Json = { ...target };
  for (const [field, value] of Object.entries(patch)) next[field] = merge(next[field], value, field);
  return next;
}

/** `object` without what is in `before` and not in `now`. */
function withoutFields(object: unknown, before: unknown, now: unknown): unknown {
  if (!isMap(object) || !isMap(before)) return object;
  const next: Json = { ...object };
  const keeps = isMap(now) ? now : {};
  for (const [name, value] of Object.entries(before)) {
    if (name === 'apiVersion' || name === 'kind') continue;
    if (name in keeps || name === 'metadata') next[name] = withoutFields(next[name], value, keeps[name]);
    else if (name !== 'name' && name !== 'namespace') delete next[name];
  }
  return next;
}

function withoutIdentity(body: Json): Json {
  const metadata = { ...((body['metadata'] ?? {}) as Json) };
  delete metadata['resourceVersion'];
  return { ...body, metadata };
}
