/**
 * Character classes of RFC 9110 5.6.2 and RFC 3986 as 256-entry tables (1: member). A table look-up is what V8 makes
 * fastest, and one place holds each rule.
 */

/** tchar: what names, methods and list tokens are made of (RFC 9110 5.6.2). */
export const tokenOctet: Uint8Array = octetTable((c) => isAlphanumeric(c) || "!#$%&'*+-.^_`|~".includes(charOf(c)));

/** field-content and what stands between it: HTAB, SP, VCHAR, obs-text (RFC 9110 5.5). No CR, LF, NUL, other control or DEL. */
export const valueOctet: Uint8Array = octetTable((c) => c === 0x09 || (c >= 0x20 && c !== 0x7f));

/** Visible ASCII but `#`: a target is never sent with a fragment (RFC 9112 3.2), nor with raw 8-bit octets. */
export const targetOctet: Uint8Array = octetTable((c) => c > 0x20 && c < 0x7f && charOf(c) !== '#');

/** Letters, digits and `-`: names that every application framework reads as the same name. */
export const plainNameOctet: Uint8Array = octetTable((c) => isAlphanumeric(c) || charOf(c) === '-');

/**
 * Host names as they occur: letters, digits, `-`, `.`, `_`. RFC 3986 3.2.2 would also allow percent-encoding and
 * sub-delims (the comma among them), which servers read differently.
 */
export const hostOctet: Uint8Array = octetTable((c) => isAlphanumeric(c) || '-._'.includes(charOf(c)));

/** Value of a hexadecimal digit, 255 for every other octet. */
export const hexValue: Uint8Array = Uint8Array.from({ length: 256 }, (_, c) => {
  const digit = '0123456789abcdef'.indexOf(charOf(c).toLowerCase());
  return digit === -1 ? 255 : digit;
});

/** Whether `text` is not empty and has only characters of the table; characters above 255 are never members. */
export function isAllOf(table: Uint8Array, text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    if (table[text.charCodeAt(i)] !== 1) return false;
  }
  return text.length > 0;
}

function octetTable(isMember: (octet: number) => boolean): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, octet) => (isMember(octet) ? 1 : 0));
}

function isAlphanumeric(c: number): boolean {
  return (c >= 0x30 && c <= 0x39) || (c >= 0x41 && c <= 0x5a) || (c >= 0x61 && c <= 0x7a);
}

function charOf(c: number): string {
  return String.fromCharCode(c);
}
