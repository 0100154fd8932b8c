import { connect } from 'node:net';
import { networkInterfaces } from 'node:os';
import type { Snapshot } from './snapshot.ts';

/** A profile whose application also answers on an address of the machine's own, so that the gate can be gone around. */
export interface Exposure {
  /** `namespace/name`. */
  readonly profile: string;
  readonly address: string;
  readonly port: number;
}

/** Dials the machine's own addresses on each backend port, once, and calls `found` for each that answers. */
export function dialOwnAddresses(snapshot: Snapshot, found: (exposure: Exposure) => void): void {
  const addresses = Object.values(networkInterfaces())
    .flatMap((list) => list ?? [])
    .filter(({ internal, address }) => !internal && !address.startsWith('fe80:'));
  for (const profile of [...snapshot.listeners.values()].flatMap(({ profiles }) => profiles)) {
    const { target } = profile.policy.backend;
    if ('socket' in target) continue;
    const { port } = target;
    for (const { address } of addresses) {
      const socket = connect({ host: address, port });
      socket.setTimeout(dialMs, () => socket.destroy());
      socket.on('error', () => socket.destroy());
      socket.on('connect', () => {
        socket.destroy();
        found({ profile: profile.id, address, port });
      });
    }
  }
}

const dialMs = 1000;
