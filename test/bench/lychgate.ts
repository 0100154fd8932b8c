import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../support/free-port.ts';
import { imageFlags } from '../support/image-flags.ts';
import { caConfigMap, sslProfile, tlsSecret, writeManifests } from '../support/manifests.ts';
import type { Ground } from './ground.ts';
import { output, repository, startPinned } from './machine.ts';
import type { Peer, Variant } from './peer.ts';

/** One way to run Lychgate; without any of the options it is what users run. */
export interface LychgateOptions {
  readonly name: string;
  readonly about: string;
  readonly variant?: Variant;
  readonly ocsp?: boolean;
  readonly rules?: 'certificate' | 'none' | 'twenty';
  readonly audit?: 'off' | 'refusals';
  /** One a core by default. */
  readonly workers?: number;
  /** This checkout's by default. */
  readonly bundle?: string;
  /** Before the bundle, beside the image's. */
  readonly nodeArgs?: readonly string[];
  /** A program instead of this Node. */
  readonly runtime?: string;
}

const ownBundle = join(repository, 'dist', 'sidecar.js');

/** Lychgate as a peer, under the flags of the image. */
export function lychgate(options: LychgateOptions): Peer {
  const { name, about, variant, runtime, bundle = ownBundle, nodeArgs = [], audit = 'refusals' } = options;
  const runtimeVersion = () =>
    runtime === undefined ? `Node ${process.versions.node}` : output(runtime, ['--version'])?.trim();
  return {
    ...{ name, about },
    missing: 'node build.ts',
    version: () => (existsSync(bundle) ? `${packageVersion()} on ${runtimeVersion()}` : undefined),
    start: async (ground) => {
      const port = await freePort();
      const directory = join(ground.directory, name);
      const manifests = join(directory, 'manifests');
      writeManifests(manifests, 'shop.yaml', documents(ground, options));
      const { cores } = ground.setting;
      const workers = options.workers ?? cores.each;
      const program =
        runtime === undefined ? [process.execPath, ...imageFlags(), ...ground.nodeArgs, ...nodeArgs] : [runtime];
      const running = await startPinned(
        cores.proxy,
        [
          ...[...program, bundle, '--manifests', manifests, '--audit', audit],
          ...['--listen-address', '127.0.0.1', '--port', String(port), '--admin-port', String(await freePort())],
          // A bundle of before does not know the flag.
          ...(workers === 1 ? [] : ['--workers', String(workers)]),
        ],
        port,
        join(directory, 'log'),
      );
      return { ...running, port };
    },
    ...(variant === undefined ? {} : { variant }),
  };
}

/** Another bundle, or the same under other arguments of Node, beside this checkout's: to compare them within one run. */
export function otherBundle(name: string, command: string): Peer {
  const nodeArgs = command.split(' ').filter(Boolean);
  const bundle = nodeArgs.pop() ?? ownBundle;
  const rules = name.endsWith('rules') ? 'twenty' : 'certificate';
  return lychgate({ ...other(name), about: `${command}, as lychgate`, bundle, nodeArgs, rules });
}

/** This checkout's bundle on another runtime than Node. */
export function otherRuntime(name: string, runtime: string): Peer {
  return lychgate({ ...other(name), about: `on ${runtime}, as lychgate`, runtime });
}

function other(name: string): Pick<LychgateOptions, 'name' | 'variant'> {
  return { name: `lychgate-${name}`, variant: { of: 'lychgate', what: `Lychgate: ${name}` } };
}

function packageVersion(): string {
  const { version }: { version: string } = JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8'));
  return version;
}

function documents(ground: Ground, { ocsp = true, rules = 'certificate' }: LychgateOptions): string[] {
  const revocation = ocsp
    ? 'verifyClientRevocation: OCSP\n    ocsp: {allowInternalAddresses: [127.0.0.1/32]}'
    : 'verifyClientRevocation: None';
  const profile = sslProfile({
    spec: `
  certificateRefs: [{name: shop-tls}]
  trustedClientCertificates: [{kind: ConfigMap, name: partner-ca}]
  clientAuthConfiguration:
    ${revocation}
${rules === 'none' ? '' : '  rewriteSets: [{name: client-certificate}]'}
  backend: {${ground.appSocket === undefined ? `port: ${ground.appPort}` : `socket: ${ground.appSocket}`}}`,
  });
  return [
    profile,
    tlsSecret('shop-tls', join(ground.pki, 'server.crt'), join(ground.pki, 'server.key')),
    caConfigMap('partner-ca', [join(ground.pki, 'ca.crt')]),
    ...(rules === 'none' ? [] : [rewriteSet(rules === 'twenty' ? [...connectionRules, ...patternRules] : [])]),
  ];
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
const connectionRules: readonly string[] = Array.from({ length: 14 }, (_, i) =>
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
