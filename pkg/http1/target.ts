import { isIPv6 } from 'node:net';
import { hostOctet } from './chars.ts';
import { quoted } from './fields.ts';
import { HttpMalformed } from './head.ts';

/** A request target taken apart (RFC 9112 3.2). */
export interface TargetParts {
  readonly path: string;
  readonly query: string | undefined;
  /** Of an absolute form, lower case; undefined in the other forms. */
  readonly authority: string | undefined;
}

/**
 * Takes apart a target of which every octet is already known to be visible ASCII but `#`. Origin form, absolute form
 * with http or https, and `*` for OPTIONS. An absolute form without a path has the path `/`, or `*` for OPTIONS
 * without a query (RFC 9112 3.2.4). @throws HttpMalformed (400).
 */
export function parseTarget(method: string, target: string): TargetParts {
  if (target.charCodeAt(0) === SLASH) return splitQuery(target, undefined);
  if (target === '*') {
    if (method !== 'OPTIONS') throw new HttpMalformed(400, `target "*" with ${method}: only OPTIONS has it`);
    return { path: '*', query: undefined, authority: undefined };
  }
  const scheme = /^https?:\/\//i.exec(target)?.[0];
  if (scheme === undefined) {
    throw new HttpMalformed(400, `target ${quoted(target)}: must begin with "/", http:// or https://`);
  }
  const rest = target.slice(scheme.length);
  const end = rest.search(/[/?]/);
  const authority = parseAuthority(end === -1 ? rest : rest.slice(0, end));
  const tail = end === -1 ? '' : rest.slice(end);
  if (tail === '' && method === 'OPTIONS') return { path: '*', query: undefined, authority };
  return splitQuery(tail.startsWith('/') ? tail : `/${tail}`, authority);
}

/**
 * `host` or `host:port` as Host and the absolute form carry it, to lower case. Narrower than RFC 3986 3.2: a name of
 * letters, digits, `-`, `.`, `_`, or an IPv6 address in brackets; a port of 1 to 65535 without leading zeros; never
 * empty, no userinfo, list, percent-encoding. @throws HttpMalformed (400).
 */
export function parseAuthority(text: string): string {
  // Requests of a connection nearly always repeat it, and comparing costs a tenth of reading.
  if (text === lastText && text !== '') return lastAuthority;
  lastAuthority = readAuthority(text);
  lastText = text;
  return lastAuthority;
}

function readAuthority(text: string): string {
  const length = text.length;
  let at = 0;
  let hasUpper = false;
  if (text.charCodeAt(0) === BRACKET) {
    at = text.indexOf(']') + 1;
    if (at === 0 || text.includes('%') || !isIPv6(text.slice(1, at - 1))) throw badAuthority(text);
    hasUpper = true;
  } else {
    for (; at < length; at++) {
      const c = text.charCodeAt(at);
      if (hostOctet[c] !== 1) break;
      if (c >= UPPER_A && c <= UPPER_Z) hasUpper = true;
    }
    // A name of dots only has no label, yet some resolvers and virtual host tables read it as empty.
    if (at === 0 || text.charCodeAt(0) === DOT) throw badAuthority(text);
  }
  if (at < length && !/^:[1-9][0-9]{0,4}$/.test(text.slice(at))) throw badAuthority(text);
  if (at < length && Number(text.slice(at + 1)) > 65535) throw badAuthority(text);
  return hasUpper ? text.toLowerCase() : text;
}

/** An origin form taken apart; `authority` is what the absolute form said before it. */
export function splitQuery(target: string, authority: string | undefined): TargetParts {
  const mark = target.indexOf('?');
  if (mark === -1) return { path: target, query: undefined, authority };
  return { path: target.substring(0, mark), query: target.substring(mark + 1), authority };
}

function badAuthority(text: string): HttpMalformed {
  return new HttpMalformed(
    400,
    `authority ${quoted(text)}: must be a host name or bracketed IPv6 address, with or without a port`,
  );
}

let lastText = '';
let lastAuthority = '';

const SLASH = 0x2f;
const BRACKET = 0x5b;
const DOT = 0x2e;
const UPPER_A = 0x41;
const UPPER_Z = 0x5a;
