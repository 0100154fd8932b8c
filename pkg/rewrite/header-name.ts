import { maxHeaderNameLength } from './limits.ts';

/** Which headers rules may write: what frames a message or belongs to one connection is not theirs. */

/**
 * Why a rule may not set or delete this header, as the end of a sentence that begins with its name; undefined where it
 * may.
 */
export function headerNameFault(name: string, phase: 'request' | 'response', deletes: boolean): string | undefined {
  const lower = name.toLowerCase();
  if (name === '') return 'is empty: name a header';
  if (name.startsWith(':')) return 'is a pseudo header: rewrite the URL instead';
  if (name.length > maxHeaderNameLength) return `has ${name.length} characters, limit ${maxHeaderNameLength}`;
  if (phase === 'request' && !/^[A-Za-z0-9-]+$/.test(name)) {
    return 'may have letters, digits and hyphens only: others are dropped from every request';
  }
  if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name)) return 'is not a header name (RFC 9110 5.1)';
  if (refused.has(lower) || lower.startsWith('proxy-')) {
    return 'belongs to one connection or frames the message: rules cannot change it';
  }
  if (phase === 'request' && lower === 'x-original-host') return 'is set by the sidecar alone';
  if (phase === 'request' && lower === 'host' && deletes) return 'cannot be deleted: every request has a host';
  return undefined;
}

const refused: ReadonlySet<string> = new Set([
  'connection',
  'content-length',
  'expect',
  'http2-settings',
  'keep-alive',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);
