import { staticCount, staticFields } from './static-table.ts';

/**
 * How the encoder writes a field that no table holds (RFC 7541 6.2): `table` puts it into the table, `plain` does not,
 * `never` forbids that to every further hop.
 */
export type Indexing = 'never' | 'plain' | 'table';

/** What is known of a name beforehand. */
export interface KnownName {
  readonly name: string;
  readonly indexing: Indexing;
  /** Its lowest index in the static table, or 0. */
  readonly index: number;
  /** Index by value, where the static table has values. */
  readonly values: ReadonlyMap<string, number> | undefined;
}

/** What is known of a name; undefined for a name that nothing is known of, which is written `plain`. */
export function knownName(name: string): KnownName | undefined {
  return known.get(name);
}

/*
 * Into the table goes what is the same in most messages of a connection and is no secret: whoever may choose fields of
 * messages on the same connection learns by their length whether a guess of a whole value was right (RFC 7541 7.1), and
 * every change costs a place. So the list names what is put there, and a name that is not known is not.
 */
const stable: readonly string[] = [
  ...[':authority', ':method', ':scheme', ':status'],
  ...['accept', 'accept-encoding', 'accept-language', 'user-agent', 'te'],
  ...['accept-ranges', 'allow', 'cache-control', 'content-encoding', 'content-language', 'content-type'],
  // Changes once a second only.
  'date',
  ...['pragma', 'server', 'vary', 'via', 'x-powered-by', 'alt-svc', 'expect-ct', 'origin-agent-cluster'],
  ...['access-control-allow-credentials', 'access-control-allow-headers', 'access-control-allow-methods'],
  ...['access-control-allow-origin', 'access-control-expose-headers', 'access-control-max-age', 'timing-allow-origin'],
  ...['strict-transport-security', 'referrer-policy', 'permissions-policy', 'x-content-type-options'],
  ...['cross-origin-embedder-policy', 'cross-origin-opener-policy', 'cross-origin-resource-policy'],
  ...['x-frame-options', 'x-xss-protection', 'x-dns-prefetch-control', 'x-download-options'],
  ...['x-permitted-cross-domain-policies', 'x-robots-tag', 'x-ua-compatible', 'x-accel-buffering'],
  ...['grpc-accept-encoding', 'grpc-encoding', 'grpc-status'],
];

const secret: readonly string[] = [
  ...['authorization', 'proxy-authorization', 'cookie', 'set-cookie', 'authentication-info'],
  ...['proxy-authentication-info', 'x-api-key', 'x-auth-token', 'x-csrf-token', 'x-xsrf-token'],
];

const known: ReadonlyMap<string, KnownName> = knownNames();

function knownNames(): Map<string, KnownName> {
  const names = new Map<string, KnownName>();
  const add = (name: string, indexing: Indexing): void => {
    const indexes = staticFields.flatMap((field, index) => (index > 0 && field.name === name ? [index] : []));
    const values = new Map(indexes.map((index) => [staticFields[index]?.value ?? '', index] as const));
    // A static field without a value is there for its name: an empty value is as good as any other.
    values.delete('');
    names.set(name, { name, indexing, index: indexes[0] ?? 0, values: values.size === 0 ? undefined : values });
  };
  for (let index = 1; index <= staticCount; index++) add(staticFields[index]?.name ?? '', 'plain');
  for (const name of stable) add(name, 'table');
  for (const name of secret) add(name, 'never');
  return names;
}
