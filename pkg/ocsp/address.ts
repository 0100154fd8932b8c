import type { OcspSettings } from '../policy/policy.ts';
import { type Cidr, inCidr, ipBytes, parseCidr, specialKind } from './ip.ts';

/** Who is at a URL, for messages. */
export type Role = 'CRL' | 'proxy' | 'responder';

/** A URL of a responder, a CRL or a proxy that may be resolved. Its addresses are not judged yet. */
export interface ResponderUrl {
  readonly role: Role;
  readonly scheme: 'http' | 'https';
  readonly text: string;
  /** Host name or address literal without brackets, lower case, as connections and look-ups take it. */
  readonly host: string;
  readonly port: number;
  /** For the Host field: the port only where it is not that of the scheme. */
  readonly authority: string;
  /** Path and query as they go on the request line. */
  readonly path: string;
}

/** A URL or an address that the policy refuses. `message` names the value, the rule and the setting that would permit it. */
export class AddressRefused extends Error {
  readonly code = 'OCSP_ADDRESS_REFUSED';
}

/** Where responders may be (server-side request forgery: the URL comes out of somebody's certificate). */
export interface AddressPolicy {
  /** Reads a URL and judges what can be judged without resolving it; a responder's unless said otherwise. @throws AddressRefused. */
  url(text: string, role?: 'CRL' | 'responder'): ResponderUrl;
  /** Where every request goes first, undefined for nowhere. Its addresses are judged as those of responders. */
  readonly proxy: ResponderUrl | undefined;
  /** PEM of the CAs of https responders. */
  readonly cas: readonly string[];
  /** Judges every address of the host; one that is not permitted refuses them all. @throws AddressRefused. */
  addresses(url: ResponderUrl, addresses: readonly string[]): void;
}

/**
 * Compiles the lists of the settings. A host name in `responderAllowList` never permits a special address: only
 * `allowInternalAddresses` does, and then on any port. Behind a proxy nobody can look at the addresses of responders, so
 * that they must be listed by name and port. @throws AddressRefused where an entry cannot be read.
 */
export function addressPolicy(
  settings: Pick<OcspSettings, 'allowInternalAddresses' | 'responderAllowList'> &
    Partial<Pick<OcspSettings, 'proxy' | 'responderCas'>>,
): AddressPolicy {
  const internal = settings.allowInternalAddresses.map(readCidr);
  const listed = settings.responderAllowList.map(readHost);
  const cas = settings.responderCas ?? [];
  const proxy = settings.proxy === undefined ? undefined : readProxy(settings.proxy.url);
  if (proxy !== undefined && listed.length === 0) {
    throw new AddressRefused(
      `proxy '${proxy.authority}' needs a responderAllowList: addresses behind it cannot be looked at`,
    );
  }
  return {
    proxy,
    cas,
    url: (text, role = 'responder') => {
      const url = readUrl(text, role);
      if (url.scheme === 'https' && (role !== 'responder' || cas.length === 0)) {
        const fix = role === 'responder' ? '; name the CAs of https responders in caRefs to permit it' : '';
        throw new AddressRefused(`${role} URL '${text}' is not http: other schemes are not asked${fix}`);
      }
      if (listed.length > 0 && !listed.some((entry) => entry.host === url.host && portFits(entry, url))) {
        // A listed name on another port may still be permitted by its address.
        const named = listed.some((entry) => entry.host === url.host && entry.port === undefined);
        if (!named || internal.length === 0 || proxy !== undefined) {
          throw new AddressRefused(
            `${role} '${url.authority}' is not in responderAllowList: add '${url.host}:${url.port}' to it to permit this ${role}`,
          );
        }
      }
      return url;
    },
    addresses: (url, addresses) => {
      if (addresses.length === 0) throw new AddressRefused(`${url.role} host '${url.host}' has no address`);
      for (const address of addresses) judge(url, address, internal, listed);
    },
  };
}

