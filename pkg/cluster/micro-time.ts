/**
 * The API's MicroTime: RFC 3339 with exactly six digits, in UTC. Leases and events refuse three. (The library's own
 * V1MicroTime is a Date when written and a text when read.)
 */
export function microTime(wallMs: number): string {
  return new Date(wallMs).toISOString().replace('Z', '000Z');
}
