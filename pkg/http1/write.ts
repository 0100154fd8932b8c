import { isAllOf, targetOctet, tokenOctet, valueOctet } from './chars.ts';
import { quoted } from './fields.ts';

/** A value that must not be written as part of a head: a mistake in this program or in a rewrite rule, never sent. */
export class HttpUnwritable extends Error {
  readonly code = 'HTTP_UNWRITABLE';
}

declare const fieldLinesMark: unique symbol;
/** Whole header lines, each with its CRLF, made of checked characters only; Latin-1 text. `''` is made by fieldLines(). */
export type FieldLines = string & { readonly [fieldLinesMark]: true };

/** @throws HttpUnwritable unless `name` is a token (RFC 9110 5.1). */
export function assertFieldName(name: string): void {
  if (!isAllOf(tokenOctet, name)) throw new HttpUnwritable(`header name ${quoted(name)}: must be a token`);
}

/** @throws HttpUnwritable unless `value` is a field value (RFC 9110 5.5): no controls but HTAB, no character above 255. */
export function assertFieldValue(name: string, value: string): void {
  if (value !== '' && !isAllOf(valueOctet, value)) {
    throw new HttpUnwritable(`value ${quoted(value)} of header ${name}: has a control character or one above 0xff`);
  }
}

/** @throws HttpUnwritable unless `target` is visible ASCII without `#`, in origin form or `*`. */
export function assertTarget(target: string): void {
  if (!isAllOf(targetOctet, target) || (target.charCodeAt(0) !== SLASH && target !== '*')) {
    throw new HttpUnwritable(`target ${quoted(target)}: must be "*", or "/" and visible ASCII without "#"`);
  }
}

/** The lines of a flat name, value list. @throws HttpUnwritable. */
export function fieldLines(fields: readonly string[] = []): FieldLines {
  let lines = '';
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i] ?? '';
    const value = fields[i + 1] ?? '';
    assertFieldName(name);
    assertFieldValue(name, value);
    lines += `${name}: ${value}\r\n`;
  }
  return lines as FieldLines;
}

/**
 * One line, unchecked: only for a name and value out of a parsed head of this package, which have been checked octet
 * by octet already.
 */
export function receivedFieldLine(name: string, value: string): FieldLines {
  return `${name}: ${value}\r\n` as FieldLines;
}

/** `before`, then `after`. */
export function joinLines(before: FieldLines, after: FieldLines): FieldLines {
  return (before + after) as FieldLines;
}

/** An HTTP/1.1 request head, to be written as Latin-1. @throws HttpUnwritable for the method or the target. */
export function requestHead(method: string, target: string, lines: FieldLines): string {
  return `${requestLine(method, target)}${lines}\r\n`;
}

/** Its first line. @throws HttpUnwritable for the method or the target. */
export function requestLine(method: string, target: string): string {
  if (!isAllOf(tokenOctet, method)) throw new HttpUnwritable(`method ${quoted(method)}: must be a token`);
  assertTarget(target);
  return `${method} ${target} HTTP/1.1\r\n`;
}

/** Lines that end a head, with its empty line, as octets: for what many heads have in common. */
export function restOfHead(lines: FieldLines): Buffer {
  return Buffer.from(`${lines}\r\n`, 'latin1');
}

/** An HTTP/1.1 response head, to be written as Latin-1. @throws HttpUnwritable for the status or the reason. */
export function responseHead(status: number, reason: string, lines: FieldLines): string {
  if (!Number.isInteger(status) || status < 100 || status > 599) {
    throw new HttpUnwritable(`status ${status}: must be 100 to 599`);
  }
  if (reason !== '' && !isAllOf(valueOctet, reason)) {
    throw new HttpUnwritable(`reason ${quoted(reason)}: has a control character or one above 0xff`);
  }
  return `HTTP/1.1 ${status} ${reason}\r\n${lines}\r\n`;
}

/**
 * A whole response with a body of text (UTF-8, text/plain unless `fields` has a Content-Type) and its Content-Length.
 * `fields` is flat: name, value. To a HEAD request give `withBody` false. @throws HttpUnwritable.
 */
export function plainResponse(status: number, fields: readonly string[], body: string, withBody = true): Buffer {
  const content = Buffer.from(body, 'utf8');
  const hasType = fields.some((name, i) => i % 2 === 0 && name.toLowerCase() === 'content-type');
  const lines = fieldLines([
    ...fields,
    ...(hasType ? [] : ['Content-Type', 'text/plain; charset=utf-8']),
    'Content-Length',
    String(content.length),
  ]);
  const head = Buffer.from(responseHead(status, reasonPhrase(status), lines), 'latin1');
  return withBody ? Buffer.concat([head, content]) : head;
}

/** The reason phrase of a status that the gate itself answers with; empty for others (RFC 9112 4 allows that). */
export function reasonPhrase(status: number): string {
  return reasonPhrases.get(status) ?? '';
}

/** The line in front of a chunk of `size` octets, at least 1; `chunkEnd` follows the data. @throws HttpUnwritable. */
export function chunkHeader(size: number): string {
  // A size of 0 would end the body.
  if (!Number.isSafeInteger(size) || size < 1) throw new HttpUnwritable(`chunk size ${size}: must be 1 to 2^53-1`);
  return `${size.toString(16)}\r\n`;
}

/** What follows the data of a chunk. */
export const chunkEnd = '\r\n';

/** The last chunk and an empty trailer section. */
export const lastChunk = '0\r\n\r\n';

const SLASH = 0x2f;

const reasonPhrases: ReadonlyMap<number, string> = new Map([
  [100, 'Continue'],
  [101, 'Switching Protocols'],
  [103, 'Early Hints'],
  [200, 'OK'],
  [204, 'No Content'],
  [304, 'Not Modified'],
  [400, 'Bad Request'],
  [401, 'Unauthorized'],
  [403, 'Forbidden'],
  [404, 'Not Found'],
  [405, 'Method Not Allowed'],
  [408, 'Request Timeout'],
  [413, 'Content Too Large'],
  [414, 'URI Too Long'],
  [417, 'Expectation Failed'],
  [421, 'Misdirected Request'],
  [429, 'Too Many Requests'],
  [431, 'Request Header Fields Too Large'],
  [500, 'Internal Server Error'],
  [501, 'Not Implemented'],
  [502, 'Bad Gateway'],
  [503, 'Service Unavailable'],
  [504, 'Gateway Timeout'],
  [505, 'HTTP Version Not Supported'],
]);
