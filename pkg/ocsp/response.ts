import { DerCursor, DerMalformed, type DerNode, expectTag, readDer, tags } from '../x509/der.ts';
import {
  readBoolean,
  readGeneralizedTime,
  readInteger,
  readNull,
  readOctetString,
  readOid,
  readSmallInteger,
  readWholeBitString,
} from '../x509/der-values.ts';
import { OcspMalformed } from './errors.ts';
import { oids } from './oids.ts';

/** OCSPResponseStatus by its RFC 6960 4.2.1 name. 4 is not used. */
export type ResponseStatus =
  | 'internalError'
  | 'malformedRequest'
  | 'sigRequired'
  | 'successful'
  | 'tryLater'
  | 'unauthorized';

/** An OCSPResponse as read: nothing in it is trusted. Slices are the received bytes. RFC 6960 4.2.1. */
export interface OcspResponse {
  readonly status: ResponseStatus;
  /** The object identifier of responseType; undefined where there are no responseBytes. */
  readonly type: string | undefined;
  /** Present where the type is id-pkix-ocsp-basic. */
  readonly basic: BasicResponse | undefined;
}

export interface BasicResponse {
  /** What is signed: the whole ResponseData element as received. */
  readonly tbs: Buffer;
  /** 0 is v1. */
  readonly version: number;
  readonly responderId:
    | { readonly kind: 'key'; readonly hash: Buffer }
    | { readonly kind: 'name'; readonly name: Buffer };
  readonly producedAtMs: number;
  readonly responses: readonly SingleResponse[];
  readonly extensions: readonly Extension[];
  /** The AlgorithmIdentifier. */
  readonly signatureAlgorithm: DerNode;
  readonly signature: Buffer;
  /** DER of each; at most maxCertificates. */
  readonly certificates: readonly Buffer[];
}

export interface SingleResponse {
  readonly certId: {
    readonly hashOid: string;
    readonly issuerNameHash: Buffer;
    readonly issuerKeyHash: Buffer;
    readonly serial: Buffer;
  };
  readonly status:
    | { readonly kind: 'good' }
    | { readonly kind: 'revoked'; readonly atMs: number; readonly reason: string | undefined }
    | { readonly kind: 'unknown' };
  readonly thisUpdateMs: number;
  readonly nextUpdateMs: number | undefined;
  readonly extensions: readonly Extension[];
}

export interface Extension {
  readonly oid: string;
  readonly critical: boolean;
  /** The content of extnValue. */
  readonly value: Buffer;
}

/** The largest response that is read, in bytes. Real ones have 0.3 to 4 KiB. */
export const maxResponseBytes = 65_536;

/** The most certificates that a response may carry. */
export const maxCertificates = 8;

/** Reads an OCSPResponse; trusts nothing yet. At most 64 KiB, strict DER. @throws OcspMalformed. RFC 6960 4.2.1. */
export function parseOcspResponse(bytes: Buffer): OcspResponse {
  if (bytes.length > maxResponseBytes) {
    throw new OcspMalformed(`OCSP response too large: ${bytes.length} bytes, limit ${maxResponseBytes}`);
  }
  try {
    return readResponse(readDer(bytes, limits));
  } catch (error) {
    if (error instanceof DerMalformed) {
      throw new OcspMalformed(`OCSP response is malformed: ${error.message}`, { cause: error });
    }
    throw error;
  }
}

function readResponse(node: DerNode): OcspResponse {
  const cursor = new DerCursor(node, 'OCSPResponse');
  const statusNode = cursor.take('responseStatus');
  const number = readSmallInteger(statusNode, 'responseStatus', tags.enumerated);
  const status = statusNames.get(number);
  if (status === undefined) throw new OcspMalformed(`OCSP response has the undefined responseStatus ${number}`);
  const wrapper = cursor.optional(0xa0);
  cursor.end();
  if (wrapper === undefined) return { status, type: undefined, basic: undefined };
  // Error answers carry nothing; what one carries nevertheless is not looked at.
  const bytes = new DerCursor(only(wrapper, 'responseBytes'), 'responseBytes');
  const type = readOid(bytes.take('responseType'), 'responseType');
  const content = readOctetString(bytes.take('response'), 'response');
  bytes.end();
  if (type !== oids.basicResponse || status !== 'successful') return { status, type, basic: undefined };
  return { status, type, basic: readBasic(readDer(content, limits)) };
}

function readBasic(node: DerNode): BasicResponse {
  const cursor = new DerCursor(node, 'BasicOCSPResponse');
  const tbs = cursor.take('tbsResponseData', tags.sequence);
  const signatureAlgorithm = cursor.take('signatureAlgorithm', tags.sequence);
  const signature = readWholeBitString(cursor.take('signature'), 'signature');
  const wrapper = cursor.optional(0xa0);
  cursor.end();
  const certificates =
    wrapper === undefined
      ? []
      : expectTag(only(wrapper, 'certs'), tags.sequence, 'certs').children.map((child) => child.bytes);
  if (certificates.length > maxCertificates) {
    throw new OcspMalformed(`OCSP response carries ${certificates.length} certificates, limit ${maxCertificates}`);
  }
  return { ...readData(tbs), tbs: tbs.bytes, signatureAlgorithm, signature, certificates };
}

type ResponseData = Pick<BasicResponse, 'extensions' | 'producedAtMs' | 'responderId' | 'responses' | 'version'>;

