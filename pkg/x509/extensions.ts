import { isIPv6 } from 'node:net';
import { DerCursor, DerMalformed, type DerNode, expectTag, readDer, tags } from './der.ts';
import {
  readBitString,
  readBoolean,
  readIa5,
  readNull,
  readOctetString,
  readOid,
  readSmallInteger,
} from './der-values.ts';

/** keyUsage bits by their RFC 5280 4.2.1.3 names. */
export type KeyUsage =
  | 'cRLSign'
  | 'contentCommitment'
  | 'dataEncipherment'
  | 'decipherOnly'
  | 'digitalSignature'
  | 'encipherOnly'
  | 'keyAgreement'
  | 'keyCertSign'
  | 'keyEncipherment';

/** One extension as received. RFC 5280 4.1.2.9. */
export interface Extension {
  readonly critical: boolean;
  /** The OCTET STRING's content: DER of the extension's own type. */
  readonly value: Buffer;
}

/** Object identifiers of the extensions, purposes and access methods in use. */
export const oids = {
  authorityInfoAccess: '1.3.6.1.5.5.7.1.1',
  authorityKeyId: '2.5.29.35',
  basicConstraints: '2.5.29.19',
  caIssuers: '1.3.6.1.5.5.7.48.2',
  clientAuth: '1.3.6.1.5.5.7.3.2',
  extendedKeyUsage: '2.5.29.37',
  keyUsage: '2.5.29.15',
  nameConstraints: '2.5.29.30',
  ocsp: '1.3.6.1.5.5.7.48.1',
  ocspNoCheck: '1.3.6.1.5.5.7.48.1.5',
  ocspSigning: '1.3.6.1.5.5.7.3.9',
  serverAuth: '1.3.6.1.5.5.7.3.1',
  subjectAltName: '2.5.29.17',
  subjectKeyId: '2.5.29.14',
} as const;

/** keyUsage names by bit number. RFC 5280 4.2.1.3. */
export const keyUsageBits: readonly KeyUsage[] = [
  'digitalSignature',
  'contentCommitment',
  'keyEncipherment',
  'dataEncipherment',
  'keyAgreement',
  'keyCertSign',
  'cRLSign',
  'encipherOnly',
  'decipherOnly',
];

/** The extensions by OID; none twice. @throws DerMalformed. */
export function readExtensions(wrapped: DerNode | undefined): ReadonlyMap<string, Extension> {
  const extensions = new Map<string, Extension>();
  if (wrapped === undefined) return extensions;
  const explicit = new DerCursor(wrapped, 'extensions', 0xa3);
  const list = explicit.take('extensions', tags.sequence);
  explicit.end();
  if (list.children.length === 0) throw new DerMalformed('expected at least one extension', list.offset);
  for (const node of list.children) {
    const cursor = new DerCursor(node, 'an extension');
    const oid = readOid(cursor.take('an extension identifier'), 'an extension identifier');
    const flag = cursor.optional(tags.boolean);
    const value = readOctetString(cursor.take('an extension value'), 'an extension value');
    cursor.end();
    if (extensions.has(oid)) throw new DerMalformed(`expected extension ${oid} once`, node.offset);
    extensions.set(oid, { critical: flag !== undefined && readBoolean(flag, 'critical'), value });
  }
  return extensions;
}

/** What the known extensions say. @throws DerMalformed, naming the extension. */
export function readKnownExtensions(extensions: ReadonlyMap<string, Extension>) {
  const constraints = read(extensions, oids.basicConstraints, 'basicConstraints', readBasicConstraints);
  const noCheck = read(extensions, oids.ocspNoCheck, 'ocspNoCheck', (node) => {
    readNull(node, 'ocspNoCheck');
    return true;
  });
  const names = read(extensions, oids.subjectAltName, 'subjectAltName', readAltNames);
  return {
    isCa: constraints?.isCa ?? false,
    pathLength: constraints?.pathLength,
    keyUsage: read(extensions, oids.keyUsage, 'keyUsage', readKeyUsage),
    extendedKeyUsage: read(extensions, oids.extendedKeyUsage, 'extendedKeyUsage', readPurposes),
    san: names ?? { dns: [], uri: [], email: [], ip: [] },
    ocspUrls: read(extensions, oids.authorityInfoAccess, 'authorityInfoAccess', readOcspUrls) ?? [],
    hasOcspNoCheck: noCheck ?? false,
    authorityKeyId: read(extensions, oids.authorityKeyId, 'authorityKeyIdentifier', readAuthorityKeyId),
    subjectKeyId: read(extensions, oids.subjectKeyId, 'subjectKeyIdentifier', (node) =>
      readOctetString(node, 'a key identifier'),
    ),
    unknownCritical: [...extensions]
      .filter(([oid, { critical }]) => critical && !understood.has(oid))
      .map(([oid]) => oid),
  };
}

