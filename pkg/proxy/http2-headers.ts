import type { OutgoingHttpHeaders } from 'node:http2';

/** Adds a flat name, value list to what Node's HTTP/2 sends: lower-case names, and a list where a name stands twice. */
export function addHeaders(headers: OutgoingHttpHeaders, fields: readonly string[]): void {
  for (let i = 0; i < fields.length; i += 2) {
    const name = (fields[i] ?? '').toLowerCase();
    const value = fields[i + 1] ?? '';
    const before = headers[name];
    if (before === undefined) headers[name] = value;
    else if (Array.isArray(before)) before.push(value);
    else headers[name] = [String(before), value];
  }
}
