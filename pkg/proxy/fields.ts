/**
 * Which header fields get through. Hop-by-hop fields and framing belong to one connection (RFC 9110 7.6.1) and are made
 * anew; proofs (guarded names) and forwarding facts are ours to say.
 */

export const hopByHop: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
]);

/** What the sidecar says of the client and the original request; a client's own are replaced (design section 4). */
const forwarding: ReadonlySet<string> = new Set([
  'forwarded',
  'x-forwarded',
  'x-real-ip',
  'x-client-ip',
  'true-client-ip',
  'x-request-id',
]);
const forwardingPrefixes = ['x-forwarded-', 'x-original-', 'x-rewrite-'];

/** What is known of a field by its name as received. */
export interface FieldName {
  readonly lower: string;
  readonly action: 'drop' | 'forwarding' | 'pass';
  /** Neither hop-by-hop nor framing: an answer's field that goes through. */
  readonly endToEnd: boolean;
  /** A proof of the client certificate: never taken from a client, nor shown to one by the application. */
  readonly guarded: boolean;
}

/**
 * Decides by name, remembered in a bounded table: the names of requests repeat, and one Map look-up per field is all
 * that is left. One table per snapshot, since `guarded` is a snapshot's.
 */
export class FieldTable {
  readonly #names = new Map<string, FieldName>();
  readonly #isGuarded: (folded: string) => boolean;

  constructor(isGuarded: (folded: string) => boolean) {
    this.#isGuarded = isGuarded;
  }

  name(name: string): FieldName {
    const known = this.#names.get(name);
    if (known !== undefined) return known;
    if (name.length > maxNameLength) return this.#decide(name);
    // Invented names must not fill the table for good; a copy, since a name cut out of a head keeps the head alive.
    if (this.#names.size >= maxNames) this.#names.clear();
    const copy = Buffer.from(name, 'latin1').toString('latin1');
    const decided = this.#decide(copy);
    this.#names.set(copy, decided);
    return decided;
  }

  #decide(name: string): FieldName {
    const lower = name.toLowerCase();
    const guarded = this.#isGuarded(lower.replace(/[^a-z0-9]/g, '-'));
    // Names outside letters, digits and hyphen are dropped, as Azure does: applications map `_` and `.` to `-`.
    const legal = /^[a-z0-9-]+$/.test(lower);
    const endToEnd = !hopByHop.has(lower) && lower !== 'content-length';
    if (!legal || guarded || !endToEnd || madeAnew.has(lower)) return { lower, action: 'drop', endToEnd, guarded };
    const isForwarding = forwarding.has(lower) || forwardingPrefixes.some((prefix) => lower.startsWith(prefix));
    return { lower, action: isForwarding ? 'forwarding' : 'pass', endToEnd, guarded };
  }
}

const madeAnew: ReadonlySet<string> = new Set(['content-length', 'expect', 'host']);
const maxNames = 1024;
const maxNameLength = 64;
