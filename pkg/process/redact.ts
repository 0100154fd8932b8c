import { KeyObject } from 'node:crypto';
import type { LogFields } from './log-fields.ts';

/**
 * A copy of log fields in which nothing secret is left: fields named like a credential, private keys in PEM, key
 * objects. Bytes become their length, errors their name, message, code and causes. At most eight levels deep and
 * 100 entries a level; longer strings are cut at 8192 characters, visibly. Never throws on cycles.
 */
export function redact(fields: LogFields): Record<string, unknown> {
  return redactEntries(fields, 0);
}

function redactEntries(value: object, depth: number): Record<string, unknown> {
  const safe: Record<string, unknown> = {};
  for (const [name, entry] of Object.entries(value).slice(0, maxEntries)) {
    // A client-chosen name must never reach the prototype.
    if (name === '__proto__') continue;
    safe[name] = secretName.test(name) && isContent(entry) ? redacted : redactValue(entry, depth + 1);
  }
  return safe;
}

function redactValue(value: unknown, depth: number): unknown {
  if (typeof value === 'string') return redactText(value);
  if (typeof value === 'bigint') return value.toString();
  if (typeof value === 'function' || typeof value === 'symbol') return undefined;
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof KeyObject) return redacted;
  if (value instanceof Uint8Array) return `[${value.byteLength} bytes]`;
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'invalid date' : value.toISOString();
  if (depth >= maxDepth) return '[too deep]';
  if (value instanceof Error) return redactError(value, depth);
  if (Array.isArray(value)) return value.slice(0, maxEntries).map((entry) => redactValue(entry, depth + 1));
  return redactEntries(value, depth);
}

function redactError(error: Error, depth: number): Record<string, unknown> {
  const code: unknown = 'code' in error ? error.code : undefined;
  return {
    type: error.name,
    message: redactText(error.message),
    ...(typeof code === 'string' ? { code } : {}),
    ...(error.stack === undefined ? {} : { stack: redactText(error.stack) }),
    ...(error.cause === undefined ? {} : { cause: redactValue(error.cause, depth + 1) }),
    ...(error instanceof AggregateError ? { errors: redactValue(error.errors, depth + 1) } : {}),
  };
}

function redactText(text: string): string {
  // Also half a key, and a percent-encoded one: the word in the label is enough.
  const safe = privateKeyLabel.test(text) ? redacted : text;
  return safe.length > maxTextLength ? `${safe.slice(0, maxTextLength)}… (${safe.length} characters)` : safe;
}

/** Numbers and flags under a secret's name (`keyBits`, `tokenExpired`) are not the secret. */
function isContent(value: unknown): boolean {
  return value !== null && value !== undefined && typeof value !== 'number' && typeof value !== 'boolean';
}

const redacted = '[redacted]';
/** Labels are written in capitals (RFC 7468 3); a message about a private key must stay readable. */
const privateKeyLabel = /PRIVATE(?: |%20|\+|\\u0020)?KEY/;
const secretName =
  /^(?:authorization|cookie|key|keyPem|passphrase|passwd|password|privateKey|proxy-authorization|secret|set-cookie|tls\.key|token)$/i;
const maxDepth = 8;
const maxEntries = 100;
const maxTextLength = 8192;