function judge(url: ResponderUrl, address: string, internal: readonly Cidr[], listed: readonly ListedHost[]): void {
  const bytes = ipBytes(address);
  if (bytes === undefined) throw new AddressRefused(`'${address}' of ${url.role} host '${url.host}' is not an address`);
  if (internal.some((cidr) => inCidr(bytes, cidr))) return;
  const kind = specialKind(bytes);
  if (kind !== undefined) {
    const mask = bytes.length === 4 ? 32 : 128;
    throw new AddressRefused(
      `${url.role} '${url.authority}' has the address ${address}, which is ${kind}: add '${address}/${mask}' to allowInternalAddresses to permit it`,
    );
  }
  if (url.port === 80 || url.port === 443) return;
  if (listed.some((entry) => entry.host === url.host && entry.port === url.port)) return;
  throw new AddressRefused(
    `${url.role} '${url.authority}' is on port ${url.port}; only 80 and 443 are permitted: add '${url.host}:${url.port}' to responderAllowList to permit it`,
  );
}

/** A proxy is an origin: no path, in clear. @throws AddressRefused. */
function readProxy(text: string): ResponderUrl {
  const url = readUrl(text, 'proxy');
  if (url.scheme !== 'http' || url.path !== '/') {
    throw new AddressRefused(`proxy URL '${text}' is not of the form http://host:port`);
  }
  return url;
}

function readUrl(text: string, role: Role): ResponderUrl {
  if (text.length > maxUrlLength) {
    throw new AddressRefused(`${role} URL is too long: ${text.length} characters, limit ${maxUrlLength}`);
  }
  // The URL parser drops tabs and newlines and turns `\` into `/`: what is checked must be what was written.
  if (!/^[\x21-\x5b\x5d-\x7e]+$/.test(text)) {
    throw new AddressRefused(`${role} URL ${JSON.stringify(text)} has a character that URLs cannot have`);
  }
  const url = URL.parse(text);
  if (url === null) throw new AddressRefused(`${role} URL '${text}' is not a URL`);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw new AddressRefused(`${role} URL '${text}' is not http: other schemes are not asked`);
  }
  const scheme = url.protocol === 'http:' ? 'http' : 'https';
  const authority = /^https?:\/\/([^/?#]*)/i.exec(text)?.[1];
  if (authority === undefined) throw new AddressRefused(`${role} URL '${text}' has no host after '${scheme}://'`);
  if (authority.includes('@')) throw new AddressRefused(`${role} URL '${text}' has user information before its host`);
  if (text.includes('#')) throw new AddressRefused(`${role} URL '${text}' has a fragment`);
  const host = url.hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '');
  const port = url.port === '' ? (scheme === 'http' ? 80 : 443) : Number(url.port);
  if (host === '' || port === 0) throw new AddressRefused(`${role} URL '${text}' has no usable host and port`);
  return { role, scheme, text, host, port, authority: url.host, path: `${url.pathname}${url.search}` };
}

interface ListedHost {
  readonly host: string;
  readonly port: number | undefined;
}

function readHost(entry: string): ListedHost {
  const bare = ipBytes(entry) === undefined ? entry : entry.includes(':') ? `[${entry}]` : entry;
  const match = /^(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::(\d{1,5}))?$/i.exec(bare);
  const url = match === null ? null : URL.parse(`http://${match[1]}/`);
  const port = match?.[2] === undefined ? undefined : Number(match[2]);
  if (url === null || (port !== undefined && (port < 1 || port > 65535))) {
    throw new AddressRefused(`responderAllowList entry '${entry}' is neither a host nor host:port`);
  }
  return { host: url.hostname.replace(/^\[|\]$/g, '').replace(/\.$/, ''), port };
}

function portFits(entry: ListedHost, url: ResponderUrl): boolean {
  return entry.port === undefined ? url.port === 80 || url.port === 443 : entry.port === url.port;
}

function readCidr(text: string): Cidr {
  try {
    return parseCidr(text);
  } catch (error) {
    throw new AddressRefused(`allowInternalAddresses entry ${error instanceof Error ? error.message : text}`);
  }
}

const maxUrlLength = 2048;
