import { readFileSync } from 'node:fs';
import { type Certificate, parseCertificate } from '../../pkg/x509/certificate.ts';
import { certificatesFromPem, pemBlocks } from '../../pkg/x509/pem.ts';

/** The certificates of a file, DER (one) or PEM, in order. @throws Error naming the file and what is wrong. */
export function readCertificates(path: string): readonly Certificate[] {
  const bytes = readFileSync(path);
  try {
    return isPem(bytes) ? certificatesFromPem(bytes.toString('latin1')) : [parseCertificate(bytes)];
  } catch (error) {
    throw new Error(`${path}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}

/** The first certificate of a file: the leaf, where it holds a chain. */
export function readCertificate(path: string): Certificate {
  const [first] = readCertificates(path);
  if (first === undefined) throw new Error(`${path}: no certificate`);
  return first;
}

/** The certificate of a bundle that issued `certificate`; the first one where none did, so that the check can say why. */
export function readIssuer(path: string, certificate: Certificate | undefined): Certificate {
  const all = readCertificates(path);
  const found = certificate === undefined ? undefined : all.find((one) => certificate.isIssuedBy(one));
  const first = found ?? all[0];
  if (first === undefined) throw new Error(`${path}: no certificate`);
  return first;
}

/** DER of a file that is DER or one PEM block of any label. */
export function readDerFile(path: string): Buffer {
  const bytes = readFileSync(path);
  if (!isPem(bytes)) return bytes;
  const [block] = pemBlocks(bytes.toString('latin1'));
  if (block === undefined) throw new Error(`${path}: no PEM block`);
  return block.der;
}

/** The INTEGER content of a serial number in hexadecimal, colons allowed. @throws Error naming the text. */
export function serialFromHex(text: string): Buffer {
  const digits = text
    .replaceAll(':', '')
    .replace(/^0x/i, '')
    .replace(/^0+(?=.)/, '');
  if (!/^[0-9a-f]{1,42}$/i.test(digits)) {
    throw new Error(
      `serial '${text}' is not hexadecimal of at most 21 octets: write it as openssl x509 -serial prints it`,
    );
  }
  const bytes = Buffer.from(digits.length % 2 === 0 ? digits : `0${digits}`, 'hex');
  return (bytes[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.of(0), bytes]) : bytes;
}

function isPem(bytes: Buffer): boolean {
  return bytes.includes('-----BEGIN ');
}
