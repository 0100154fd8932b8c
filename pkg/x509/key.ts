import type { Certificate } from './certificate.ts';
import { readDer, tags } from './der.ts';

/** What is wrong with a certificate's public key, or undefined: RSA of 2048 to 8192 bits, named P-256, P-384 or P-521, Ed25519. */
export function keyFault({ publicKey, spki }: Certificate): string | undefined {
  const details = publicKey.asymmetricKeyDetails ?? {};
  switch (publicKey.asymmetricKeyType) {
    case 'ed25519':
      return undefined;
    case 'ec': {
      // Explicit curve parameters can describe a weak curve that only resembles a named one (CVE-2020-0601).
      const named = readDer(spki).children[0]?.children[1]?.tag === tags.oid;
      if (!named) return 'EC key with explicit curve parameters, expected a named curve';
      return curves.has(details.namedCurve ?? '')
        ? undefined
        : `EC key on ${details.namedCurve ?? 'an unknown curve'}, expected P-256, P-384 or P-521`;
    }
    case 'rsa': {
      const bits = details.modulusLength ?? 0;
      if (bits < 2048 || bits > 8192) return `RSA key of ${bits} bits, expected 2048 to 8192`;
      const exponent = details.publicExponent ?? 0n;
      // A huge exponent makes every verification slow; an even one or 1 is no RSA.
      if (exponent < 3n || exponent > 0xffff_ffffn || exponent % 2n === 0n) {
        return `RSA key with exponent ${exponent}, expected an odd one from 3 to 4294967295`;
      }
      return undefined;
    }
    default:
      return `key of type ${publicKey.asymmetricKeyType ?? 'unknown'}, expected RSA, EC or Ed25519`;
  }
}

const curves: ReadonlySet<string> = new Set(['prime256v1', 'secp384r1', 'secp521r1']);
