import { DerCursor, DerMalformed, readDer, tags } from '../x509/der.ts';
import { readInteger, readOctetString, readOid } from '../x509/der-values.ts';
import { OcspMalformed } from './errors.ts';
import { oids } from './oids.ts';

/** A question as a responder reads it. */
export interface OcspQuestion {
  /** Every CertID in order, its bytes as received. */
  readonly ids: readonly {
    readonly der: Buffer;
    readonly hashOid: string;
    readonly issuerNameHash: Buffer;
    readonly issuerKeyHash: Buffer;
    readonly serial: Buffer;
  }[];
  readonly nonce: Buffer | undefined;
}

/** Reads an OCSPRequest in strict DER; a signature is not looked at. @throws OcspMalformed. RFC 6960 4.1.1. */
export function parseOcspRequest(bytes: Buffer): OcspQuestion {
  try {
    const outer = new DerCursor(readDer(bytes, { maxDepth: 16, maxNodes: 2048 }), 'OCSPRequest');
    const tbs = new DerCursor(outer.take('tbsRequest'), 'tbsRequest');
    tbs.optional(0xa0);
    tbs.optional(0xa1);
    const ids = tbs.take('requestList', tags.sequence).children.map((node) => {
      const id = new DerCursor(node, 'Request').take('reqCert', tags.sequence);
      const cursor = new DerCursor(id, 'reqCert');
      const hashOid = readOid(
        new DerCursor(cursor.take('hashAlgorithm'), 'hashAlgorithm').take('algorithm'),
        'algorithm',
      );
      const issuerNameHash = readOctetString(cursor.take('issuerNameHash'), 'issuerNameHash');
      const issuerKeyHash = readOctetString(cursor.take('issuerKeyHash'), 'issuerKeyHash');
      return {
        der: id.bytes,
        hashOid,
        issuerNameHash,
        issuerKeyHash,
        serial: readInteger(cursor.take('serialNumber'), 'serialNumber'),
      };
    });
    const extensions = tbs.optional(0xa2)?.children[0]?.children ?? [];
    tbs.end();
    const nonce = extensions.find((node) => readOid(node.children[0], 'extnID') === oids.nonce)?.children.at(-1);
    return {
      ids,
      nonce: nonce === undefined ? undefined : readOctetString(readDer(readOctetString(nonce, 'extnValue')), 'nonce'),
    };
  } catch (error) {
    if (error instanceof DerMalformed)
      throw new OcspMalformed(`OCSP request is malformed: ${error.message}`, { cause: error });
    throw error;
  }
}
