import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Certificate } from '../../pkg/x509/certificate.ts';
import { oids } from '../../pkg/x509/extensions.ts';
import { type CertificateRequest, issueCertificate } from '../../pkg/x509/issue.ts';

/** A certificate with its private key and the chain that its owner sends: itself, then the intermediates. */
export interface Identity {
  readonly certificate: Certificate;
  readonly key: KeyObject;
  /** PKCS #8. */
  readonly keyPem: string;
  readonly chain: readonly [Certificate, ...Certificate[]];
  readonly chainPem: string;
}

/** A certification authority of a test. */
export interface Authority extends Identity {
  /** Issues a leaf or another CA; whatever is given overrides the defaults of a good client certificate. */
  issue(request: Partial<CertificateRequest>, key?: KeyObject): Identity;
}

/** The client certificates that a gate must tell apart. */
export const clientFlavours = [
  'good',
  'caAsLeaf',
  'expired',
  'noAia',
  'notYetValid',
  'rsa1024',
  'stranger',
  'twin',
  'version1',
  'wrongPurpose',
] as const;
export type ClientFlavour = (typeof clientFlavours)[number];

export interface Pki {
  readonly root: Authority;
  readonly intermediate: Authority;
  /** Root and intermediate, as a trustedClientCertificates entry has them. */
  readonly caPem: string;
  /** Another root with an intermediate of its own, that no one trusts. */
  readonly stranger: Authority;
  /** A CA named like `intermediate`, issued by the stranger, with another key. */
  readonly twin: Authority;
  /** For localhost, *.example.test, 127.0.0.1 and ::1. */
  readonly server: Identity;
  /** Made on the first call and remembered. */
  client(flavour: ClientFlavour): Identity;
}

export interface PkiOptions {
  /** Everything is valid from a day before to thirty days after it. */
  readonly nowMs: number;
  /** The clients' AIA; none when absent. */
  readonly ocspUrl?: string;
  /** The server's; one of P-256 when absent. */
  readonly serverKey?: KeyObject;
}

/** Makes a small PKI of P-256 keys. Keys are made once a process; certificates are the same for the same options, but for their signatures. */
export function makePki(options: PkiOptions): Pki {
  const { nowMs, ocspUrl } = options;
  const root = makeAuthority('root', 'CN=Test Root,O=Lychgate', nowMs);
  const intermediate = makeAuthority('intermediate', 'CN=Test Intermediate,O=Lychgate', nowMs, root);
  const stranger = makeAuthority('stranger', 'CN=Stranger Root,O=Elsewhere', nowMs);
  const twin = makeAuthority('twin', 'CN=Test Intermediate,O=Lychgate', nowMs, stranger);
  const aia = ocspUrl === undefined ? {} : { ocspUrls: [ocspUrl] };
  const made = new Map<ClientFlavour, Identity>();

  function make(flavour: ClientFlavour): Identity {
    const name = (cn: string) => ({ subject: `CN=${cn},O=Lychgate`, serial: serialOf(flavour), ...aia });
    switch (flavour) {
      case 'good':
        return intermediate.issue({ ...name('good client'), san: goodNames }, testKey('client'));
      case 'caAsLeaf':
        return intermediate.issue({
          ...name('CA as client'),
          isCa: true,
          keyUsage: ['digitalSignature', 'keyCertSign'],
        });
      case 'expired':
        return intermediate.issue({ ...name('expired client'), notAfterMs: nowMs - hourMs });
      case 'noAia':
        return intermediate.issue({ ...name('client without AIA'), ocspUrls: [] });
      case 'notYetValid':
        return intermediate.issue({ ...name('early client'), notBeforeMs: nowMs + hourMs });
      case 'rsa1024':
        return intermediate.issue(name('weak client'), testKey('rsa-1024', 1024));
      case 'stranger':
        return stranger.issue(name('stranger'));
      case 'twin':
        return twin.issue(name('good client'));
      case 'version1':
        return intermediate.issue({ ...name('version 1 client'), version: 1 });
      case 'wrongPurpose':
        return intermediate.issue({ ...name('server as client'), extendedKeyUsage: [oids.serverAuth] });
    }
  }

  const server = intermediate.issue(
    {
      subject: 'CN=localhost,O=Lychgate',
      serial: Buffer.of(0x40, 0xff),
      extendedKeyUsage: [oids.serverAuth],
      san: { dns: ['localhost', '*.example.test'], ip: ['127.0.0.1', '::1'] },
    },
    options.serverKey ?? testKey('server'),
  );
  return {
    root,
    intermediate,
    caPem: root.certificate.pem + intermediate.certificate.pem,
    stranger,
    twin,
    server,
    client(flavour) {
      const identity = made.get(flavour) ?? make(flavour);
      made.set(flavour, identity);
      return identity;
    },
  };
}

