/** An answer's head as HTTP/2 has it: `:status`, then the fields with names in lower case (RFC 9113 8.2, 8.3.2). */
export function answerFields(status: number, fields: readonly string[]): string[] {
  const out = [':status', String(status)];
  for (let i = 0; i < fields.length; i += 2) out.push((fields[i] ?? '').toLowerCase(), fields[i + 1] ?? '');
  return out;
}

/** The same for trailers, which have no pseudo-header fields. */
export function lowerCased(fields: readonly string[]): readonly string[] {
  return fields.map((text, i) => (i % 2 === 0 ? text.toLowerCase() : text));
}
