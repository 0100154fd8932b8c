import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, renameSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { succeed } from './command.ts';
import { until } from './until.ts';

/** Certificates and responders as the openssl command line makes them: nothing of ours takes part. */

export type KeyAlgorithm = 'EC' | 'RSA';

/** Files of a certificate and its key, as a user has them. */
export interface OpensslIdentity {
  readonly crt: string;
  readonly key: string;
  /** The certificate, then the intermediates that its owner sends. */
  readonly chain: string;
  /** Content of `crt`, to the byte. */
  readonly pem: string;
  readonly serial: string;
}

export interface IssueOptions {
  /** As `openssl req -subj` takes it; `/O=Lychgate/CN=NAME` by default. */
  readonly subject?: string;
  /** Its AIA; none by default. */
  readonly ocspUrl?: string;
  /** Lines of an extension section after basicConstraints; a client certificate's by default. */
  readonly extensions?: readonly string[];
  readonly days?: number;
}

/** A CA with the index that `openssl ocsp -index` answers from. */
export interface OpensslCa extends OpensslIdentity {
  readonly index: string;
  /** Root and, below it, this CA: what a trustedClientCertificates entry has. */
  readonly bundle: string;
  /** Files NAME.crt and NAME.key; the certificate is in the index as valid unless `listed` is false. */
  issue(name: string, options?: IssueOptions & { readonly listed?: boolean }): Promise<OpensslIdentity>;
  /** Says so in the index; a running responder must be refreshed. */
  revoke(identity: OpensslIdentity, reason?: string): void;
}

export const clientExtensions = ['keyUsage=critical,digitalSignature', 'extendedKeyUsage=clientAuth'] as const;
export const serverExtensions = ['extendedKeyUsage=serverAuth', 'subjectAltName=DNS:localhost,DNS:*.example.test'];
export const responderExtensions = ['extendedKeyUsage=OCSPSigning', 'noCheck=ignored'];

/** Makes a root and an issuing CA below it in `directory`, which must exist. */
export async function makeOpensslCa(
  directory: string,
  name: string,
  algorithm: KeyAlgorithm = 'EC',
): Promise<OpensslCa> {
  const at = (file: string) => join(directory, file);
  const rootName = `${name}-root`;
  const root = { crt: at(`${rootName}.crt`), key: at(`${rootName}.key`) };
  await succeed('openssl', [
    ...['req', '-x509', '-nodes', ...newKey(algorithm), '-days', '30', '-subj', `/O=Lychgate/CN=${rootName}`],
    ...['-keyout', root.key, '-out', root.crt, '-addext', 'keyUsage=critical,keyCertSign,cRLSign'],
  ]);
  const rootPem = readFileSync(root.crt, 'utf8');
  let serials = 0x1000;
  const sign = async (file: string, issuer: { crt: string; key: string }, chain: string, options: IssueOptions) => {
    serials += 1;
    const serial = serials.toString(16).toUpperCase();
    const subject = options.subject ?? `/O=Lychgate/CN=${file}`;
    const crt = at(`${file}.crt`);
    const key = at(`${file}.key`);
    const request = await succeed('openssl', [
      ...['req', '-new', '-nodes', ...newKey(algorithm), '-utf8', '-subj', subject, '-keyout', key],
    ]);
    const lines = options.extensions ?? clientExtensions;
    const aia = options.ocspUrl === undefined ? [] : [`authorityInfoAccess=OCSP;URI:${options.ocspUrl}`];
    writeFileSync(at(`${file}.ext`), [...lines, ...aia, ''].join('\n'));
    await succeed(
      'openssl',
      [
        ...['x509', '-req', '-CA', issuer.crt, '-CAkey', issuer.key, '-set_serial', `0x${serial}`],
        ...['-days', String(options.days ?? 20), '-extfile', at(`${file}.ext`), '-out', crt],
      ],
      { input: request },
    );
    const pem = readFileSync(crt, 'utf8');
    writeFileSync(at(`${file}.chain.crt`), pem + chain);
    return { crt, key, chain: at(`${file}.chain.crt`), pem, serial, subject };
  };
  const ca = await sign(name, root, '', {
    extensions: ['basicConstraints=critical,CA:true', 'keyUsage=critical,keyCertSign,cRLSign,digitalSignature'],
  });
  const index = at(`${name}.index`);
  const bundle = at(`${name}.bundle.crt`);
  writeFileSync(bundle, rootPem + ca.pem);
  const rows = new Map<string, string>();
  // openssl looks at whole seconds of the file's times, and at its inode, which two new files later is the same again.
  let second = Math.floor(Date.now() / 1000);
  const writeIndex = () => {
    second += 1;
    writeFileSync(`${index}.new`, [...rows.values()].join(''));
    utimesSync(`${index}.new`, second, second);
    renameSync(`${index}.new`, index);
  };
  writeIndex();
  return {
    ...ca,
    index,
    bundle,
    issue: async (file, options = {}) => {
      const identity = await sign(file, ca, ca.pem, options);
      if (options.listed !== false) {
        rows.set(identity.serial, `V\t300101000000Z\t\t${identity.serial}\tunknown\t${identity.subject}\n`);
        writeIndex();
      }
      return identity;
    },
    revoke: (identity, reason = 'keyCompromise') => {
      rows.set(identity.serial, `R\t300101000000Z\t251120100000Z,${reason}\t${identity.serial}\tunknown\t/CN=x\n`);
      writeIndex();
    },
  };
}

export interface OpensslResponder {
  readonly url: string;
  /** The responder looks at its index after an answer, not before: this makes it read what has changed. */
  refresh(): Promise<void>;
  stop(): Promise<void>;
}

/** `openssl ocsp -index` for a CA; `signer` is a delegated responder's certificate, the CA itself without it. */
export async function startOpensslResponder(
  ca: OpensslCa,
  port: number,
  signer: OpensslIdentity = ca,
  more: readonly string[] = [],
): Promise<OpensslResponder> {
  const child = spawn(
    'openssl',
    [
      ...['ocsp', '-index', ca.index, '-CA', ca.crt, '-rsigner', signer.crt, '-rkey', signer.key],
      ...['-port', String(port), '-nmin', '5', ...more],
    ],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  const written = collect(child);
  await until(() => {
    if (child.exitCode !== null) throw new Error(`openssl ocsp ended: ${written()}`);
    return written().includes('waiting for OCSP client connections') || undefined;
  }, 'openssl ocsp listens');
  return {
    url: `http://127.0.0.1:${port}/`,
    refresh: async () => {
      await succeed('openssl', [
        ...['ocsp', '-issuer', ca.crt, '-serial', '1', '-url', `http://127.0.0.1:${port}/`, '-noverify'],
      ]);
    },
    stop: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const closed = once(child, 'close');
      child.kill('SIGKILL');
      await closed;
    },
  };
}

function collect(child: ChildProcess): () => string {
  let text = '';
  const add = (part: unknown) => {
    text += String(part);
  };
  child.stdout?.on('data', add);
  child.stderr?.on('data', add);
  return () => text;
}

function newKey(algorithm: KeyAlgorithm): readonly string[] {
  return algorithm === 'RSA' ? ['-newkey', 'rsa:2048'] : ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256'];
}
