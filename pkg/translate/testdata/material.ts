import { makeCrlPem } from '../../../test/support/crl.ts';
import { makeAuthority, makePki, testKey } from '../../../test/support/pki.ts';
import { readObject } from '../../manifests/objects.ts';
import { oids } from '../../x509/extensions.ts';
import type { Pod, World } from '../world.ts';

/** Certificates and keys made anew in every process: none stand in the repository. */

const nowMs = Date.UTC(2026, 10, 24);
const pki = makePki({ nowMs });
const secondRoot = makeAuthority('second-root', 'CN=Second Root,O=Lychgate', nowMs);
const rsaServer = pki.intermediate.issue(
  { subject: 'CN=localhost,O=Lychgate', extendedKeyUsage: [oids.serverAuth], san: { dns: ['localhost'] } },
  testKey('server-rsa', 2048),
);
const otherServer = pki.intermediate.issue(
  { subject: 'CN=other,O=Lychgate', extendedKeyUsage: [oids.serverAuth], san: { dns: ['other'] } },
  testKey('server-other'),
);

const responder = (name: string) =>
  pki.intermediate.issue({ subject: `CN=${name}`, extendedKeyUsage: [oids.ocspSigning] }, testKey(name)).certificate
    .pem;
const crl = (serial: number) =>
  makeCrlPem({
    issuer: { certificate: pki.intermediate.certificate, key: pki.intermediate.key },
    ...{ thisUpdateMs: nowMs, nextUpdateMs: nowMs + 86_400_000, entries: [{ serial: Buffer.of(serial), atMs: nowMs }] },
  });

/** What test data may name as `${name}`. */
export const material: Readonly<Record<string, string>> = {
  root: pki.root.certificate.pem,
  intermediate: pki.intermediate.certificate.pem,
  'second-root': secondRoot.certificate.pem,
  server: pki.server.certificate.pem,
  'server.key': pki.server.keyPem,
  'server-rsa': rsaServer.certificate.pem,
  'server-rsa.key': rsaServer.keyPem,
  'server-other': otherServer.certificate.pem,
  'server-other.key': otherServer.keyPem,
  client: pki.client('good').certificate.pem,
  responder: responder('responder'),
  'other-responder': responder('other-responder'),
  crl: crl(1),
  'other-crl': crl(2),
};

/** Replaces every `${name}` in the text. */
export function filled(text: string): string {
  return text.replace(/\$\{([a-z.-]+)\}/g, (whole, name: string) => material[name] ?? whole);
}

/** The reverse, in every string of a value: certificates become `${name}` again. */
export function normalised(value: unknown): unknown {
  if (typeof value === 'string') {
    let text = value;
    for (const [name, pem] of Object.entries(material)) text = text.replaceAll(pem, `\${${name}}`);
    return text;
  }
  if (Array.isArray(value)) return value.map(normalised);
  if (value instanceof Map) return normalised(Object.fromEntries(value));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, normalised(field)]));
}

/** A world out of manifests with `${name}` in them. Whatever the manifests' own reader finds wrong is thrown: it is not under test here. */
export function worldOf(objects: readonly unknown[], pods: readonly Pod[]): World {
  const world = { sslProfiles: [], rewriteSets: [], secrets: [], configMaps: [], pods } as {
    sslProfiles: World['sslProfiles'][number][];
    rewriteSets: World['rewriteSets'][number][];
    secrets: World['secrets'][number][];
    configMaps: World['configMaps'][number][];
    pods: readonly Pod[];
  };
  for (const raw of objects) {
    const read = readObject(filledDeep(raw));
    if (read.faults[0] !== undefined) throw new Error(`${read.faults[0].field}: ${read.faults[0].message}`);
    if (read.kind === 'sslProfile') world.sslProfiles.push(read.object);
    else if (read.kind === 'rewriteSet') world.rewriteSets.push(read.object);
    else if (read.kind === 'files')
      (read.object.kind === 'Secret' ? world.secrets : world.configMaps).push(read.object);
  }
  return world;
}

function filledDeep(value: unknown): unknown {
  if (typeof value === 'string') return filled(value);
  if (Array.isArray(value)) return value.map(filledDeep);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, filledDeep(field)]));
}
