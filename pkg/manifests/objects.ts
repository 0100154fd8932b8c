import { nearest } from '../api/distance.ts';
import { apiVersion } from '../api/metadata.ts';
import { isRecord } from '../api/raw.ts';
import type { RewriteSet } from '../api/rewrite-set.ts';
import type { SslProfile } from '../api/ssl-profile.ts';
import {
  FileObject,
  type ObjectLike,
  type ObjectVersion,
  type Resource,
  rewriteSetResource,
  sslProfileResource,
  versionOf,
} from '../translate/world.ts';

/** An object of the world, or why it is none. */
export type ReadObject =
  | { readonly kind: 'files'; readonly object: FileObject; readonly faults: readonly ObjectFault[] }
  | { readonly kind: 'rewriteSet'; readonly object: Resource<RewriteSet>; readonly faults: readonly ObjectFault[] }
  | { readonly kind: 'sslProfile'; readonly object: Resource<SslProfile>; readonly faults: readonly ObjectFault[] }
  | { readonly kind: 'none'; readonly faults: readonly ObjectFault[] };

export interface ObjectFault {
  readonly field: string;
  readonly message: string;
  readonly severity: 'error' | 'warning';
}

/** Reads one object as a manifest has it; what SslProfile and RewriteSet say inside is read by the translation. Never throws. */
export function readObject(raw: unknown): ReadObject {
  if (!isRecord(raw)) return none('no Kubernetes object', 'expected a mapping with apiVersion, kind and metadata');
  const { kind, apiVersion: version } = raw;
  if (typeof kind !== 'string' || kind === '') return none('no Kubernetes object', 'kind is missing', 'kind');
  if (typeof version !== 'string' || version === '') return none(kind, 'apiVersion is missing', 'apiVersion');
  const group = version.split('/')[0];
  const want = versions.get(kind);
  if (want === undefined) {
    if (group !== apiVersion.split('/')[0])
      return {
        kind: 'none',
        faults: [
          {
            field: 'kind',
            message: `${version} ${kind} is none of ${[...versions.keys()].join(', ')}; skipped`,
            severity: 'warning',
          },
        ],
      };
    const near = nearest(kind, ['RewriteSet', 'SslProfile']);
    return none(kind, `not known in ${group}${near === undefined ? '' : `; did you mean ${near}?`}`, 'kind');
  }
  if (version !== want) return none(kind, `${version} is not served; write ${want}`, 'apiVersion');
  const metadata = raw['metadata'];
  if (!isRecord(metadata)) return none(kind, 'metadata is missing', 'metadata');
  const { name, namespace, creationTimestamp } = metadata;
  if (typeof name !== 'string' || !objectName.test(name) || name.length > 253) {
    return none(kind, 'a name is required: lower-case letters, digits, hyphens and dots', 'metadata.name');
  }
  if (namespace !== undefined && (typeof namespace !== 'string' || !namespaceName.test(namespace))) {
    return none(`${kind} ${name}`, 'lower-case letters, digits and hyphens are legal', 'metadata.namespace');
  }
  const identity: ObjectLike & Record<string, unknown> = {
    ...raw,
    metadata: { ...metadata, name, namespace, creationTimestamp },
  };
  switch (kind) {
    case 'SslProfile':
      return { kind: 'sslProfile', object: sslProfileResource(identity), faults: [] };
    case 'RewriteSet':
      return { kind: 'rewriteSet', object: rewriteSetResource(identity), faults: [] };
    default:
      return fileObject(
        kind === 'Secret' ? 'Secret' : 'ConfigMap',
        { name, namespace: namespace ?? 'default', version: versionOf(identity.metadata) },
        raw,
      );
  }
}

function fileObject(
  kind: 'ConfigMap' | 'Secret',
  metadata: { readonly name: string; readonly namespace: string; readonly version: ObjectVersion | undefined },
  raw: Readonly<Record<string, unknown>>,
): ReadObject {
  const faults: ObjectFault[] = [];
  const error = (field: string, message: string) => faults.push({ field, message, severity: 'error' });
  const known = kind === 'Secret' ? secretFields : configMapFields;
  for (const field of Object.keys(raw)) {
    if (known.includes(field)) continue;
    const near = nearest(field, known);
    error(field, `unknown field${near === undefined ? '' : `; did you mean ${near}?`}`);
  }
  const files = new Map<string, string>();
  const take = (field: string, decode: (text: string) => string | undefined) => {
    const values = raw[field] ?? {};
    if (!isRecord(values)) {
      error(field, 'expected a mapping of names to text');
      return;
    }
    for (const [key, value] of Object.entries(values)) {
      // The value is never in the message: it may be a private key.
      const text = typeof value === 'string' ? decode(value) : undefined;
      if (typeof value !== 'string') error(`${field}.${key}`, 'is not text; quote it');
      else if (text === undefined) error(`${field}.${key}`, 'is not base64; encode it, or write it under stringData');
      else files.set(key, text);
    }
  };
  if (kind === 'Secret') {
    take('data', fromBase64);
    // As the API server: stringData is written over data.
    take('stringData', (text) => text);
  } else {
    take('data', (text) => text);
    take('binaryData', fromBase64);
  }
  const type = raw['type'];
  if (kind === 'Secret' && type !== undefined && typeof type !== 'string') error('type', 'is not text');
  return {
    kind: 'files',
    object: new FileObject(kind, metadata, files, typeof type === 'string' ? type : kind === 'Secret' ? 'Opaque' : ''),
    faults,
  };
}

/** Standard base64 with padding; line breaks are passed over, as Go does. */
function fromBase64(text: string): string | undefined {
  const joined = text.replace(/[\r\n]/g, '');
  const bytes = Buffer.from(joined, 'base64');
  return bytes.toString('base64') === joined ? bytes.toString('utf8') : undefined;
}

/** `name` is what can be said of the object: it has no name of its own. */
function none(name: string, message: string, field = ''): ReadObject {
  return { kind: 'none', faults: [{ field, message: `${name}: ${message}`, severity: 'error' }] };
}

const versions: ReadonlyMap<string, string> = new Map([
  ['SslProfile', apiVersion],
  ['RewriteSet', apiVersion],
  ['Secret', 'v1'],
  ['ConfigMap', 'v1'],
]);
const secretFields = ['apiVersion', 'data', 'immutable', 'kind', 'metadata', 'stringData', 'type'];
const configMapFields = ['apiVersion', 'binaryData', 'data', 'immutable', 'kind', 'metadata'];
const objectName = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const namespaceName = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;