/** A CA: self-signed without `parent`. The key is the process's one of that name. */
export function makeAuthority(
  keyName: string,
  subject: string,
  nowMs: number,
  parent?: Authority,
  extra: Partial<CertificateRequest> = {},
): Authority {
  const key = extra.key ?? testKey(keyName);
  const certificate = issueCertificate({
    subject,
    key,
    notBeforeMs: nowMs - dayMs,
    notAfterMs: nowMs + 30 * dayMs,
    serial: Buffer.from(`4${Buffer.from(keyName).toString('hex').slice(0, 15)}`, 'hex'),
    isCa: true,
    ...(parent === undefined ? {} : { issuer: { certificate: parent.certificate, key: parent.key } }),
    ...extra,
  });
  const above = parent === undefined || parent.certificate.isIssuedBy(parent.certificate) ? [] : parent.chain;
  const chain: [Certificate, ...Certificate[]] = [certificate, ...above];
  return {
    ...identityOf(chain, key),
    issue(request, leafKey = testKey('leaf')) {
      const leaf = issueCertificate({
        subject: 'CN=client',
        key: leafKey,
        issuer: { certificate, key },
        notBeforeMs: nowMs - dayMs,
        notAfterMs: nowMs + 30 * dayMs,
        extendedKeyUsage: [oids.clientAuth],
        ...request,
      });
      return identityOf(parent === undefined ? [leaf] : [leaf, ...chain], request.key ?? leafKey);
    },
  };
}

/** The P-256 key of that name (or RSA with `rsaBits`), made on first use and the same for the rest of the process. */
export function testKey(name: string, rsaBits?: number): KeyObject {
  const known = keys.get(name);
  if (known !== undefined) return known;
  const { privateKey } =
    rsaBits === undefined
      ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
      : generateKeyPairSync('rsa', { modulusLength: rsaBits });
  keys.set(name, privateKey);
  return privateKey;
}

/** Writes `ca.crt`, `root.crt`, `intermediate.crt`, `server.crt`, `server.key` and FLAVOUR.crt, FLAVOUR.key (chains, PKCS #8) into `directory`. */
export function writePki(pki: Pki, directory: string, flavours: readonly ClientFlavour[] = clientFlavours): void {
  mkdirSync(directory, { recursive: true });
  const write = (name: string, text: string) => writeFileSync(join(directory, name), text, { mode: 0o600 });
  write('ca.crt', pki.caPem);
  write('root.crt', pki.root.certificate.pem);
  write('intermediate.crt', pki.intermediate.certificate.pem);
  write('server.crt', pki.server.chainPem);
  write('server.key', pki.server.keyPem);
  for (const flavour of flavours) {
    write(`${flavour}.crt`, pki.client(flavour).chainPem);
    write(`${flavour}.key`, pki.client(flavour).keyPem);
  }
}

function identityOf(chain: readonly [Certificate, ...Certificate[]], key: KeyObject): Identity {
  return {
    certificate: chain[0],
    key,
    keyPem: key.export({ type: 'pkcs8', format: 'pem' }).toString(),
    chain,
    chainPem: chain.map(({ pem }) => pem).join(''),
  };
}

function serialOf(flavour: ClientFlavour): Buffer {
  return Buffer.of(0x10, clientFlavours.indexOf(flavour) + 1);
}

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
const goodNames = {
  dns: ['client.example.test'],
  uri: ['spiffe://example.test/ns/shop/sa/web'],
  email: ['client@example.test'],
};
const keys = new Map<string, KeyObject>();
