import { createHmac, createPrivateKey, type KeyObject, timingSafeEqual, X509Certificate } from 'node:crypto';
import forge from 'node-forge';

/*
 * PKCS #12 (RFC 7292), as browsers, Windows and keytool export it. node-forge reads the BER and undoes the encryption;
 * it cannot read EC certificates and verifies nothing here: certificate and key leave as the bytes that are in the file.
 */

/** What a client presents, out of a PKCS #12 file. */
export interface ClientIdentity {
  /** DER of the certificate that the key belongs to. */
  readonly leaf: Buffer;
  /** DER of the other certificates, in the file's order. */
  readonly chain: readonly Buffer[];
  /** PKCS #8. */
  readonly keyPem: string;
}

/** A file that gives no certificate with its key; the message says why and what to do, and never quotes the password. */
export class Pkcs12Unusable extends Error {
  readonly code = 'PKCS12_UNUSABLE';
}

/** Whether bytes are a PFX by their beginning: a SEQUENCE whose first element is INTEGER 3. A certificate begins otherwise. */
export function looksLikePkcs12(bytes: Buffer): boolean {
  const first = bytes[1] ?? 0;
  const at = 2 + (first > 0x80 ? first - 0x80 : 0);
  return bytes[0] === 0x30 && bytes.subarray(at, at + 3).equals(Buffer.of(0x02, 0x01, 0x03));
}

/**
 * Takes the one certificate that has its key in the file, the key, and what else is there. At most 1 MiB; an undefined
 * password is the empty one. @throws Pkcs12Unusable.
 */
export function readPkcs12(bytes: Buffer, password: string | undefined): ClientIdentity {
  if (bytes.length > maxBytes) throw new Pkcs12Unusable(`${bytes.length} bytes, limit ${maxBytes}`);
  const certificates: Buffer[] = [];
  const keys: KeyObject[] = [];
  const given = password ?? '';
  try {
    for (const content of children(parse(authenticatedSafe(bytes, password)))) {
      for (const bag of children(safeContents(content, given))) {
        const [type, value] = children(bag);
        const inner = children(value)[0];
        if (oidOf(type) === oids.certBag) certificates.push(...certificateOf(inner));
        else if (oidOf(type) === oids.keyBag) keys.push(keyOf(inner));
        else if (oidOf(type) === oids.shroudedKeyBag) keys.push(keyOf(decrypted(inner, given)));
      }
    }
  } catch (error) {
    throw explained(error);
  }
  return pairOf(certificates, keys);
}

/** The inner content, its MAC verified where there is one: the only way to tell a wrong password for certain. */
function authenticatedSafe(bytes: Buffer, password: string | undefined): Buffer {
  const [, authSafe, mac] = children(parse(bytes));
  const [type, wrapped] = children(authSafe);
  if (oidOf(type) !== oids.data) {
    throw new Pkcs12Unusable('it is signed with a key, not with a password; export it with a password');
  }
  const content = octets(children(wrapped)[0]);
  if (mac === undefined) return content;
  const [digestInfo, salt, iterations] = children(mac);
  const [algorithm, digest] = children(digestInfo);
  const oid = oidOf(children(algorithm)[0]);
  const hash = macHashes.get(oid);
  if (hash === undefined) throw unsupported('MAC', oid);
  const count = iterations === undefined ? 1 : forge.asn1.derToInteger(octets(iterations).toString('latin1'));
  // They are run in JavaScript: without a limit a file could keep this process for days.
  if (!(count >= 1 && count <= maxIterations)) {
    throw new Pkcs12Unusable(`its MAC takes ${count} iterations, limit ${maxIterations}`);
  }
  const want = octets(digest);
  const macKey = forge.pkcs12.generateKey(
    password ?? '',
    forge.util.createBuffer(octets(salt).toString('latin1')),
    macKeyId,
    count,
    want.length,
    hash.create(),
  );
  const found = createHmac(hash.name, Buffer.from(macKey.getBytes(), 'latin1')).update(content).digest();
  if (found.length !== want.length || !timingSafeEqual(found, want)) throw wrongPassword(password);
  return content;
}

/** A SafeContents, in the clear or encrypted with the password. */
function safeContents(contentInfo: Node, password: string): Node {
  const [type, wrapped] = children(contentInfo);
  const content = children(wrapped)[0];
  switch (oidOf(type)) {
    case oids.data:
      return parse(octets(content));
    case oids.encryptedData: {
      const [, algorithm, encrypted] = children(children(content)[1]);
      // The same algorithms and the same two parts as an encrypted key has, but for the tag.
      return decrypted(sequence(known(algorithm), octetString(octets(encrypted))), password);
    }
    default:
      throw unsupported('content', oidOf(type));
  }
}

/** The decrypted content of an EncryptedPrivateKeyInfo. */
function decrypted(encrypted: Node | undefined, password: string): Node {
  const algorithm = oidOf(children(children(encrypted)[0])[0]);
  // PKCS #5 takes octets, which are UTF-8; the schemes of PKCS #12 itself take UTF-16.
  const spelled = algorithm === oids.pbes2 ? Buffer.from(password, 'utf8').toString('latin1') : password;
  let content: Node | null;
  try {
    content = forge.pki.decryptPrivateKeyInfo(known(encrypted), spelled);
  } catch (error) {
    // Without a MAC, octets that no longer are ASN.1 are all that shows of a wrong password.
    throw oidIn(error) === undefined ? wrongPassword(password) : error;
  }
  if (content === null) throw wrongPassword(password);
  return content;
}

