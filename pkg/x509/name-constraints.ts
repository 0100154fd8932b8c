import type { Certificate } from './certificate.ts';
import { DerCursor, DerMalformed, type DerNode, readDer, tags } from './der.ts';
import { readIa5 } from './der-values.ts';
import { oids } from './extensions.ts';
import { nameRdns, parseName, rdnKeys } from './name.ts';

/**
 * Why `certificate` may not stand below `issuer` by the issuer's nameConstraints, or undefined. Enforced for DNS names,
 * e-mail addresses, URIs, IP addresses and directory names whether or not the extension is critical. A name of another
 * form that is constrained, a name whose form cannot be judged, and an unreadable extension all refuse.
 * RFC 5280 4.2.1.10.
 */
export function nameConstraintFault(certificate: Certificate, issuer: Certificate): string | undefined {
  const extension = issuer.extensions.get(oids.nameConstraints);
  if (extension === undefined) return undefined;
  try {
    const cursor = new DerCursor(readDer(extension.value), 'nameConstraints');
    const permitted = subtrees(cursor.optional(0xa0));
    const excluded = subtrees(cursor.optional(0xa1));
    cursor.end();
    const names = namesOf(certificate);
    // A few kilobytes of either would otherwise multiply into seconds of work.
    if (names.length * (permitted.length + excluded.length) > maxComparisons) return 'too many name constraints';
    return names.map((name) => faultOf(name, permitted, excluded)).find((fault) => fault !== undefined);
  } catch (error) {
    if (error instanceof DerMalformed) return `nameConstraints: ${error.message}`;
    throw error;
  }
}

/** A GeneralName: its tag and either text, octets or RDNs. */
interface General {
  readonly tag: number;
  readonly text: string;
  readonly octets: Buffer;
  readonly rdns: readonly string[];
}

function faultOf(name: General, permitted: readonly General[], excluded: readonly General[]): string | undefined {
  const form = forms.get(name.tag) ?? 'another form';
  const allow = permitted.filter(({ tag }) => tag === name.tag);
  const deny = excluded.filter(({ tag }) => tag === name.tag);
  if (allow.length + deny.length === 0) return undefined;
  if (!forms.has(name.tag)) return 'a constrained name of a form that is not supported';
  if (deny.some((base) => matches(name, base, true))) return `an excluded ${form}`;
  if (allow.length > 0 && !allow.some((base) => matches(name, base, false))) return `a not permitted ${form}`;
  return undefined;
}

/** Whether a name falls under a base. What cannot be judged counts as excluded and never as permitted. */
function matches(name: General, base: General, excluding: boolean): boolean {
  switch (name.tag) {
    case 0x81:
      return matchesEmail(name.text, base.text);
    case 0x82:
      return matchesDns(name.text, base.text, excluding);
    case 0x86: {
      const host = /^[A-Za-z][A-Za-z0-9+.-]*:\/\/(?:[^/?#@]*@)?([A-Za-z0-9._-]+)(?::\d*)?(?:[/?#]|$)/.exec(
        name.text,
      )?.[1];
      if (host === undefined || /^[\d.]+$/.test(host)) return excluding;
      return matchesHost(host, base.text);
    }
    case 0x87: {
      const size = name.octets.length;
      if (base.octets.length !== size * 2) return false;
      return name.octets.every((octet, at) => {
        const mask = base.octets[size + at] ?? 0;
        return (octet & mask) === ((base.octets[at] ?? 0) & mask);
      });
    }
    default:
      return base.rdns.every((rdn, at) => name.rdns[at] === rdn);
  }
}

function matchesDns(name: string, base: string, excluding: boolean): boolean {
  const host = fold(name);
  const suffix = fold(base);
  if (suffix === '') return true;
  const under = suffix.startsWith('.') ? host.endsWith(suffix) : host === suffix || host.endsWith(`.${suffix}`);
  // A wildcard also stands for the excluded names below it.
  const covers = excluding && host.startsWith('*.') && suffix.replace(/^\./, '').endsWith(host.slice(1));
  return under || covers;
}

function matchesEmail(name: string, base: string): boolean {
  const at = name.lastIndexOf('@');
  const [local, host] = [name.slice(0, at), name.slice(at + 1)];
  if (base.includes('@')) {
    const baseAt = base.lastIndexOf('@');
    return at > 0 && local === base.slice(0, baseAt) && fold(host) === fold(base.slice(baseAt + 1));
  }
  return base === '' || matchesHost(host, base);
}

function matchesHost(host: string, base: string): boolean {
  return base.startsWith('.') ? fold(host).endsWith(fold(base)) : base === '' || fold(host) === fold(base);
}

function subtrees(list: DerNode | undefined): readonly General[] {
  return (list?.children ?? []).map((node) => {
    const cursor = new DerCursor(node, 'a subtree');
    const base = general(cursor.take('a base'));
    // minimum and maximum: RFC 5280 forbids both.
    cursor.end();
    if (base.tag === 0x87 && base.octets.length !== 8 && base.octets.length !== 32) {
      throw new DerMalformed('expected an address and a mask', node.offset);
    }
    return base;
  });
}

/** Every name of a certificate: its subject, the e-mail addresses in it, and the subject alternative names. */
function namesOf({ subject, extensions }: Certificate): readonly General[] {
  const alternative = extensions.get(oids.subjectAltName);
  const listed = alternative === undefined ? [] : readDer(alternative.value).children.map(general);
  const rdns = rdnKeys(subject);
  const directory = rdns.length === 0 ? [] : [{ ...nothing, tag: 0xa4, rdns }];
  const addresses = nameRdns(subject)
    .flat()
    .filter(({ oid }) => oid === '1.2.840.113549.1.9.1')
    .map(({ text }) => ({ ...nothing, tag: 0x81, text: text ?? '' }));
  return [...directory, ...addresses, ...listed];
}

function general(node: DerNode): General {
  switch (node.tag) {
    case 0x81:
    case 0x82:
    case 0x86:
      return { ...nothing, tag: node.tag, text: readIa5(node, 'a name', node.tag) };
    case 0xa4: {
      const cursor = new DerCursor(node, 'a directoryName', 0xa4);
      const name = parseName(cursor.take('a name', tags.sequence));
      cursor.end();
      return { ...nothing, tag: node.tag, rdns: rdnKeys(name) };
    }
    default:
      return { ...nothing, tag: node.tag, octets: node.content };
  }
}

function fold(text: string): string {
  return text.toLowerCase();
}

const nothing = { text: '', octets: Buffer.alloc(0), rdns: [] } as const;
const forms: ReadonlyMap<number, string> = new Map([
  [0x81, 'e-mail address'],
  [0x82, 'DNS name'],
  [0x86, 'URI'],
  [0x87, 'IP address'],
  [0xa4, 'directory name'],
]);
const maxComparisons = 100_000;
