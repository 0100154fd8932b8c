import { isIPv4, isIPv6 } from 'node:net';

/** A block of addresses. `bytes` are those of the network: 4 for IPv4, 16 for IPv6. */
export interface Cidr {
  readonly bytes: Uint8Array;
  readonly prefix: number;
}

/** The octets of an address in its ordinary spelling: 4 or 16 of them; undefined for anything else (zones, octal, decimal). */
export function ipBytes(text: string): Uint8Array | undefined {
  if (isIPv4(text)) return Uint8Array.from(text.split('.'), Number);
  if (!isIPv6(text) || text.includes('%')) return undefined;
  const [head = '', tail] = text.split('::');
  const front = groups(head);
  const back = tail === undefined ? [] : groups(tail);
  const fill = new Array<number>(16 - front.length - back.length).fill(0);
  return Uint8Array.from([...front, ...fill, ...back]);
}

/** Reads `10.0.0.0/8`, `fd00::/8`, or one address. @throws RangeError naming the text and the rule. */
export function parseCidr(text: string): Cidr {
  const [address = '', length, ...rest] = text.split('/');
  const bytes = ipBytes(address);
  const prefix = length === undefined ? (bytes?.length ?? 0) * 8 : /^\d{1,3}$/.test(length) ? Number(length) : -1;
  if (bytes === undefined || rest.length > 0 || prefix < 0 || prefix > bytes.length * 8) {
    throw new RangeError(`'${text}' is not a CIDR: write it like 10.0.0.0/8 or fd00::/8`);
  }
  return { bytes, prefix };
}

/** Whether an address lies in a block. An IPv4 block never holds an IPv6 address, also not its mapped form. */
export function inCidr(address: Uint8Array, cidr: Cidr): boolean {
  if (address.length !== cidr.bytes.length) return false;
  for (let bit = 0; bit < cidr.prefix; bit += 8) {
    const mask = 0xff & (0xff << Math.max(0, 8 - (cidr.prefix - bit)));
    if (((address[bit >> 3] ?? 0) & mask) !== ((cidr.bytes[bit >> 3] ?? 0) & mask)) return false;
  }
  return true;
}

/**
 * What makes an address special (not an ordinary public one), or undefined. Of IPv6 only 2000::/3 is public; every form
 * that carries an IPv4 address inside (mapped, NAT64, 6to4, Teredo) is special whatever it carries.
 * IANA special-purpose address registries, RFC 6890.
 */
export function specialKind(address: Uint8Array): string | undefined {
  if (address.length === 4) return special4.find((entry) => inCidr(address, entry.cidr))?.kind;
  const known = special6.find((entry) => inCidr(address, entry.cidr));
  if (known !== undefined) return known.kind;
  return inCidr(address, global6) ? undefined : 'reserved';
}

function groups(text: string): number[] {
  if (text === '') return [];
  return text.split(':').flatMap((group) => {
    if (group.includes('.')) return group.split('.').map(Number);
    const value = Number.parseInt(group, 16);
    return [value >> 8, value & 0xff];
  });
}

function table(rows: readonly (readonly [string, string])[]): readonly { cidr: Cidr; kind: string }[] {
  return rows.map(([cidr, kind]) => ({ cidr: parseCidr(cidr), kind }));
}

const special4 = table([
  ['0.0.0.0/8', 'unspecified'],
  ['10.0.0.0/8', 'private'],
  ['100.64.0.0/10', 'shared (carrier-grade NAT)'],
  ['127.0.0.0/8', 'loopback'],
  // The platform's own address on Azure: it answers with credentials and certificates.
  ['168.63.129.16/32', 'cloud metadata'],
  ['169.254.0.0/16', 'link-local (cloud metadata)'],
  ['172.16.0.0/12', 'private'],
  ['192.0.0.0/24', 'reserved for protocols (cloud metadata)'],
  ['192.0.2.0/24', 'documentation'],
  ['192.88.99.0/24', '6to4 relay'],
  ['192.168.0.0/16', 'private'],
  ['198.18.0.0/15', 'benchmarking'],
  ['198.51.100.0/24', 'documentation'],
  ['203.0.113.0/24', 'documentation'],
  ['224.0.0.0/4', 'multicast'],
  ['240.0.0.0/4', 'reserved or broadcast'],
]);

const special6 = table([
  ['::/128', 'unspecified'],
  ['::1/128', 'loopback'],
  ['::ffff:0:0/96', 'IPv4-mapped'],
  ['::ffff:0:0:0/96', 'IPv4-translated'],
  ['::/96', 'IPv4-compatible'],
  ['64:ff9b::/96', 'NAT64'],
  ['64:ff9b:1::/48', 'NAT64'],
  ['100::/64', 'discard'],
  ['2001::/32', 'Teredo'],
  ['2001::/23', 'reserved for protocols'],
  ['2001:db8::/32', 'documentation'],
  ['2002::/16', '6to4'],
  ['3fff::/20', 'documentation'],
  ['fc00::/7', 'private'],
  ['fe80::/10', 'link-local'],
  ['fec0::/10', 'site-local'],
  ['ff00::/8', 'multicast'],
]);

const global6 = parseCidr('2000::/3');
