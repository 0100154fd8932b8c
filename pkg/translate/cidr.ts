import { isIP } from 'node:net';

/** A CIDR with its prefix length always written, `10.0.0.1/32` for a bare address; undefined for anything else. Never throws. */
export function cidrOf(text: string): string | undefined {
  const [address = '', prefix, ...rest] = text.split('/');
  const version = isIP(address);
  if (version === 0 || address.includes('%') || rest.length > 0) return undefined;
  const widest = version === 4 ? 32 : 128;
  if (prefix === undefined) return `${address}/${widest}`;
  return /^(0|[1-9][0-9]{0,2})$/.test(prefix) && Number(prefix) <= widest ? `${address}/${prefix}` : undefined;
}
