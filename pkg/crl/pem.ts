import { type Crl, parseCrl } from './crl.ts';
import { CrlMalformed } from './errors.ts';

/**
 * The CRLs of a PEM text in order: blocks `X509 CRL` and nothing else, each of at most `maxBytes` in DER. Text outside
 * the blocks is ignored; a text without any block is refused. @throws CrlMalformed. RFC 7468 6.
 */
export function crlsFromPem(text: string, maxBytes: number): Crl[] {
  const crls: Crl[] = [];
  let rest = text;
  for (;;) {
    const begin = /-----BEGIN ([^-\r\n]*)-----/.exec(rest);
    if (begin === null) break;
    if (begin[1] !== 'X509 CRL') throw new CrlMalformed(`PEM block ${crls.length + 1} is no X509 CRL`);
    const from = begin.index + begin[0].length;
    const end = rest.indexOf(endLine, from);
    if (end < 0) throw new CrlMalformed(`PEM block ${crls.length + 1} has no ${endLine}`);
    const base64 = rest.slice(from, end).replaceAll(/\s/g, '');
    const bytes = Buffer.from(base64, 'base64');
    // Node skips what is not base64; encoding back shows it.
    if (base64 === '' || bytes.toString('base64') !== base64) {
      throw new CrlMalformed(`PEM block ${crls.length + 1}: its content is not base64`);
    }
    if (bytes.length > maxBytes) {
      throw new CrlMalformed(`PEM block ${crls.length + 1}: CRL of ${bytes.length} bytes, limit ${maxBytes}`);
    }
    crls.push(parseCrl(bytes));
    rest = rest.slice(end + endLine.length);
  }
  if (crls.length === 0) throw new CrlMalformed('no PEM block found, expected -----BEGIN X509 CRL-----');
  return crls;
}

const endLine = '-----END X509 CRL-----';
