import { connect } from 'node:net';
import { networkInterfaces } from 'node:os';
import type { Gate } from './gate.ts';
import type { Snapshot } from './snapshot.ts';

/**
 * Dials the machine's own addresses on each backend port, once for a policy: an application that answers there can be
 * reached around the gate. Calls `found` with the address, sets the metric, and logs what to do.
 */
export function watchExposure(gate: Gate, snapshot: Snapshot, found: (profile: string, address: string) => void): void {
  const addresses = Object.values(networkInterfaces())
    .flatMap((list) => list ?? [])
    .filter((entry) => !entry.internal && !entry.address.startsWith('fe80:'));
  for (const listener of snapshot.listeners.values()) {
    for (const profile of listener.profiles) {
      const { target } = profile.policy.backend;
      gate.metrics.exposed.set({ profile: profile.id }, 0);
      if ('socket' in target) continue;
      for (const { address } of addresses) {
        const socket = connect({ host: address, port: target.port });
        socket.setTimeout(dialMs, () => socket.destroy());
        socket.on('error', () => socket.destroy());
        socket.on('connect', () => {
          socket.destroy();
          if (gate.snapshot !== snapshot) return;
          found(profile.id, address);
          gate.metrics.exposed.set({ profile: profile.id }, 1);
          gate.log.warn('the application can be reached around the gate', {
            profile: profile.id,
            address,
            port: target.port,
            action: 'bind the application to 127.0.0.1',
          });
        });
      }
    }
  }
}

const dialMs = 1000;
