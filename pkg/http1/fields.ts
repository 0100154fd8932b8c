import { isAllOf, tokenOctet } from './chars.ts';
import { HttpMalformed } from './head.ts';
import { fieldMarkCount, fieldMarks } from './scan.ts';

/** What a field section says that the codec itself must act upon; everything else is only text to it. */
export interface FieldFacts {
  /** Flat: name, value. */
  readonly fields: readonly string[];
  readonly host: string | undefined;
  readonly contentLength: string | undefined;
  readonly transferEncoding: string | undefined;
  /** Every Connection line joined by a comma. */
  readonly connection: string | undefined;
  readonly upgrade: string | undefined;
  readonly expect: string | undefined;
}

/**
 * Reads the fields that scanFields has just marked. `text` is the Latin-1 text of the buffer from position `base` on.
 * @throws HttpMalformed with `status` where a field that decides framing or routing stands twice (RFC 9112 3.2, 6.3), or
 * framing has a tab around it.
 */
export function readFields(text: string, base: number, status: number): FieldFacts {
  const fields: string[] = [];
  let host: string | undefined;
  let contentLength: string | undefined;
  let transferEncoding: string | undefined;
  let connection: string | undefined;
  let upgrade: string | undefined;
  let expect: string | undefined;
  const end = 4 * fieldMarkCount();
  for (let mark = 0; mark < end; mark += 4) {
    const name = text.substring((fieldMarks[mark] ?? 0) - base, (fieldMarks[mark + 1] ?? 0) - base);
    const value = text.substring((fieldMarks[mark + 2] ?? 0) - base, (fieldMarks[mark + 3] ?? 0) - base);
    fields.push(name, value);
    // The length alone rules out nearly every other name.
    switch (name.length) {
      case 4:
        if (isNamed(name, 'Host', 'host')) host = once('Host', host, value, status);
        break;
      case 6:
        if (isNamed(name, 'Expect', 'expect')) expect = expect === undefined ? value : `${expect},${value}`;
        break;
      case 7:
        if (isNamed(name, 'Upgrade', 'upgrade')) upgrade = upgrade === undefined ? value : `${upgrade},${value}`;
        break;
      case 10:
        if (isNamed(name, 'Connection', 'connection'))
          connection = connection === undefined ? value : `${connection},${value}`;
        break;
      case 14:
        if (isNamed(name, 'Content-Length', 'content-length')) {
          refuseTabs(name, text, (fieldMarks[mark + 1] ?? 0) - base, status);
          contentLength = once('Content-Length', contentLength, value, status);
        }
        break;
      case 17:
        if (isNamed(name, 'Transfer-Encoding', 'transfer-encoding')) {
          refuseTabs(name, text, (fieldMarks[mark + 1] ?? 0) - base, status);
          transferEncoding = once('Transfer-Encoding', transferEncoding, value, status);
        }
        break;
      default:
    }
  }
  return { fields, host, contentLength, transferEncoding, connection, upgrade, expect };
}

/**
 * Content-Length (RFC 9110 8.6): digits only, at most 2^53-1. Lists are refused even where their members agree.
 * @returns octets. @throws HttpMalformed with `status`.
 */
export function parseContentLength(value: string, status: number): number {
  let length = 0;
  for (let i = 0; i < value.length; i++) {
    const digit = value.charCodeAt(i) - 0x30;
    if (digit < 0 || digit > 9 || i > 15) length = Number.NaN;
    else length = length * 10 + digit;
  }
  if (value === '' || !Number.isSafeInteger(length)) {
    throw new HttpMalformed(status, `Content-Length ${quoted(value)}: must be digits only, at most 2^53-1, once`);
  }
  return length;
}

/** What the Connection fields of a message say (RFC 9110 7.6.1). */
export interface ConnectionOptions {
  readonly close: boolean;
  readonly keepAlive: boolean;
  readonly upgrade: boolean;
  /** The other options, lower case, each once. */
  readonly tokens: readonly string[];
}

/**
 * Reads Connection. Options that name a field on which framing or routing rests (Host, Content-Length,
 * Transfer-Encoding) are no tokens: nobody may have those removed (RFC 9110 7.6.1).
 * At most 32 options. @throws HttpMalformed with `status`.
 */
export function parseConnection(value: string | undefined, status: number): ConnectionOptions {
  if (value === undefined) return noOptions;
  // What nearly every message says; comparing beats both splitting and hashing.
  if (value === 'keep-alive' || value === 'Keep-Alive') return keepAliveOnly;
  if (value === 'close') return closeOnly;
  let close = false;
  let keepAlive = false;
  let upgrade = false;
  const tokens = new Set<string>();
  const members = value.split(',', maxConnectionOptions + 1);
  if (members.length > maxConnectionOptions) {
    throw new HttpMalformed(status, `more than ${maxConnectionOptions} Connection options`);
  }
  for (const member of members) {
    const token = trimmed(member).toLowerCase();
    if (token === '') continue;
    if (!isAllOf(tokenOctet, token)) throw new HttpMalformed(status, `Connection option ${quoted(token)}: not a token`);
    if (token === 'close') close = true;
    else if (token === 'keep-alive') keepAlive = true;
    else if (token === 'upgrade') upgrade = true;
    else if (!endToEnd.has(token)) tokens.add(token);
  }
  return { close, keepAlive, upgrade, tokens: tokens.size === 0 ? noTokens : [...tokens] };
}

/** Whether the connection stays usable by what the message says (RFC 9112 9.3); close wins over keep-alive. */
export function isPersistent(minorVersion: 0 | 1, options: ConnectionOptions): boolean {
  return !options.close && (minorVersion === 1 || options.keepAlive);
}

/** The start of a value in quotes, printable ASCII, for an error's text. */
export function quoted(value: string): string {
  const text = JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}...` : value);
  return text.replace(/[^ -~]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** Without SP and HTAB around it: OWS, and nothing else that JavaScript calls white space. */
export function trimmed(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && isBlank(text.charCodeAt(start))) start++;
  while (end > start && isBlank(text.charCodeAt(end - 1))) end--;
  return text.slice(start, end);
}

function isBlank(c: number): boolean {
  return c === 0x20 || c === 0x09;
}

function once(name: string, before: string | undefined, value: string, status: number): string {
  if (before !== undefined) throw new HttpMalformed(status, `more than one ${name} field`);
  return value;
}

/**
 * HTAB around a value is white space as SP is (RFC 9110 5.6.3), but parsers in wide use keep one at the end and then
 * find another coding than chunked. Where a body ends must not hang on that.
 */
function refuseTabs(name: string, text: string, nameEnd: number, status: number): void {
  const tab = text.indexOf('\t', nameEnd);
  if (tab !== -1 && tab < text.indexOf('\r', nameEnd))
    throw new HttpMalformed(status, `${name} with a tab in its line`);
}

function isNamed(name: string, usual: string, lower: string): boolean {
  // Comparing costs nothing beside lowering, and the first letter rules out most other names of this length.
  return name === usual || ((name.charCodeAt(0) | 0x20) === lower.charCodeAt(0) && name.toLowerCase() === lower);
}

const maxConnectionOptions = 32;
const noTokens: readonly string[] = Object.freeze([]);
const noOptions: ConnectionOptions = { close: false, keepAlive: false, upgrade: false, tokens: noTokens };
const endToEnd: ReadonlySet<string> = new Set(['content-length', 'host', 'transfer-encoding']);

const keepAliveOnly: ConnectionOptions = { close: false, keepAlive: true, upgrade: false, tokens: noTokens };
const closeOnly: ConnectionOptions = { close: true, keepAlive: false, upgrade: false, tokens: noTokens };
