import { type Certificate, CertificateMalformed, maxCertificateBytes, parseCertificate } from './certificate.ts';

/** A PEM text that is not a list of certificates; the message names the block, counted from 1. */
export class PemMalformed extends Error {
  readonly code = 'PEM_MALFORMED';
  /** The offending block, from 1; 0 when it is the text as a whole. */
  readonly block: number;
  /** The message without the block's number. */
  readonly rule: string;
  constructor(block: number, rule: string, cause?: unknown) {
    super(block === 0 ? rule : `PEM block ${block}: ${rule}`, { cause });
    this.name = 'PemMalformed';
    this.block = block;
    this.rule = rule;
  }
}

/** Largest PEM text, in characters, and most blocks in one. */
export const maxPemLength = 1_048_576;
export const maxPemBlocks = 256;

/** One PEM block. */
export interface PemBlock {
  readonly label: string;
  readonly der: Buffer;
}

/**
 * The certificates of a PEM text in order, a repeated one once. Read block by block: one that is no certificate, or no
 * strict DER, refuses the whole text, and so does a private key. Text outside the blocks is ignored; a text without
 * any block is refused. @throws PemMalformed. RFC 7468.
 */
export function certificatesFromPem(text: string): Certificate[] {
  return numberedCertificatesFromPem(text).map(({ certificate }) => certificate);
}

/** The same, each with the number of its first block, from 1. @throws PemMalformed. */
export function numberedCertificatesFromPem(
  text: string,
): { readonly block: number; readonly certificate: Certificate }[] {
  const byDigest = new Map<string, { readonly block: number; readonly certificate: Certificate }>();
  const blocks = pemBlocks(text);
  if (blocks.length === 0) throw new PemMalformed(0, 'no PEM block found, expected -----BEGIN CERTIFICATE-----');
  for (const [index, { label, der }] of blocks.entries()) {
    const block = index + 1;
    if (label !== 'CERTIFICATE' && label !== 'X509 CERTIFICATE') {
      throw new PemMalformed(block, `expected CERTIFICATE, found ${label}`);
    }
    try {
      const certificate = parseCertificate(der);
      if (!byDigest.has(certificate.sha256)) byDigest.set(certificate.sha256, { block, certificate });
    } catch (error) {
      if (error instanceof CertificateMalformed) throw new PemMalformed(block, error.message, error);
      throw error;
    }
  }
  return [...byDigest.values()];
}

/** The blocks of a PEM text in order; a private key is refused before its content is looked at. @throws PemMalformed. RFC 7468. */
export function pemBlocks(text: string): PemBlock[] {
  if (text.length > maxPemLength) {
    throw new PemMalformed(0, `PEM text of ${text.length} characters, limit ${maxPemLength}`);
  }
  const blocks: PemBlock[] = [];
  let open: { label: string; lines: string[] } | undefined;
  for (const raw of text.split(/\r\n|\r|\n/)) {
    const line = raw.trimEnd();
    const [, kind, label] = /^-----(BEGIN|END) ([A-Z0-9][A-Z0-9 ]*)-----$/.exec(line) ?? [];
    const number = blocks.length + 1;
    if (kind === 'BEGIN' && label !== undefined) {
      if (open !== undefined)
        throw new PemMalformed(number, `expected -----END ${open.label}-----, found another BEGIN`);
      if (label.endsWith('PRIVATE KEY')) {
        throw new PemMalformed(number, `a private key (${label}) has no place here; remove it`);
      }
      if (number > maxPemBlocks) throw new PemMalformed(number, `more blocks than the limit of ${maxPemBlocks}`);
      open = { label, lines: [] };
    } else if (kind === 'END') {
      if (open === undefined || open.label !== label) {
        throw new PemMalformed(number, `-----END ${label}----- without its BEGIN`);
      }
      blocks.push({ label, der: base64(open.lines.join(''), number) });
      open = undefined;
    } else if (line.startsWith('-----')) {
      throw new PemMalformed(number, `${JSON.stringify(line.slice(0, 40))} is not a BEGIN or END line`);
    } else {
      open?.lines.push(line);
    }
  }
  if (open !== undefined) throw new PemMalformed(blocks.length + 1, `no -----END ${open.label}-----`);
  return blocks;
}

function base64(text: string, block: number): Buffer {
  const bytes = Buffer.from(text, 'base64');
  // Node skips what is not base64; encoding back shows it.
  if (text === '' || bytes.toString('base64') !== text) throw new PemMalformed(block, 'its content is not base64');
  if (bytes.length > maxCertificateBytes) {
    throw new PemMalformed(block, `${bytes.length} bytes, limit ${maxCertificateBytes}`);
  }
  return bytes;
}
