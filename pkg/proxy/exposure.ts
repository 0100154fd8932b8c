import { connect } from 'node:net';
import { networkInterfaces } from 'node:os';
import type { Deps } from './deps.ts';
import type { CompiledProfile, Snapshot } from './snapshot.ts';

/**
 * Whether applications also answer on the machine's own addresses, so that the gate can be gone around. Dialled when a
 * policy comes into force and from then on about twice a minute, since the application usually starts after the gate.
 */
export class ExposureWatch {
  readonly #deps: Pick<Deps, 'clock' | 'log' | 'metrics'>;
  #snapshot: Snapshot | undefined;
  #dialledMs = 0;
  #found: Found = new Map();

  constructor(deps: Pick<Deps, 'clock' | 'log' | 'metrics'>) {
    this.#deps = deps;
  }

  /** Another policy is in force. */
  renew(snapshot: Snapshot): void {
    this.#snapshot = snapshot;
    this.#report(new Map());
    this.#dial(snapshot);
  }

  sweep(nowMs: number): void {
    if (this.#snapshot !== undefined && nowMs - this.#dialledMs > intervalMs) this.#dial(this.#snapshot);
  }

  /** By the last look: `namespace/name address:port`, in the order of the profiles. */
  found(): readonly string[] {
    return [...this.#found].map(
      ([id, { address, port }]) => `${id} ${address.includes(':') ? `[${address}]` : address}:${port}`,
    );
  }

  /** Why a profile that refuses to be gone around is not ready; undefined where it is. */
  reasonAgainst(profile: CompiledProfile): string | undefined {
    const place = this.#found.get(profile.id);
    if (place === undefined || profile.policy.backend.whenExposed !== 'Refuse') return undefined;
    return `${profile.id}: the application also listens on ${place.address}; bind it to 127.0.0.1, or set backend.whenExposed: Warn`;
  }

  #dial(snapshot: Snapshot): void {
    this.#dialledMs = this.#deps.clock.monotonicMs();
    void dialOwnAddresses(snapshot).then((found) => {
      if (this.#snapshot === snapshot) this.#report(found);
    });
  }

  #report(found: Found): void {
    const before = this.#found;
    this.#found = found;
    this.#deps.metrics.exposed.reset();
    for (const { id } of profilesOf(this.#snapshot))
      this.#deps.metrics.exposed.set({ profile: id }, found.has(id) ? 1 : 0);
    for (const [profile, { address, port }] of found) {
      if (before.get(profile)?.address === address) continue;
      this.#deps.log.warn('the application can be reached around the gate', {
        profile,
        address,
        port,
        action: 'bind the application to 127.0.0.1',
      });
    }
  }
}

/** By profile: where its application answers. */
type Found = ReadonlyMap<string, Place>;
interface Place {
  readonly address: string;
  readonly port: number;
}

/** Dials every own address on every backend port; resolves within about a second. */
async function dialOwnAddresses(snapshot: Snapshot): Promise<Found> {
  const addresses = Object.values(networkInterfaces())
    .flatMap((list) => list ?? [])
    .filter(({ internal, address }) => !internal && !address.startsWith('fe80:'))
    .map(({ address }) => address);
  const found = new Map<string, Place>();
  await Promise.all(
    profilesOf(snapshot).flatMap(({ id, policy: { backend } }) => {
      const { target } = backend;
      if ('socket' in target) return [];
      return addresses.map(async (address) => {
        if (await answers(address, target.port)) found.set(id, { address, port: target.port });
      });
    }),
  );
  return found;
}

function answers(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const done = (answered: boolean) => {
      socket.destroy();
      resolve(answered);
    };
    socket.setTimeout(dialMs, () => done(false));
    socket.on('error', () => done(false));
    socket.on('connect', () => done(true));
  });
}

function profilesOf(snapshot: Snapshot | undefined): readonly CompiledProfile[] {
  return [...(snapshot?.listeners.values() ?? [])].flatMap(({ profiles }) => profiles);
}

const dialMs = 1000;
const intervalMs = 30_000;
