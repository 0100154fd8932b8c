import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { inspect } from 'node:util';

/** A key or chain that cannot serve; the message never quotes key material. */
export class KeyPairInvalid extends Error {
  readonly code = 'KEY_PAIR_INVALID';
  constructor(message: string) {
    super(message);
    this.name = 'KeyPairInvalid';
  }
}

/** A server certificate chain with the private key of its leaf. Printing it in any way shows `[redacted]`. */
export class KeyPair {
  readonly chainPem: string;
  /** Of the key: one certificate of each kind may stand beside the others. */
  readonly kind: KeyPairKind;
  readonly #keyPem: string;

  private constructor(chainPem: string, keyPem: string, kind: KeyPairKind) {
    this.chainPem = chainPem;
    this.kind = kind;
    this.#keyPem = keyPem;
  }

  /** Takes a PEM chain (leaf first) and the leaf's unencrypted PKCS #8, PKCS #1 or SEC1 key. @throws KeyPairInvalid. */
  static fromPem(chainPem: string, keyPem: string): KeyPair {
    const key = readKey(keyPem);
    let leaf: X509Certificate;
    try {
      leaf = new X509Certificate(chainPem);
    } catch {
      throw new KeyPairInvalid('the certificate chain is not PEM');
    }
    const kind = kindOf(key);
    if (!leaf.checkPrivateKey(key)) {
      throw new KeyPairInvalid('the private key does not belong to the first certificate of the chain');
    }
    return new KeyPair(chainPem, key.export({ type: 'pkcs8', format: 'pem' }).toString(), kind);
  }

  /** The private key in PKCS #8 PEM: for the snapshot and the TLS context only. */
  revealKeyPem(): string {
    return this.#keyPem;
  }

  toString(): string {
    return '[redacted]';
  }

  toJSON(): string {
    return '[redacted]';
  }

  [inspect.custom](): string {
    return '[redacted]';
  }
}

export type KeyPairKind = 'ECDSA' | 'Ed25519' | 'RSA';

function readKey(pem: string): KeyObject {
  if (/-----BEGIN ENCRYPTED PRIVATE KEY-----|^Proc-Type: 4,ENCRYPTED/m.test(pem)) {
    throw new KeyPairInvalid('the private key is encrypted; decrypt it first (openssl pkey -in KEY -out PLAIN)');
  }
  const keys = pem.match(/-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----/g)?.length ?? 0;
  if (keys !== 1) throw new KeyPairInvalid(`${keys} PEM private keys found, expected one`);
  try {
    return createPrivateKey(pem);
  } catch {
    // OpenSSL's own words may quote what it read.
    throw new KeyPairInvalid('the private key is not readable: expected PKCS #8, PKCS #1 or SEC1 PEM');
  }
}

function kindOf(key: KeyObject): KeyPairKind {
  const bits = key.asymmetricKeyDetails?.modulusLength ?? 0;
  switch (key.asymmetricKeyType) {
    case 'rsa':
      if (bits < 2048 || bits > 8192) throw new KeyPairInvalid(`RSA key of ${bits} bits, 2048 to 8192 are legal`);
      return 'RSA';
    case 'ec':
      return 'ECDSA';
    case 'ed25519':
      return 'Ed25519';
    default:
      throw new KeyPairInvalid(`key of type ${key.asymmetricKeyType ?? 'unknown'}, expected RSA, EC or Ed25519`);
  }
}
