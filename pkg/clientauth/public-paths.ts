import type { PublicPath } from '../policy/policy.ts';

/**
 * Whether a path (no query) needs no certificate: Exact is the same text, Prefix the same whole segments from the
 * first on (`/a` covers `/a` and `/a/b`, not `/ab`; a slash at its end says nothing). Case counts. An ambiguous path
 * never is public.
 */
export function isPublic(path: string, publicPaths: readonly PublicPath[]): boolean {
  if (publicPaths.length === 0 || isAmbiguousPath(path)) return false;
  return publicPaths.some(({ type, value }) => {
    if (type === 'Exact') return path === value;
    const prefix = value.endsWith('/') ? value.slice(0, -1) : value;
    return path === prefix || path.startsWith(`${prefix}/`);
  });
}

/**
 * Whether an application could read another path than the gate: an encoded unreserved character (RFC 3986 2.3), `%2f`,
 * `%5c`, `%00`, a percent sign without two digits, `\`, `//`, `;`, a dot segment, a character outside printable ASCII,
 * `?` or `#`, or no slash at its begin.
 */
export function isAmbiguousPath(path: string): boolean {
  return !path.startsWith('/') || ambiguous.test(path);
}

const ambiguous =
  /[^\x21-\x7e]|[\\;?#]|\/\/|\/\.{1,2}(?:\/|$)|%(?![0-9A-Fa-f]{2})|%(?:2[dDeEfF]|3[0-9]|4[1-9a-fA-F]|5[0-9aAcCfF]|6[1-9a-fA-F]|7[0-9aAeE]|00)/;
