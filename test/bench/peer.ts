import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../support/free-port.ts';
import type { Ground } from './ground.ts';
import { type Running, startPinned } from './machine.ts';
import type { PeerValues } from './peer-configs.ts';

/** A proxy that is up. */
export interface StartedPeer extends Running {
  readonly port: number;
}

/** A proxy under test. */
export interface Peer {
  readonly name: string;
  /** What it runs, and what it does differently from the others. */
  readonly about: string;
  /** Undefined where it is not installed. */
  version(): string | undefined;
  /** How to get it. */
  readonly missing: string;
  /** Where one peer is another under other settings. */
  readonly variant?: Variant;
  start(ground: Ground): Promise<StartedPeer>;
}

/** What tells a peer from the one that it is a variant of. */
export interface Variant {
  /** In whose place it stands in lines of its own of the summary. */
  readonly of: string;
  /** What such a line says of it. */
  readonly what: string;
  /** Where it tells something; everywhere if not given. */
  readonly rows?: readonly string[];
}

/** Starts a proxy that is told everything by a file. */
export async function startConfigured(
  ground: Ground,
  file: string,
  config: (values: PeerValues) => string,
  command: (path: string) => readonly string[],
): Promise<StartedPeer> {
  const port = await freePort();
  const directory = join(ground.directory, file.replace(/\..*/, ''));
  mkdirSync(directory, { recursive: true });
  const path = join(directory, file);
  writeFileSync(path, config({ ...ground, directory, port }));
  const running = await startPinned(ground.setting.cores.proxy, command(path), port, join(directory, 'log'));
  return { ...running, port };
}