/** None for what is no X.509 certificate. */
function certificateOf(certBag: Node | undefined): Buffer[] {
  const [type, value] = children(certBag);
  return oidOf(type) === oids.x509Certificate ? [octets(children(value)[0])] : [];
}

function keyOf(privateKeyInfo: Node | undefined): KeyObject {
  const der = Buffer.from(forge.asn1.toDer(known(privateKeyInfo)).getBytes(), 'latin1');
  try {
    return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  } catch (cause) {
    throw new Pkcs12Unusable('its key cannot be read; RSA, EC and Ed25519 are supported', { cause });
  }
}

function pairOf(certificates: readonly Buffer[], keys: readonly KeyObject[]): ClientIdentity {
  const pairs = certificates.flatMap((leaf) => {
    const key = keys.find((one) => belongs(leaf, one));
    return key === undefined ? [] : [{ leaf, key }];
  });
  const [pair] = pairs;
  if (pair === undefined || pairs.length > 1) {
    throw new Pkcs12Unusable(
      `expected one certificate with its key, found ${pairs.length} (${certificates.length} certificates, ${keys.length} keys); ` +
        'export the client certificate together with its private key, and nothing but its chain',
    );
  }
  return {
    leaf: pair.leaf,
    chain: certificates.filter((certificate) => certificate !== pair.leaf),
    keyPem: pair.key.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
}

function belongs(certificate: Buffer, key: KeyObject): boolean {
  try {
    return new X509Certificate(certificate).checkPrivateKey(key);
  } catch {
    return false;
  }
}

// --- ASN.1

type Node = forge.asn1.Asn1;

function parse(bytes: Buffer): Node {
  // BER, since exporters write it; strict only means that nothing may be cut off.
  return forge.asn1.fromDer(bytes.toString('latin1'), true);
}

function children(node: Node | undefined): readonly Node[] {
  return Array.isArray(node?.value) ? node.value : [];
}

/** The content of an OCTET STRING or INTEGER, also where BER cuts it into pieces. */
function octets(node: Node | undefined): Buffer {
  const { value } = known(node);
  return typeof value === 'string' ? Buffer.from(value, 'latin1') : Buffer.concat(value.map(octets));
}

function oidOf(node: Node | undefined): string {
  const { type, value } = known(node);
  if (type !== forge.asn1.Type.OID || typeof value !== 'string') throw malformed();
  return forge.asn1.derToOid(value);
}

function known(node: Node | undefined): Node {
  if (node === undefined) throw malformed();
  return node;
}

function sequence(...parts: Node[]): Node {
  return forge.asn1.create(forge.asn1.Class.UNIVERSAL, forge.asn1.Type.SEQUENCE, true, parts);
}

function octetString(content: Buffer): Node {
  const { Class, Type } = forge.asn1;
  return forge.asn1.create(Class.UNIVERSAL, Type.OCTETSTRING, false, content.toString('latin1'));
}

// --- what is wrong

function malformed(cause?: unknown): Pkcs12Unusable {
  return new Pkcs12Unusable('it is no PKCS #12 file, or a damaged one', { cause });
}

function wrongPassword(password: string | undefined): Pkcs12Unusable {
  return new Pkcs12Unusable(
    password === undefined || password === ''
      ? 'it is protected by a password; give it by --password-file or in LYCHGATE_PASSWORD'
      : 'the password is wrong, or the file was changed',
  );
}

function unsupported(what: string, oid: string): Pkcs12Unusable {
  return new Pkcs12Unusable(
    `its ${what} uses the algorithm ${oid}, which is not supported; write it anew with openssl pkcs12 -export`,
  );
}

/** node-forge names an algorithm that it does not know by an `oid`, and everything else by words of its own. */
function explained(error: unknown): Pkcs12Unusable {
  if (error instanceof Pkcs12Unusable) return error;
  const oid = oidIn(error);
  return oid === undefined ? malformed(error) : unsupported('encryption', oid);
}

function oidIn(error: unknown): string | undefined {
  return error instanceof Error && 'oid' in error && typeof error.oid === 'string' ? error.oid : undefined;
}

const oids = {
  data: '1.2.840.113549.1.7.1',
  encryptedData: '1.2.840.113549.1.7.6',
  keyBag: '1.2.840.113549.1.12.10.1.1',
  shroudedKeyBag: '1.2.840.113549.1.12.10.1.2',
  certBag: '1.2.840.113549.1.12.10.1.3',
  x509Certificate: '1.2.840.113549.1.9.22.1',
  pbes2: '1.2.840.113549.1.5.13',
} as const;
const macHashes: ReadonlyMap<string, { readonly name: string; create(): forge.md.MessageDigest }> = new Map([
  ['1.3.14.3.2.26', { name: 'sha1', create: () => forge.md.sha1.create() }],
  ['2.16.840.1.101.3.4.2.1', { name: 'sha256', create: () => forge.md.sha256.create() }],
  ['2.16.840.1.101.3.4.2.2', { name: 'sha384', create: () => forge.md.sha384.create() }],
  ['2.16.840.1.101.3.4.2.3', { name: 'sha512', create: () => forge.md.sha512.create() }],
]);
/** RFC 7292 B.3. */
const macKeyId = 3;
const maxBytes = 1_048_576;
const maxIterations = 1_000_000;
