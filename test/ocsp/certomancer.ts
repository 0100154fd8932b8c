import { spawn } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { succeed } from '../support/command.ts';
import { freePort } from '../support/free-port.ts';
import { pythonWith } from '../support/python.ts';
import { until } from '../support/until.ts';

/** Certificates and responders made by certomancer (PyPI), which shares no code with us, OpenSSL or pkijs. */
export interface Certomancer {
  /** PEM of a certificate by its label; `client-good`, `client-revoked`, `ca`, `responder` of either architecture. */
  certificate(architecture: 'ec' | 'rsa', label: string): string;
  /** PEM of the CA's key, to issue certificates that the responder does not know. */
  caKey(architecture: 'ec' | 'rsa'): string;
  url(architecture: 'ec' | 'rsa', responder: 'delegated' | 'direct', prefix?: string): string;
  stop(): Promise<void>;
}

/** Installs certomancer into build/ where it is not there yet, and starts it. Undefined where it cannot be installed. */
export async function startCertomancer(directory: string): Promise<Certomancer | undefined> {
  const python = await pythonWith('certomancer', ['certomancer[web-api]'], 'certomancer, werkzeug');
  if (python === undefined) return undefined;
  const keys = join(directory, 'keys');
  mkdirSync(keys, { recursive: true });
  for (const architecture of ['ec', 'rsa'] as const) {
    for (const name of ['ca', 'responder', 'client']) {
      const { privateKey } =
        architecture === 'ec'
          ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
          : generateKeyPairSync('rsa', { modulusLength: 2048 });
      writeFileSync(join(keys, `${architecture}-${name}.pem`), privateKey.export({ type: 'pkcs8', format: 'pem' }));
    }
  }
  const config = join(directory, 'certomancer.yml');
  writeFileSync(
    config,
    [keysetsYaml(), 'pki-architectures:', architectureYaml('ec'), architectureYaml('rsa')].join('\n'),
  );
  const summoned = (architecture: string) => join(directory, `certs-${architecture}`);
  for (const architecture of ['ec', 'rsa']) {
    const flags = ['--config', config, '--key-root', keys, 'mass-summon', architecture, summoned(architecture)];
    await succeed(python, ['-m', 'certomancer', ...flags, '--flat', '--no-pfx']);
  }
  const port = await freePort();
  const child = spawn(python, [join(import.meta.dirname, 'serve-certomancer.py'), config, keys, String(port)], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let written = '';
  child.stderr.on('data', (text: Buffer) => {
    written += text.toString();
  });
  await until(async () => {
    if (child.exitCode !== null) throw new Error(`certomancer ended: ${written}`);
    return (await isListening(port)) || undefined;
  }, 'certomancer listens');
  return {
    certificate: (architecture, label) => readFileSync(join(summoned(architecture), `${label}.cert.pem`), 'utf8'),
    caKey: (architecture) => readFileSync(join(keys, `${architecture}-ca.pem`), 'utf8'),
    url: (architecture, responder, prefix = '') =>
      `http://127.0.0.1:${port}${prefix}/${architecture}/ocsp/${responder}`,
    stop: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const closed = once(child, 'close');
      child.kill('SIGKILL');
      await closed;
    },
  };
}

function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.on('connect', () => resolve(true)).on('error', () => resolve(false));
    socket.on('connect', () => socket.destroy());
  });
}

function keysetsYaml(): string {
  const rows = ['ec', 'rsa'].flatMap((architecture) => [
    `  ${architecture}-keys:`,
    '    keys:',
    ...['ca', 'responder', 'client'].map((name) => `      ${name}: {path: ${architecture}-${name}.pem}`),
  ]);
  return ['keysets:', ...rows].join('\n');
}

function architectureYaml(name: 'ec' | 'rsa'): string {
  const validity = 'validity: {valid-from: "2020-01-01T00:00:00+0000", valid-to: "2045-01-01T00:00:00+0000"}';
  const certificate = (label: string, subject: string, issuer: string, lines: readonly string[]) => [
    `      ${label}:`,
    ...[`subject: ${subject}`, `subject-key: ${subject === 'ca' || subject === 'responder' ? subject : 'client'}`],
    ...[`issuer: ${issuer}`, `authority-key: ${issuer}`, validity, ...lines],
  ];
  const usage = (...names: string[]) =>
    `  - {id: key_usage, critical: true, smart-value: {schema: key-usage, params: [${names.join(', ')}]}}`;
  const eku = (purpose: string) => `  - {id: extended_key_usage, value: [${purpose}]}`;
  const client = ['extensions:', usage('digital_signature'), eku('client_auth')];
  const certificates = [
    certificate('ca', 'ca', 'ca', [
      ...['extensions:', '  - {id: basic_constraints, critical: true, value: {ca: true}}'],
      usage('digital_signature', 'key_cert_sign', 'crl_sign'),
    ]),
    certificate('responder', 'responder', 'ca', [
      ...['extensions:', usage('digital_signature'), eku('ocsp_signing'), '  - {id: ocsp_no_check}'],
    ]),
    certificate('client-good', 'good', 'ca', client),
    certificate('client-revoked', 'revoked', 'ca', [
      ...client,
      'revocation: {revoked-since: "2024-12-01T00:00:00+0000", reason: key_compromise}',
    ]),
  ];
  const indented = certificates.flatMap(([label = '', ...lines]) => [label, ...lines.map((line) => `        ${line}`)]);
  const signature = name === 'rsa' ? ['          signature-algo: rsassa_pss'] : [];
  return [
    `  ${name}:`,
    `    keyset: ${name}-keys`,
    `    entity-defaults: {country-name: BE, organization-name: Certomancer ${name}}`,
    '    entities:',
    ...['ca', 'responder', 'good', 'revoked'].map((entity) => `      ${entity}: {common-name: ${entity}}`),
    ...['    certs:', ...indented, '    services:', '      ocsp:'],
    ...['        direct: {for-issuer: ca, responder-cert: ca, signing-key: ca}', '        delegated:'],
    ...[
      '          for-issuer: ca',
      '          responder-cert: responder',
      '          signing-key: responder',
      ...signature,
    ],
  ].join('\n');
}
