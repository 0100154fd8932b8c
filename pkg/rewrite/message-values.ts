import type { ConnectionFacts, RequestView, ResponseView } from './rewrite.ts';

/** What rules read out of messages. A field that is not there is the empty string. */

/**
 * All fields of that name (compared without case) joined by `, `, as RFC 9110 5.3 joins them; Cookie by `; `. Host is the
 * request's authority, whichever way it was sent.
 */
export function requestHeader(view: RequestView, lowerName: string): string {
  if (lowerName === 'host') return view.authority;
  return joinedField(view.fields, lowerName, lowerName === 'cookie' ? '; ' : ', ');
}

/** All fields of that name joined by `, `. Set-Cookie cannot be told apart again once joined: use headerValueMatcher. */
export function responseHeader(view: ResponseView, lowerName: string): string {
  return joinedField(view.fields, lowerName, ', ');
}

/** The value of the first cookie of exactly that name, its quotes kept. RFC 6265 5.4 sends the most specific first. */
export function cookie(view: RequestView, name: string): string {
  for (const pair of requestHeader(view, 'cookie').split(';')) {
    const equals = pair.indexOf('=');
    if (equals !== -1 && pair.slice(0, equals).trim() === name) return pair.slice(equals + 1).trim();
  }
  return '';
}

/** The authority without its port, in lower case. An IPv6 address keeps its brackets. */
export function hostName(view: RequestView): string {
  return view.authority.replace(/:\d*$/, '').toLowerCase();
}

/** Path and query as sent. */
export function requestUri(view: RequestView): string {
  return view.query === undefined ? view.path : `${view.path}?${view.query}`;
}

/** The user name of Basic credentials, which nobody has verified. RFC 7617 2. */
export function basicUser(view: RequestView): string {
  const credentials = /^basic +([A-Za-z0-9+/]+=*)$/i.exec(requestHeader(view, 'authorization'));
  const decoded = Buffer.from(credentials?.[1] ?? '', 'base64').toString('latin1');
  const colon = decoded.indexOf(':');
  return colon === -1 ? '' : decoded.slice(0, colon);
}

/** X-Forwarded-For as received with the client's address appended, without a port. */
export function appendedForwardedFor(connection: ConnectionFacts, view: RequestView): string {
  const received = requestHeader(view, 'x-forwarded-for');
  return received === '' ? connection.clientIp : `${received}, ${connection.clientIp}`;
}

function joinedField(fields: readonly string[], lowerName: string, separator: string): string {
  let joined: string | undefined;
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i] ?? '';
    if (name.length !== lowerName.length || name.toLowerCase() !== lowerName) continue;
    joined = joined === undefined ? (fields[i + 1] ?? '') : `${joined}${separator}${fields[i + 1] ?? ''}`;
  }
  return joined ?? '';
}
