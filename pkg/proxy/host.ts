/** The host of an authority, folded as names are compared: lower case, no port, no trailing dot. Empty for none. */
export function hostOf(authority: string): string {
  let host = authority;
  if (host.startsWith('[')) {
    const end = host.indexOf(']');
    host = end < 0 ? host : host.slice(0, end + 1);
  } else {
    const colon = host.indexOf(':');
    if (colon >= 0) host = host.slice(0, colon);
  }
  return foldHost(host);
}

/** Lower case and without one trailing dot (RFC 4343, RFC 6066 3). */
export function foldHost(host: string): string {
  const lower = host.toLowerCase();
  return lower.endsWith('.') ? lower.slice(0, -1) : lower;
}
