import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import type { Certificate } from '../x509/certificate.ts';
import { oids } from '../x509/extensions.ts';
import { type CertificateRequest, issueCertificate } from '../x509/issue.ts';

/** A certificate with its private key. */
export interface Identity {
  readonly certificate: Certificate;
  readonly key: KeyObject;
}

/** One client of the demo, in the order of the table. */
export interface DemoClient {
  /** Name of the row and, with .crt and .key, of its files. */
  readonly name: string;
  /** What is special about it, in a few words. */
  readonly about: string;
  /** Undefined for the client that presents nothing. */
  readonly identity: Identity | undefined;
  /** Sends somebody else's certificate in X-Client-Cert, as a forger would. */
  readonly forges: boolean;
}

/** The demo's small PKI: everything in it is made anew and valid from a day before until thirty days after `nowMs`. */
export interface DemoPki {
  readonly root: Identity;
  /** The CA that issues the clients, and whose key signs most OCSP answers. */
  readonly issuing: Identity;
  /** Authorised by `issuing` to sign OCSP answers: OCSPSigning and nocheck. RFC 6960 4.2.2.2. */
  readonly delegate: Identity;
  /** Issued by `issuing` like any client: its signature under an OCSP answer must never count. */
  readonly impostor: Identity;
  /** A CA with the very names of `issuing`, of another key: nobody trusts it. */
  readonly twin: Identity;
  /** For shop.localhost, localhost and 127.0.0.1. */
  readonly server: Identity;
  readonly clients: readonly DemoClient[];
}

/** The responder's paths: who signs an answer depends on the URL that a certificate names. */
export const responderPaths = { ca: '/', delegate: '/delegate', impostor: '/impostor' } as const;

/** Makes the whole PKI with fresh P-256 keys. `responderUrl` is an origin such as `http://127.0.0.1:8090`. */
export function makeDemoPki(options: { readonly nowMs: number; readonly responderUrl: string }): DemoPki {
  const { nowMs, responderUrl } = options;
  const validity = { notBeforeMs: nowMs - dayMs, notAfterMs: nowMs + 30 * dayMs };
  const issue = (
    request: Omit<CertificateRequest, 'key' | 'notAfterMs' | 'notBeforeMs'> & Partial<CertificateRequest>,
  ) => identityOf({ ...validity, key: newKey(), ...request });
  const authority = (cn: string, organisation: string, issuer?: Identity) =>
    issue({
      subject: `CN=${cn},O=${organisation}`,
      isCa: true,
      // digitalSignature: it signs OCSP answers too.
      keyUsage: ['digitalSignature', 'keyCertSign', 'cRLSign'],
      ...(issuer === undefined ? {} : { issuer }),
    });

  const root = authority('Demo Root CA', 'Lychgate Demo');
  const issuing = authority('Demo Issuing CA', 'Lychgate Demo', root);
  const stranger = authority('Stranger CA', 'Elsewhere');
  // The names are those of the demo's own CA; only the key tells them apart.
  const twin = authority('Demo Issuing CA', 'Lychgate Demo', stranger);

  const client = (
    name: string,
    about: string,
    change: Partial<CertificateRequest> = {},
    forges = false,
  ): DemoClient => ({
    name,
    about,
    forges,
    identity: issue({
      subject: `CN=${name},O=Lychgate Demo`,
      issuer: issuing,
      extendedKeyUsage: [oids.clientAuth],
      san: { uri: [`spiffe://demo.lychgate.dev/${name}`] },
      ocspUrls: [responderUrl + responderPaths.ca],
      ...change,
    }),
  });
  return {
    root,
    issuing,
    twin,
    delegate: issue({
      subject: 'CN=Demo OCSP Responder,O=Lychgate Demo',
      issuer: issuing,
      extendedKeyUsage: [oids.ocspSigning],
      ocspNoCheck: true,
    }),
    impostor: issue({
      subject: 'CN=Impostor,O=Lychgate Demo',
      issuer: issuing,
      extendedKeyUsage: [oids.clientAuth],
    }),
    server: issue({
      subject: 'CN=shop.localhost,O=Lychgate Demo',
      issuer: issuing,
      extendedKeyUsage: [oids.serverAuth],
      san: { dns: ['shop.localhost', 'localhost'], ip: ['127.0.0.1', '::1'] },
    }),
    clients: [
      client('client', 'good, says the CA'),
      client('delegated', 'good, says a delegate of the CA', {
        ocspUrls: [responderUrl + responderPaths.delegate],
      }),
      client('forging', 'good, forges X-Client-Cert', {}, true),
      client('revoked', 'revoked yesterday'),
      client('unknown', 'the responder does not know it'),
      client('impostor', '"good", says another client', {
        ocspUrls: [responderUrl + responderPaths.impostor],
      }),
      client('no-aia', 'names no responder', { ocspUrls: [] }),
      client('expired', 'expired an hour ago', { notAfterMs: nowMs - hourMs }),
      client('not-yet-valid', 'begins in an hour', { notBeforeMs: nowMs + hourMs }),
      client('server-only', 'meant for servers', { extendedKeyUsage: [oids.serverAuth] }),
      client('stranger', "a stranger's CA", { issuer: stranger }),
      client('twin', "a stranger's CA, same name", { issuer: twin }),
      { name: 'none', about: 'no certificate', identity: undefined, forges: false },
      { name: 'none-forging', about: 'none, forges X-Client-Cert', identity: undefined, forges: true },
    ],
  };
}

/** The PEM files of the PKI by name: certificates alone, without their chains, so that each is what a header shows. */
export function pkiFiles(pki: DemoPki): ReadonlyMap<string, string> {
  const files = new Map<string, string>();
  const add = (name: string, { certificate, key }: Identity) => {
    files.set(`${name}.crt`, certificate.pem);
    files.set(`${name}.key`, pkcs8(key));
  };
  // The issuing CA first: `openssl ocsp -issuer` takes the first certificate, trust bundles take both.
  files.set('ca.crt', pki.issuing.certificate.pem + pki.root.certificate.pem);
  files.set('root.crt', pki.root.certificate.pem);
  files.set('server.crt', pki.server.certificate.pem + pki.issuing.certificate.pem);
  files.set('server.key', pkcs8(pki.server.key));
  for (const { name, identity } of pki.clients) if (identity !== undefined) add(name, identity);
  return files;
}

function identityOf(request: Omit<CertificateRequest, 'issuer'> & { readonly issuer?: Identity }): Identity {
  return { certificate: issueCertificate(request), key: request.key };
}

function newKey(): KeyObject {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
}

function pkcs8(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' }).toString();
}

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
