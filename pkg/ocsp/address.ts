import type { OcspSettings } from '../policy/policy.ts';
import { type Cidr, inCidr, ipBytes, parseCidr, specialKind } from './ip.ts';

/** A responder URL that may be resolved. Its addresses are not judged yet. */
export interface ResponderUrl {
  readonly text: string;
  /** Host name or address literal without brackets, lower case, as connections and look-ups take it. */
  readonly host: string;
  readonly port: number;
  /** For the Host field: the port only where it is not 80. */
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
  /** Reads a URL and judges what can be judged without resolving it. @throws AddressRefused. */
  url(text: string): ResponderUrl;
  /** Judges every address of the host; one that is not permitted refuses them all. @throws AddressRefused. */
  addresses(url: ResponderUrl, addresses: readonly string[]): void;
}

/**
 * Compiles the two lists of the settings. A host name in `responderAllowList` never permits a special address: only
 * `allowInternalAddresses` does, and then on any port. @throws AddressRefused where an entry cannot be read.
 */
export function addressPolicy(
  settings: Pick<OcspSettings, 'allowInternalAddresses' | 'responderAllowList'>,
): AddressPolicy {
  const internal = settings.allowInternalAddresses.map(readCidr);
  const listed = settings.responderAllowList.map(readHost);
  return {
    url: (text) => {
      const url = readUrl(text);
      if (listed.length > 0 && !listed.some((entry) => entry.host === url.host && portFits(entry, url))) {
        // A listed name on another port may still be permitted by its address.
        const named = listed.some((entry) => entry.host === url.host && entry.port === undefined);
        if (!named || internal.length === 0) {
          throw new AddressRefused(
            `responder '${url.authority}' is not in responderAllowList: add '${url.host}:${url.port}' to it to permit this responder`,
          );
        }
      }
      return url;
    },
    addresses: (url, addresses) => {
      if (addresses.length === 0) throw new AddressRefused(`responder host '${url.host}' has no address`);
      for (const address of addresses) judge(url, address, internal, listed);
    },
  };
}

function judge(url: ResponderUrl, address: string, internal: readonly Cidr[], listed: readonly ListedHost[]): void {
  const bytes = ipBytes(address);
  if (bytes === undefined) throw new AddressRefused(`'${address}' of responder host '${url.host}' is not an address`);
  if (internal.some((cidr) => inCidr(bytes, cidr))) return;
  const kind = specialKind(bytes);
  if (kind !== undefined) {
    const mask = bytes.length === 4 ? 32 : 128;
    throw new AddressRefused(
      `responder '${url.authority}' has the address ${address}, which is ${kind}: add '${address}/${mask}' to allowInternalAddresses to permit it`,
    );
  }
  if (url.port === 80 || url.port === 443) return;
  if (listed.some((entry) => entry.host === url.host && entry.port === url.port)) return;
  throw new AddressRefused(
    `responder '${url.authority}' is on port ${url.port}; only 80 and 443 are permitted: add '${url.host}:${url.port}' to responderAllowList to permit it`,
  );
}

function readUrl(text: string): ResponderUrl {
  if (text.length > maxUrlLength) {
    throw new AddressRefused(`responder URL is too long: ${text.length} characters, limit ${maxUrlLength}`);
  }
  // The URL parser drops tabs and newlines and turns `\` into `/`: what is checked must be what was written.
  if (!/^[\x21-\x5b\x5d-\x7e]+$/.test(text)) {
    throw new AddressRefused(`responder URL ${JSON.stringify(text)} has a character that URLs cannot have`);
  }
  const url = URL.parse(text);
  if (url === null) throw new AddressRefused(`responder URL '${text}' is not a URL`);
  if (url.protocol !== 'http:') {
    throw new AddressRefused(`responder URL '${text}' is not http: other schemes are not asked`);
  }
  const authority = /^http:\/\/([^/?#]*)/i.exec(text)?.[1];
  if (authority === undefined) throw new AddressRefused(`responder URL '${text}' has no host after 'http://'`);
  if (authority.includes('@')) throw new AddressRefused(`responder URL '${text}' has user information before its host`);
  if (text.includes('#')) throw new AddressRefused(`responder URL '${text}' has a fragment`);
  const host = url.hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '');
  const port = url.port === '' ? 80 : Number(url.port);
  if (host === '' || port === 0) throw new AddressRefused(`responder URL '${text}' has no usable host and port`);
  return { text, host, port, authority: url.host, path: `${url.pathname}${url.search}` };
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
