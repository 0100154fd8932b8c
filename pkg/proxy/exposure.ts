import { connect } from 'node:net';
import { networkInterfaces } from 'node:os';
import type { PodPolicy, ProfilePolicy } from '../policy/policy.ts';
import { profileId, profilesOf } from '../policy/profiles.ts';
import type { Deps } from './deps.ts';

/**
 * Whether applications also answer on the machine's own addresses, so that the gate can be gone around. Dialled when a
 * policy comes into force and from then on about twice a minute, since the application usually starts after the gate.
 */
export class ExposureWatch {
  readonly #deps: Pick<Deps, 'clock' | 'log' | 'metrics'>;
  #policy: PodPolicy | undefined;
  #dialledMs = 0;
  #found: Found = new Map();

  constructor(deps: Pick<Deps, 'clock' | 'log' | 'metrics'>) {
    this.#deps = deps;
  }

  /** Another policy is in force. */
  renew(policy: PodPolicy): void {
    this.#policy = policy;
    this.#report(policy, new Map());
    this.#dial(policy);
  }

  sweep(nowMs: number): void {
    if (this.#policy !== undefined && nowMs - this.#dialledMs > intervalMs) this.#dial(this.#policy);
  }

  /** By the last look: `namespace/name address:port`, in the order of the profiles. */
  found(): readonly string[] {
    return [...this.#found].map(
      ([id, { address, port }]) => `${id} ${address.includes(':') ? `[${address}]` : address}:${port}`,
    );
  }

  /** Why a profile that refuses to be gone around is not ready; undefined where it is. */
  reasonAgainst(profile: ProfilePolicy): string | undefined {
    const id = profileId(profile);
    const place = this.#found.get(id);
    if (place === undefined || profile.backend.whenExposed !== 'Refuse') return undefined;
    return `${id}: the application also listens on ${place.address}; bind it to 127.0.0.1, or set backend.whenExposed: Warn`;
  }

  #dial(policy: PodPolicy): void {
    this.#dialledMs = this.#deps.clock.monotonicMs();
    void dialOwnAddresses(policy).then((found) => {
      if (this.#policy === policy) this.#report(policy, found);
    });
  }

  #report(policy: PodPolicy, found: Found): void {
    const before = this.#found;
    this.#found = found;
    this.#deps.metrics.exposed.reset();
    for (const id of profilesOf(policy).map(profileId))
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
async function dialOwnAddresses(policy: PodPolicy): Promise<Found> {
  const addresses = Object.values(networkInterfaces())
    .flatMap((list) => list ?? [])
    .filter(({ internal, address }) => !internal && !address.startsWith('fe80:'))
    .map(({ address }) => address);
  const found = new Map<string, Place>();
  await Promise.all(
    profilesOf(policy).flatMap((profile) => {
      const { target } = profile.backend;
      if ('socket' in target) return [];
      return addresses.map(async (address) => {
        if (await answers(address, target.port)) found.set(profileId(profile), { address, port: target.port });
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

const dialMs = 1000;
const intervalMs = 30_000;
