import { Agent } from 'node:http';
import { Agent as SecureAgent } from 'node:https';
import { isIP } from 'node:net';
import { type AddressPolicy, AddressRefused, type ResponderUrl } from './address.ts';
import { type Breakers, createBreakers } from './breaker.ts';
import { type Exchange, type ExchangeOptions, fault, httpExchange } from './http-exchange.ts';
import { createLimiter, type Limiter, type LimiterLimits } from './limiter.ts';
import type { RequestForm } from './request.ts';

/** Resolves a host name to all its addresses, as `dns.promises.lookup(host, { all: true })` does. */
export type Lookup = (host: string) => Promise<readonly { readonly address: string }[]>;

/** The way to responders: everything that limits what they can do to us. */
export interface Transport {
  /** Asks once, within `timeoutMs` for all of it: waiting, resolving, connecting, reading. Never rejects. */
  ask(url: ResponderUrl, policy: AddressPolicy, form: RequestForm, options: ExchangeOptions): Promise<Exchange>;
  readonly breakers: Pick<Breakers, 'open'>;
  readonly limiter: Pick<Limiter, 'counts'>;
  /** Closes idle connections. */
  close(): void;
}

export interface TransportDeps {
  readonly lookup: Lookup;
  readonly monotonicNow: () => number;
  /** 0 up to 1. */
  readonly jitter: () => number;
  readonly limits?: LimiterLimits;
}

/** Makes the way to responders, with connections that are kept for 10 s. */
export function createTransport(deps: TransportDeps): Transport {
  const { monotonicNow, jitter, limits = defaultLimits } = deps;
  const lookup = oneAtATime(deps.lookup);
  // No proxy of the environment: agents made here use none. The limiter counts what is asked of each responder.
  const kept = { keepAlive: true, maxSockets: limits.total, maxTotalSockets: limits.total, maxFreeSockets: 4 };
  const agents = {
    plain: new Agent({ ...kept, timeout: idleMs }),
    // No session is kept: every new connection proves itself.
    secure: new SecureAgent({ ...kept, timeout: idleMs, maxCachedSessions: 0 }),
  };
  const breakers = createBreakers(monotonicNow, jitter);
  const limiter = createLimiter(limits);

  async function reach(
    url: ResponderUrl,
    policy: AddressPolicy,
    form: RequestForm,
    deadlineMs: number,
    options: ExchangeOptions,
  ): Promise<Exchange> {
    const { proxy, cas } = policy;
    const hop = proxy ?? url;
    const found = await resolve(hop, lookup, deadlineMs - monotonicNow());
    if ('kind' in found) return found;
    try {
      policy.addresses(hop, found);
      // Behind a proxy a literal is the one address that can be judged.
      if (isIP(url.host) !== 0) policy.addresses(url, [url.host]);
    } catch (error) {
      if (error instanceof AddressRefused) return fault('address-refused', error.message);
      throw error;
    }
    const addresses = found.slice(0, maxAddresses);
    let last = fault('timeout', `no time was left to connect to ${hop.authority}`);
    for (const [index, address] of addresses.entries()) {
      const timeoutMs = (deadlineMs - monotonicNow()) / (addresses.length - index);
      if (timeoutMs <= 0) break;
      last = await httpExchange(agents, { url, address, proxy, cas }, form, { ...options, timeoutMs });
      // Another address of the same host helps only where this one could not be reached.
      if (last.kind === 'answer' || (last.cause !== 'connect' && last.cause !== 'timeout')) break;
    }
    return last;
  }

  return {
    ask: async (url, policy, form, options) => {
      const { timeoutMs } = options;
      const by = policy.proxy === undefined ? '' : ` by ${policy.proxy.authority}`;
      const key = `${url.host}:${url.port}${by}`;
      const deadlineMs = monotonicNow() + timeoutMs;
      const release = await limiter.acquire(key, timeoutMs);
      if (release === undefined) {
        return fault('overloaded', `too many questions wait for ${url.authority}`);
      }
      try {
        const refusal = breakers.refusal(key);
        if (refusal !== undefined) return { kind: 'fault', ...refusal };
        const outcome = await reach(url, policy, form, deadlineMs, options);
        if (outcome.kind === 'answer') breakers.succeeded(key);
        else if (outcome.softenable) breakers.failed(key, outcome);
        else breakers.released(key);
        return outcome;
      } finally {
        release();
      }
    },
    breakers,
    limiter,
    close: () => {
      agents.plain.destroy();
      agents.secure.destroy();
    },
  };
}

/**
 * One look-up in flight for each host; its result is for those who wait and is not kept. The system's resolver has four
 * threads for everything: a host whose name servers are slow must not have them all.
 */
function oneAtATime(lookup: Lookup): Lookup {
  const flights = new Map<string, ReturnType<Lookup>>();
  return (host) => {
    const flight = flights.get(host) ?? lookup(host).finally(() => flights.delete(host));
    flights.set(host, flight);
    return flight;
  };
}

/** A literal is its own address (no look-up is made for it, and none may be: it must be judged as written). */
async function resolve(
  url: Pick<ResponderUrl, 'host'>,
  lookup: Lookup,
  timeoutMs: number,
): Promise<readonly string[] | Exchange> {
  if (isIP(url.host) !== 0) return [url.host];
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<Exchange>((done) => {
    timer = setTimeout(
      () => done(fault('timeout', `'${url.host}' was not resolved within ${Math.round(timeoutMs)} ms`)),
      Math.max(0, timeoutMs),
    );
  });
  const found = lookup(url.host).then(
    (addresses) => addresses.map(({ address }) => address),
    (error: NodeJS.ErrnoException) => fault('dns', `'${url.host}' cannot be resolved (${error.code ?? error.message})`),
  );
  try {
    return await Promise.race([found, late]);
  } finally {
    clearTimeout(timer);
  }
}

const defaultLimits: LimiterLimits = { total: 64, each: 16, queue: 1024 };
const maxAddresses = 4;
const idleMs = 10_000;
