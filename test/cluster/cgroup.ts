import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Makes a control group for one node in every hierarchy (one with cgroup v2, some ten with v1), below the one that this
 * process is in. With a cgroup namespace rooted there, a kubelet sees its own groups only: each removes what it does not
 * know, and two of them in one tree would end each other's pods.
 */
export function createControlGroups(): readonly string[] {
  removeLeftControlGroups();
  return hierarchies().map(({ mount, own }) => {
    const parent = join(mount, own);
    const group = join(parent, `${prefix}${process.pid}`);
    mkdirSync(group, { recursive: true });
    // With v1 a new cpuset is empty, and no process can be put into it.
    for (const file of ['cpuset.cpus', 'cpuset.mems']) {
      if (existsSync(join(group, file)) && readFileSync(join(group, file), 'utf8').trim() === '') {
        writeFileSync(join(group, file), readFileSync(join(parent, file)));
      }
    }
    return group;
  });
}

/** Removes groups with all below them. Those in which a process still lives stay; the next start removes them. */
export function removeControlGroups(groups: readonly string[]): void {
  for (const group of groups) removeGroup(group);
}

/** Groups of nodes whose starter is gone: it was killed. */
function removeLeftControlGroups(): void {
  for (const { mount, own } of hierarchies()) {
    for (const name of readdirSync(join(mount, own))) {
      if (name.startsWith(prefix) && !existsSync(`/proc/${name.slice(prefix.length)}`))
        removeGroup(join(mount, own, name));
    }
  }
}

function removeGroup(group: string): void {
  try {
    for (const entry of readdirSync(group, { withFileTypes: true })) {
      if (entry.isDirectory()) removeGroup(join(group, entry.name));
    }
    rmdirSync(group);
  } catch {
    // Busy: a process in it has not ended yet. Or gone: somebody else removed it.
  }
}

/** Where each hierarchy is mounted and where this process stands in it. */
function hierarchies(): readonly { readonly mount: string; readonly own: string }[] {
  const places = new Map(
    readFileSync('/proc/self/cgroup', 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => line.split(':'))
      .map(([, controllers = '', ...path]) => [controllers, path.join(':')]),
  );
  return readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' '))
    .flatMap(([, mount = '', type, options = '']) => {
      if (type === 'cgroup2') return [{ mount, own: places.get('') ?? '/' }];
      if (type !== 'cgroup') return [];
      const [, own] = [...places].find(([names]) => names !== '' && sharesName(names, options)) ?? [];
      return own === undefined ? [] : [{ mount, own }];
    });
}

function sharesName(controllers: string, mountOptions: string): boolean {
  const options = mountOptions.split(',');
  return controllers.split(',').every((controller) => options.includes(controller));
}

const prefix = 'lychgate-node-';
