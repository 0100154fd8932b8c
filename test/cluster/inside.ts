import { spawn, spawnSync } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { dnsAddress, type Layout, layoutOf, nodeAddress, nodeName, podRange, serviceRange } from './layout.ts';

/*
 * Runs inside the node's namespaces: brings up its network, starts every process, says when the node is ready, and ends
 * (and with it the first process, and with that all others) when one of them ends or when its standard input is closed,
 * which is what happens when the process outside goes away, however it does.
 */

async function main(directory: string): Promise<void> {
  const layout = layoutOf(directory);
  process.stdin.resume().on('end', () => process.exit(0));
  prepareMounts(layout);
  prepareNetwork();
  const start = (name: string, program: string, args: readonly string[]) => startProcess(layout, name, program, args);
  start('etcd', 'etcd', etcd(layout));
  start('apiserver', 'kube-apiserver', apiServer(layout));
  start('containerd', 'containerd', ['-c', layout.containerdConfig]);
  await until('containerd listens', 20, async () => existsSync(layout.containerdSocket));
  await until('the API server is ready', 120, async () => (await ask(layout, '/readyz')) !== undefined);
  start('controllers', 'kube-controller-manager', controllers(layout));
  start('scheduler', 'kube-scheduler', scheduler(layout));
  start('kubelet', 'kubelet', kubelet(layout));
  start('proxy', 'kube-proxy', proxy(layout));
  start('dns', 'coredns', ['-conf', layout.corefile]);
  await until('the node is Ready', 120, async () => isReady(await ask(layout, `/api/v1/nodes/${nodeName}`)));
  // Without it the API server refuses every pod.
  const account = '/api/v1/namespaces/default/serviceaccounts/default';
  await until('the default service account exists', 60, async () => (await ask(layout, account)) !== undefined);
  writeFileSync(layout.readyFile, '');
}

function prepareMounts({ varLog, containerdRoot }: Layout): void {
  must('hostname', nodeName);
  // What the programs write to fixed places must not reach the host, nor another node.
  must('mount', '-t', 'tmpfs', 'tmpfs', '/run');
  must('mount', '-t', 'tmpfs', 'tmpfs', '/var/lib');
  must('mount', '--bind', varLog, '/var/log');
  mkdirSync(containerdRoot, { recursive: true });
  for (const [, mount = '', type = '', options = ''] of mounts()) {
    if (type !== 'cgroup' && type !== 'cgroup2') continue;
    const controllers = options.split(',').filter((option) => !/^(rw|relatime|nosuid|nodev|noexec)$/.test(option));
    must('umount', mount);
    must('mount', '-t', type, ...(type === 'cgroup' ? ['-o', controllers.join(',')] : []), 'cgroup', mount);
    if (type === 'cgroup2') enableControllers(mount);
  }
}

/** With cgroup v2 a group that gives controllers to those below it may hold no process itself. */
function enableControllers(mount: string): void {
  const controllers = readFileSync(join(mount, 'cgroup.controllers'), 'utf8').trim();
  if (controllers === '') return;
  mkdirSync(join(mount, 'init'), { recursive: true });
  for (const pid of readFileSync(join(mount, 'cgroup.procs'), 'utf8').trim().split('\n')) {
    if (pid !== '' && pid !== '0') writeFileSync(join(mount, 'init/cgroup.procs'), pid);
  }
  writeFileSync(join(mount, 'cgroup.subtree_control'), controllers.replace(/^| /g, ' +').trim());
}

function mounts(): readonly (readonly string[])[] {
  return readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' '));
}

/** Both ends of the only device are in here: nothing leads out. A default route is there so that addresses resolve to a device. */
function prepareNetwork(): void {
  must('ip', 'link', 'set', 'lo', 'up');
  must('ip', 'link', 'add', 'eth0', 'type', 'veth', 'peer', 'name', 'eth0-peer');
  must('ip', 'link', 'set', 'eth0-peer', 'up');
  must('ip', 'addr', 'add', `${nodeAddress}/24`, 'dev', 'eth0');
  must('ip', 'link', 'set', 'eth0', 'up');
  must('ip', 'route', 'add', 'default', 'dev', 'eth0');
  must('ip', 'addr', 'add', `${dnsAddress}/32`, 'dev', 'lo');
  writeFileSync('/proc/sys/net/ipv4/ip_forward', '1');
}

function etcd(layout: Layout): readonly string[] {
  return [
    ...['--data-dir', layout.etcd, '--unsafe-no-fsync'],
    ...['--listen-client-urls', 'http://127.0.0.1:2379', '--advertise-client-urls', 'http://127.0.0.1:2379'],
    ...['--listen-peer-urls', 'http://127.0.0.1:2380'],
  ];
}

