import { DerCursor, type DerNode, readDer } from '../x509/der.ts';
import { readBitString, readBoolean, readIa5 } from '../x509/der-values.ts';

/** Where a certificate says that CRLs are. RFC 5280 4.2.1.13. */
export interface DistributionPoints {
  /** http URLs in order, the first four; other schemes (ldap) are left out. */
  readonly urls: readonly string[];
  /** Every name of those points, as hexadecimal DER: what a CRL for one point must name. */
  readonly names: ReadonlySet<string>;
}

/** Which certificates a CRL is about. RFC 5280 5.2.5. */
export interface IssuingDistributionPoint {
  /** Hexadecimal DER; empty where the CRL names no point, `relative` where it is named in the other form. */
  readonly names: readonly string[] | 'relative';
  readonly onlyUserCerts: boolean;
  readonly onlyCaCerts: boolean;
  readonly onlySomeReasons: boolean;
  readonly indirect: boolean;
  readonly onlyAttributeCerts: boolean;
}

/**
 * Reads cRLDistributionPoints. Points for some reasons only, and those whose CRLs another CA signs, are left out: such
 * CRLs are not used. @throws DerMalformed.
 */
export function readDistributionPoints(value: Buffer): DistributionPoints {
  const urls: string[] = [];
  const names = new Set<string>();
  for (const node of readDer(value).children) {
    const cursor = new DerCursor(node, 'a distribution point');
    const point = cursor.optional(0xa0);
    const reasons = cursor.optional(0x81);
    const issuer = cursor.optional(0xa2);
    cursor.end();
    if (point === undefined || reasons !== undefined || issuer !== undefined) continue;
    for (const name of fullNames(point) ?? []) {
      names.add(name.bytes.toString('hex'));
      if (name.tag !== 0x86) continue;
      const url = readIa5(name, 'a distribution point URI', 0x86);
      if (/^http:/i.test(url) && urls.length < maxUrls) urls.push(url);
    }
  }
  return { urls, names };
}

/** Reads issuingDistributionPoint. @throws DerMalformed. */
export function readIssuingDistributionPoint(value: Buffer): IssuingDistributionPoint {
  const cursor = new DerCursor(readDer(value), 'issuingDistributionPoint');
  const point = cursor.optional(0xa0);
  const flag = (tag: number, what: string): boolean => {
    const node = cursor.optional(tag);
    return node !== undefined && readBoolean(node, what, tag);
  };
  const onlyUserCerts = flag(0x81, 'onlyContainsUserCerts');
  const onlyCaCerts = flag(0x82, 'onlyContainsCACerts');
  const reasons = cursor.optional(0x83);
  if (reasons !== undefined) readBitString(reasons, 'onlySomeReasons', 0x83);
  const indirect = flag(0x84, 'indirectCRL');
  const onlyAttributeCerts = flag(0x85, 'onlyContainsAttributeCerts');
  cursor.end();
  const names = point === undefined ? [] : (fullNames(point)?.map(({ bytes }) => bytes.toString('hex')) ?? 'relative');
  return { names, onlyUserCerts, onlyCaCerts, onlySomeReasons: reasons !== undefined, indirect, onlyAttributeCerts };
}

/** The GeneralNames of a DistributionPointName; undefined for the form relative to the CRL's issuer. */
function fullNames(point: DerNode): readonly DerNode[] | undefined {
  const cursor = new DerCursor(point, 'a distribution point name', point.tag);
  const relative = cursor.optional(0xa1);
  if (relative !== undefined) return undefined;
  const names = cursor.take('fullName', 0xa0).children;
  cursor.end();
  return names;
}

const maxUrls = 4;