function readData(node: DerNode): ResponseData {
  const cursor = new DerCursor(node, 'ResponseData');
  const versionNode = cursor.optional(0xa0);
  const version = versionNode === undefined ? 0 : readSmallInteger(only(versionNode, 'version'), 'version');
  const responderId = readResponderId(cursor.take('responderID'));
  const producedAtMs = readGeneralizedTime(cursor.take('producedAt'), 'producedAt');
  const responses = cursor.take('responses', tags.sequence).children.map(readSingle);
  const extensions = readExtensions(cursor.optional(0xa1), 'responseExtensions');
  cursor.end();
  return { version, responderId, producedAtMs, responses, extensions };
}

function readResponderId(node: DerNode): BasicResponse['responderId'] {
  if (node.tag === 0xa1) {
    return { kind: 'name', name: expectTag(only(node, 'byName'), tags.sequence, 'byName').bytes };
  }
  if (node.tag === 0xa2) return { kind: 'key', hash: readOctetString(only(node, 'byKey'), 'byKey') };
  throw new OcspMalformed(`OCSP response has a responderID with the undefined tag 0x${node.tag.toString(16)}`);
}

function readSingle(node: DerNode): SingleResponse {
  const cursor = new DerCursor(node, 'SingleResponse');
  const id = new DerCursor(cursor.take('certID'), 'certID');
  const algorithm = new DerCursor(id.take('hashAlgorithm'), 'hashAlgorithm');
  const hashOid = readOid(algorithm.take('algorithm'), 'algorithm');
  // NULL or absent (RFC 5754 2); anything else would be bytes that are signed and that nobody reads.
  const parameters = algorithm.optional(tags.nullValue);
  if (parameters !== undefined) readNull(parameters, 'hashAlgorithm parameters');
  algorithm.end();
  const issuerNameHash = readOctetString(id.take('issuerNameHash'), 'issuerNameHash');
  const issuerKeyHash = readOctetString(id.take('issuerKeyHash'), 'issuerKeyHash');
  const serial = readInteger(id.take('serialNumber'), 'serialNumber');
  id.end();
  const status = readStatus(cursor.take('certStatus'));
  const thisUpdateMs = readGeneralizedTime(cursor.take('thisUpdate'), 'thisUpdate');
  const next = cursor.optional(0xa0);
  const nextUpdateMs = next === undefined ? undefined : readGeneralizedTime(only(next, 'nextUpdate'), 'nextUpdate');
  const extensions = readExtensions(cursor.optional(0xa1), 'singleExtensions');
  cursor.end();
  return {
    certId: { hashOid, issuerNameHash, issuerKeyHash, serial },
    status,
    thisUpdateMs,
    nextUpdateMs,
    extensions,
  };
}

/** Exactly the three forms there are: a default branch here would be a verdict that nobody gave. */
function readStatus(node: DerNode): SingleResponse['status'] {
  switch (node.tag) {
    case 0x80:
      readNull(node, 'good', 0x80);
      return { kind: 'good' };
    case 0x82:
      readNull(node, 'unknown', 0x82);
      return { kind: 'unknown' };
    case 0xa1: {
      const cursor = new DerCursor(node, 'revoked', 0xa1);
      const atMs = readGeneralizedTime(cursor.take('revocationTime'), 'revocationTime');
      const wrapper = cursor.optional(0xa0);
      cursor.end();
      if (wrapper === undefined) return { kind: 'revoked', atMs, reason: undefined };
      const number = readSmallInteger(only(wrapper, 'revocationReason'), 'revocationReason', tags.enumerated);
      return { kind: 'revoked', atMs, reason: revocationReasons[number] ?? `reason${number}` };
    }
    default:
      throw new OcspMalformed(`OCSP response has a certStatus with the undefined tag 0x${node.tag.toString(16)}`);
  }
}

function readExtensions(wrapper: DerNode | undefined, what: string): readonly Extension[] {
  if (wrapper === undefined) return [];
  const extensions = expectTag(only(wrapper, what), tags.sequence, what).children.map((node): Extension => {
    const cursor = new DerCursor(node, 'Extension');
    const oid = readOid(cursor.take('extnID'), 'extnID');
    const flag = cursor.optional(tags.boolean);
    const critical = flag === undefined ? false : readBoolean(flag, 'critical');
    const value = readOctetString(cursor.take('extnValue'), 'extnValue');
    cursor.end();
    return { oid, critical, value };
  });
  if (new Set(extensions.map((extension) => extension.oid)).size !== extensions.length) {
    throw new OcspMalformed(`OCSP response has an extension twice in ${what}`);
  }
  return extensions;
}

function only(wrapper: DerNode, what: string): DerNode {
  const cursor = new DerCursor(wrapper, what, wrapper.tag);
  const node = cursor.take(what);
  cursor.end();
  return node;
}

/** CRLReason by its number (RFC 5280 5.3.1); 7 is not used. */
export const revocationReasons: readonly (string | undefined)[] = [
  'unspecified',
  'keyCompromise',
  'cACompromise',
  'affiliationChanged',
  'superseded',
  'cessationOfOperation',
  'certificateHold',
  undefined,
  'removeFromCRL',
  'privilegeWithdrawn',
  'aACompromise',
];

const statusNames: ReadonlyMap<number, ResponseStatus> = new Map([
  [0, 'successful'],
  [1, 'malformedRequest'],
  [2, 'internalError'],
  [3, 'tryLater'],
  [5, 'sigRequired'],
  [6, 'unauthorized'],
]);

const limits = { maxDepth: 32, maxNodes: 8192 };
