import { maxHeadersLength, maxHeaderValueLength, maxUrlLength } from './limits.ts';
import { RewriteOverflow } from './rewrite.ts';

/** The last step before bytes: whatever rules made is checked here, since a client may have chosen a part of it. */

/**
 * A header value without surrounding white space; undefined where nothing is left, which removes the header.
 * @throws RewriteOverflow for control characters, non-Latin-1, over 32768 characters, or a Host that is none.
 */
export function finishHeaderValue(name: string, expanded: string): string | undefined {
  const value = /^[\t ]|[\t ]$/.test(expanded) ? expanded.replace(/^[\t ]+|[\t ]+$/g, '') : expanded;
  if (value.length > maxHeaderValueLength) {
    throw new RewriteOverflow(`the rules make a ${name} of ${value.length} characters, limit ${maxHeaderValueLength}`);
  }
  const illegal = /[^\t\x20-\x7e\x80-\xff]/.exec(value);
  if (illegal !== null) {
    throw new RewriteOverflow(
      `the rules make a ${name} with the character ${codePoint(illegal[0])}, which no header may have`,
    );
  }
  if (name.toLowerCase() === 'host' && !/^(?:[A-Za-z0-9._~%-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?$/.test(value)) {
    throw new RewriteOverflow('the rules make a Host that is not a host name with an optional port');
  }
  return value === '' ? undefined : value;
}

/**
 * A path: `/` is put in front where it is missing.
 * @throws RewriteOverflow for anything that is not visible ASCII, for `?` and `#`. RFC 9112 3.2.1.
 */
export function finishPath(expanded: string): string {
  const path = expanded.startsWith('/') ? expanded : `/${expanded}`;
  const illegal = /[^\x21-\x7e]|[?#]/.exec(path);
  if (illegal !== null)
    throw new RewriteOverflow(`the rules make a path with ${codePoint(illegal[0])}, which no path may have`);
  return path;
}

/** @throws RewriteOverflow for anything that is not visible ASCII, and for `#`. */
export function finishQuery(expanded: string): string {
  const illegal = /[^\x21-\x7e]|#/.exec(expanded);
  if (illegal !== null)
    throw new RewriteOverflow(`the rules make a query with ${codePoint(illegal[0])}, which no query may have`);
  return expanded;
}

/** @throws RewriteOverflow over 32768 characters. */
export function checkUrlLength(path: string, query: string): void {
  if (path.length + query.length <= maxUrlLength) return;
  throw new RewriteOverflow(`the rules make a URL of ${path.length + query.length} characters, limit ${maxUrlLength}`);
}

/** Header edits as they build up, rule by rule: the last word on a name counts. */
export class HeaderEdits {
  readonly #byName: Map<string, { readonly name: string; readonly values: readonly string[] }>;

  /** Goes on where `before` stands, which stays as it is. */
  constructor(before?: HeaderEdits) {
    this.#byName = new Map(before === undefined ? [] : before.#byName);
  }

  /** Takes the names out that `apart` wants, and returns them. */
  split(apart: (lowerName: string) => boolean): HeaderEdits {
    const taken = new HeaderEdits();
    for (const [lowerName, edit] of this.#byName) {
      if (!apart(lowerName)) continue;
      taken.#byName.set(lowerName, edit);
      this.#byName.delete(lowerName);
    }
    return taken;
  }

  /** No values: the header is removed. */
  put(name: string, lowerName: string, values: readonly string[]): void {
    this.#byName.set(lowerName, { name, values });
  }

  /** As if everything that `later` says were put now. */
  putAll(later: HeaderEdits): void {
    for (const [lowerName, edit] of later.#byName) this.#byName.set(lowerName, edit);
  }

  /** Whether the same is said of the same names, in the same order. */
  equals(other: HeaderEdits): boolean {
    if (this.#byName.size !== other.#byName.size) return false;
    const others = other.#byName.entries();
    for (const [lowerName, { name, values }] of this.#byName) {
      const { value: [otherLowerName, edit] = [] } = others.next();
      if (lowerName !== otherLowerName || name !== edit?.name || values.length !== edit.values.length) return false;
      if (values.some((value, i) => value !== edit.values[i])) return false;
    }
    return true;
  }

  /** What earlier rules made of it; undefined where none touched it. */
  values(lowerName: string): readonly string[] | undefined {
    return this.#byName.get(lowerName)?.values;
  }

  /** Characters of the header lines that are set. */
  get length(): number {
    let length = 0;
    for (const { name, values } of this.#byName.values()) {
      for (const value of values) length += name.length + value.length + 4;
    }
    return length;
  }

  /** `beside`: characters that are said anyway. @throws RewriteOverflow where all together are over 61440 characters. */
  finish(beside = 0): { readonly remove: readonly string[]; readonly set: readonly string[] } {
    if (this.#byName.size === 0) return noHeaderEdits;
    const remove: string[] = [];
    const set: string[] = [];
    for (const [lowerName, { name, values }] of this.#byName) {
      remove.push(lowerName);
      for (const value of values) set.push(name, value);
    }
    const length = beside + this.length;
    if (length > maxHeadersLength) {
      throw new RewriteOverflow(`the rules make headers of ${length} characters together, limit ${maxHeadersLength}`);
    }
    return { remove, set };
  }
}

function codePoint(character: string): string {
  return `U+${character.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}`;
}

/** Shared: most messages are not touched. */
export const noHeaderEdits: { readonly remove: readonly string[]; readonly set: readonly string[] } = Object.freeze({
  remove: Object.freeze([]),
  set: Object.freeze([]),
});