function read<T>(
  extensions: ReadonlyMap<string, Extension>,
  oid: string,
  name: string,
  reader: (node: DerNode) => T,
): T | undefined {
  const extension = extensions.get(oid);
  if (extension === undefined) return undefined;
  try {
    return reader(readDer(extension.value));
  } catch (error) {
    if (error instanceof DerMalformed) throw new DerMalformed(`${name} value: ${error.expected}`, error.offset);
    throw error;
  }
}

function readBasicConstraints(node: DerNode): { isCa: boolean; pathLength: number | undefined } {
  const cursor = new DerCursor(node, 'basicConstraints');
  const flag = cursor.optional(tags.boolean);
  const isCa = flag !== undefined && readBoolean(flag, 'cA');
  const length = cursor.optional(tags.integer);
  cursor.end();
  if (length === undefined) return { isCa, pathLength: undefined };
  if (!isCa) throw new DerMalformed('expected no pathLenConstraint without cA', length.offset);
  return { isCa, pathLength: readSmallInteger(length, 'pathLenConstraint') };
}

function readKeyUsage(node: DerNode): ReadonlySet<KeyUsage> {
  const { bits } = readBitString(node, 'keyUsage');
  return new Set(keyUsageBits.filter((_, bit) => ((bits[bit >> 3] ?? 0) & (0x80 >> (bit & 7))) !== 0));
}

function readPurposes(node: DerNode): readonly string[] {
  new DerCursor(node, 'extendedKeyUsage').take('a purpose');
  return node.children.map((purpose) => readOid(purpose, 'a purpose'));
}

function readAltNames(node: DerNode) {
  // RFC 5280 wants at least one name; an OCSP responder's certificate with none was in real use, and none gives nothing.
  expectTag(node, tags.sequence, 'subjectAltName');
  const dns: string[] = [];
  const uri: string[] = [];
  const email: string[] = [];
  const ip: string[] = [];
  for (const name of node.children) {
    if (name.tag === 0x81) email.push(readIa5(name, 'an rfc822Name', 0x81));
    else if (name.tag === 0x82) dns.push(readIa5(name, 'a dNSName', 0x82));
    else if (name.tag === 0x86) uri.push(readIa5(name, 'a uniformResourceIdentifier', 0x86));
    else if (name.tag === 0x87) ip.push(addressText(name));
    else if (!otherNameTags.has(name.tag)) throw new DerMalformed('expected a GeneralName', name.offset);
  }
  return { dns, uri, email, ip };
}

function addressText(node: DerNode): string {
  const { content } = node;
  if (content.length === 4) return content.join('.');
  if (content.length !== 16) throw new DerMalformed('expected an iPAddress of 4 or 16 bytes', node.offset);
  const groups = Array.from({ length: 8 }, (_, index) => content.readUInt16BE(index * 2).toString(16)).join(':');
  // The URL parser writes IPv6 in the one form of RFC 5952.
  const text = new URL(`http://[${groups}]`).hostname.slice(1, -1);
  return isIPv6(text) ? text : groups;
}

function readOcspUrls(node: DerNode): readonly string[] {
  new DerCursor(node, 'authorityInfoAccess').take('an access description');
  const urls: string[] = [];
  for (const description of node.children) {
    const cursor = new DerCursor(description, 'an access description');
    const method = readOid(cursor.take('an access method'), 'an access method');
    const location = cursor.take('an access location');
    cursor.end();
    if (method === oids.ocsp && location.tag === 0x86) urls.push(readIa5(location, 'an OCSP URL', 0x86));
  }
  return urls;
}

function readAuthorityKeyId(node: DerNode): Buffer | undefined {
  const keyId = new DerCursor(node, 'authorityKeyIdentifier').optional(0x80);
  return keyId?.content;
}

/** otherName, x400Address, directoryName, ediPartyName, registeredID. */
const otherNameTags: ReadonlySet<number> = new Set([0xa0, 0xa3, 0xa4, 0xa5, 0x88]);

/**
 * Extensions whose criticality is honoured: read above, or without effect here. certificatePolicies, policyMappings
 * and inhibitAnyPolicy only restrict paths that must have a policy; policyConstraints, which can demand one, is not here.
 */
const understood: ReadonlySet<string> = new Set([
  oids.authorityInfoAccess,
  oids.authorityKeyId,
  oids.basicConstraints,
  oids.extendedKeyUsage,
  oids.keyUsage,
  oids.nameConstraints,
  oids.ocspNoCheck,
  oids.subjectAltName,
  oids.subjectKeyId,
  '2.5.29.32',
  '2.5.29.33',
  '2.5.29.54',
]);
