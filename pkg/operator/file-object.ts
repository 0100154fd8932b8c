import { FileObject, versionOf } from '../translate/world.ts';

/** A Secret or ConfigMap as the API server has it. The API server has read it already, so that nothing can be wrong in it. */
export function fileObjectOf(kind: 'ConfigMap' | 'Secret', raw: ApiFileObject): FileObject {
  const { name, namespace = 'default' } = raw.metadata;
  const version = versionOf(raw.metadata);
  const files = new Map<string, string>();
  const plain = kind === 'ConfigMap' ? raw['data'] : undefined;
  const encoded = kind === 'ConfigMap' ? raw['binaryData'] : raw['data'];
  for (const [key, text] of textEntries(plain)) files.set(key, text);
  // As in a folder of manifests: every file that is of use here is text.
  for (const [key, text] of textEntries(encoded)) files.set(key, Buffer.from(text, 'base64').toString('utf8'));
  const type = raw['type'];
  return new FileObject(
    kind,
    { namespace, name, ...(version === undefined ? {} : { version }) },
    files,
    typeof type === 'string' ? type : '',
  );
}

/** What is used of the object. */
export interface ApiFileObject {
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string | undefined;
    readonly uid?: unknown;
    readonly resourceVersion?: unknown;
  };
  readonly [field: string]: unknown;
}

function textEntries(value: unknown): readonly (readonly [string, string])[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === 'string');
}
