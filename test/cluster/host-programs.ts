import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';

/**
 * Checks that this process is root and that Debian's programs are there which a node needs; where CI is set, installs
 * what is missing.
 * @throws with everything that is missing and the line that installs it.
 */
export async function requireHostPrograms(log: (line: string) => void): Promise<void> {
  if (process.platform !== 'linux') throw new Error(`a node needs Linux; this is ${process.platform}`);
  if (process.getuid?.() !== 0) {
    throw new Error(
      'a node needs root, for namespaces, mounts and control groups: run it with sudo -E env "PATH=$PATH"',
    );
  }
  const before = missingPackages();
  if (before.length === 0) return;
  const line = `apt-get install -y --no-install-recommends ${before.join(' ')}`;
  if (process.env['CI'] === undefined)
    throw new Error(`missing on this machine: ${before.join(', ')}; install: ${line}`);
  log(line);
  // Only programs are wanted: a package's own service must not start.
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' };
  for (const command of ['apt-get update -qq', line]) {
    const { status, stderr } = spawnSync('sh', ['-c', command], { env, encoding: 'utf8' });
    if (status !== 0) throw new Error(`${command}: exit code ${status}: ${stderr}`);
  }
  const after = missingPackages();
  if (after.length > 0) throw new Error(`installed, and still not found: ${after.join(', ')}`);
}

function missingPackages(): readonly string[] {
  const missing = files.filter(([, ...places]) => !places.some((place) => existsSync(place)));
  return [...new Set(missing.map(([name]) => name))];
}

/** A package, and where its file may be. */
const files: readonly (readonly [debianPackage: string, ...places: string[]])[] = [
  ['buildah', '/usr/bin/buildah'],
  ['busybox-static', '/usr/bin/busybox', '/bin/busybox'],
  ['conntrack', '/usr/sbin/conntrack'],
  ['containerd', '/usr/bin/containerd'],
  ['containerd', '/usr/bin/ctr'],
  ['containernetworking-plugins', '/usr/lib/cni/ptp'],
  ['curl', '/usr/bin/curl'],
  ['iproute2', '/usr/sbin/ip', '/sbin/ip', '/usr/bin/ip'],
  ['iptables', '/usr/sbin/iptables'],
  ['runc', '/usr/sbin/runc', '/usr/bin/runc'],
  ['tcpdump', '/usr/bin/tcpdump', '/usr/sbin/tcpdump'],
  ['util-linux', '/usr/bin/unshare'],
  ['util-linux', '/usr/bin/setpriv'],
];