function apiServer({ pki, auditPolicy, auditLog }: Layout): readonly string[] {
  return [
    ...['--etcd-servers', 'http://127.0.0.1:2379'],
    ...['--advertise-address', nodeAddress, '--secure-port', '6443'],
    ...['--tls-cert-file', join(pki, 'apiserver.crt'), '--tls-private-key-file', join(pki, 'apiserver.key')],
    ...['--client-ca-file', join(pki, 'ca.crt'), '--authorization-mode', 'Node,RBAC'],
    ...['--service-account-issuer', 'https://kubernetes.default.svc'],
    ...['--service-account-key-file', join(pki, 'service-accounts.pub')],
    ...['--service-account-signing-key-file', join(pki, 'service-accounts.key')],
    ...['--service-cluster-ip-range', serviceRange],
    ...['--kubelet-client-certificate', join(pki, 'apiserver.crt')],
    ...['--kubelet-client-key', join(pki, 'apiserver.key')],
    ...['--kubelet-certificate-authority', join(pki, 'ca.crt')],
    // No DNS knows the node's name, which logs and exec would take first.
    ...['--kubelet-preferred-address-types', 'InternalIP'],
    ...['--audit-policy-file', auditPolicy, '--audit-log-path', auditLog, '--audit-log-mode', 'blocking'],
    '--allow-privileged',
  ];
}

function controllers(layout: Layout): readonly string[] {
  return [
    ...asUser(layout, 'controllers'),
    ...['--service-account-private-key-file', join(layout.pki, 'service-accounts.key')],
    ...['--root-ca-file', join(layout.pki, 'ca.crt'), '--use-service-account-credentials', '--leader-elect=false'],
  ];
}

function scheduler(layout: Layout): readonly string[] {
  return [...asUser(layout, 'scheduler'), '--leader-elect=false'];
}

function asUser(layout: Layout, user: string): readonly string[] {
  const file = layout.kubeconfig(user);
  return ['--kubeconfig', file, '--authentication-kubeconfig', file, '--authorization-kubeconfig', file];
}

function kubelet(layout: Layout): readonly string[] {
  return [
    ...['--config', layout.kubeletConfig, '--kubeconfig', layout.kubeconfig('kubelet')],
    ...['--hostname-override', nodeName, '--node-ip', nodeAddress, '--root-dir', layout.kubeletRoot],
  ];
}

function proxy(layout: Layout): readonly string[] {
  return [
    ...['--kubeconfig', layout.kubeconfig('proxy'), '--hostname-override', nodeName],
    ...['--cluster-cidr', podRange, '--proxy-mode', 'iptables', '--conntrack-max-per-core', '0'],
  ];
}

function startProcess({ logs, faultFile }: Layout, name: string, program: string, args: readonly string[]): void {
  const log = openSync(join(logs, `${name}.log`), 'a');
  const child = spawn(program, [...args], { stdio: ['ignore', log, log] });
  closeSync(log);
  const fail = (why: string) => {
    if (!existsSync(faultFile)) writeFileSync(faultFile, `${name} ${why}; its log is ${join(logs, `${name}.log`)}`);
    process.exit(1);
  };
  child.on('error', (error) => fail(`could not be started: ${error.message}`));
  child.on('exit', (code, signal) => fail(`ended with ${signal ?? `exit code ${code}`}`));
}

async function until(what: string, seconds: number, holds: () => Promise<boolean>): Promise<void> {
  const deadlineMs = performance.now() + seconds * 1000;
  while (!(await holds())) {
    if (performance.now() > deadlineMs) throw new Error(`waited ${seconds} s in vain until ${what}`);
    await sleep(100);
  }
}

/** The parsed answer of the API server to a GET, or its text; undefined for anything but a 200. */
function ask({ pki }: Layout, path: string): Promise<unknown> {
  const read = (name: string) => readFileSync(join(pki, name));
  const tls = { ca: read('ca.crt'), cert: read('admin.crt'), key: read('admin.key') };
  return new Promise((resolve) => {
    const asked = request({ host: nodeAddress, port: 6443, path, ...tls, timeout: 5000 }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => {
        text += part;
      });
      response.on('end', () => resolve(response.statusCode === 200 ? parsed(text) : undefined));
    });
    asked.on('error', () => resolve(undefined));
    asked.on('timeout', () => asked.destroy());
    asked.end();
  });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

interface NodeObject {
  readonly status?: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] };
}

function isReady(node: unknown): boolean {
  const { status } = (node ?? {}) as NodeObject;
  return status?.conditions?.some((condition) => condition.type === 'Ready' && condition.status === 'True') ?? false;
}

function must(program: string, ...args: readonly string[]): void {
  const { status, stderr, error } = spawnSync(program, [...args], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${program} ${args.join(' ')}: ${error?.message ?? stderr.trim()}`);
}

const [directory, ...hostNamespaces] = process.argv.slice(2);
const namespaces = ['mnt', 'net', 'pid'].map((kind) => readlinkSync(`/proc/self/ns/${kind}`));
if (directory === undefined || hostNamespaces.length !== 3 || namespaces.some((one) => hostNamespaces.includes(one))) {
  throw new Error('started by namespaces.ts in namespaces of its own, never by hand: it mounts over /run and /var/lib');
}
try {
  await main(directory);
} catch (error) {
  writeFileSync(layoutOf(directory).faultFile, error instanceof Error ? error.message : String(error));
  process.exit(1);
}
