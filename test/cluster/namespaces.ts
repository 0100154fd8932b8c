import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync, readlinkSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Layout } from './layout.ts';

/**
 * Starts inside.ts in network, mount, PID, IPC, UTS and control group namespaces of its own. Its standard input is a pipe
 * from this process: when this process ends, by whatever signal, the pipe is closed and everything inside ends.
 * @param groups control groups to start it in
 */
export function startInside(layout: Layout, groups: readonly string[], env: NodeJS.ProcessEnv): ChildProcess {
  const inside = fileURLToPath(new URL('inside.ts', import.meta.url));
  const hostNamespaces = ['mnt', 'net', 'pid'].map((kind) => readlinkSync(`/proc/self/ns/${kind}`));
  const first = ['sh', '-c', firstProcess, 'sh', layout.pidFile, process.execPath, inside, layout.directory];
  const unshare = ['unshare', '--net', '--mount', '--pid', '--fork', '--ipc', '--uts', '--cgroup', '--kill-child'];
  return spawn('sh', ['-c', joinGroups, 'sh', groups.join('\n'), ...unshare, ...first, ...hostNamespaces], {
    cwd: layout.directory,
    env,
    stdio: ['pipe', 'inherit', 'inherit'],
  });
}

/** The PID, in this process's namespace, of the node's first process. @throws ENOENT where the node does not run. */
export function firstPid({ pidFile }: Layout): number {
  return Number(readFileSync(pidFile, 'utf8'));
}

/**
 * The command that runs another one in the node's network. It keeps the host's file system and PIDs, and becomes the
 * command itself, so that a signal reaches it; it ends with the process that started it.
 */
export function inNetwork(networkNamespace: string, program: string, args: readonly string[]) {
  return {
    program: 'setpriv',
    args: ['--pdeathsig', 'KILL', 'nsenter', `--net=${networkNamespace}`, '--', program, ...args],
  } as const;
}

/** Zero is the process that writes. The namespace's root is the group in which unshare finds itself. */
const joinGroups = `
IFS='
'
for group in $1; do echo 0 > "$group/cgroup.procs"; done
shift
exec "$@"`;

/**
 * The first process of the PID namespace: a shell, since it has to reap what others leave behind, which Node does not. The
 * old /proc still tells its PID as the host sees it; \`&\` would take the standard input away.
 */
const firstProcess = `
read -r pid rest < /proc/self/stat
echo "$pid" > "$1"
shift
mount -t proc proc /proc
exec 3<&0
"$@" <&3 &
wait $!`;
