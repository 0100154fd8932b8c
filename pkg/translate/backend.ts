import type { SslProfileSpec } from '../api/ssl-profile.ts';
import type { Backend } from '../policy/policy.ts';
import { cidrOf } from './cidr.ts';
import type { FaultList } from './fault.ts';
import { boundedDuration } from './range.ts';

/** The application's part of a policy; undefined where something is wrong, which is told. */
export function backendOf(
  spec: Pick<SslProfileSpec, 'backend' | 'trustedProxies'>,
  faults: FaultList,
): Backend | undefined {
  const before = faults.all.length;
  const { backend } = spec;
  const target = targetOf(backend, faults);
  const trustedProxies = spec.trustedProxies.flatMap((text, index) => {
    const cidr = cidrOf(text);
    if (cidr === undefined) {
      faults.error(
        `spec.trustedProxies[${index}]`,
        `${JSON.stringify(text)} is not a CIDR; write it like 10.0.0.0/8 or fd00::/8`,
      );
    }
    return cidr ?? [];
  });
  const limit = (field: keyof typeof backend.timeouts) =>
    boundedDuration(`spec.backend.timeouts.${field}`, backend.timeouts[field], 0, dayMs * 30, faults);
  const timeouts = {
    connectMs: limit('connect'),
    responseMs: limit('response'),
    idleMs: limit('idle'),
    headMs: limit('head'),
    requestMs: limit('request'),
    connectionAgeMs: limit('connectionAge'),
  };
  if (target === undefined || faults.all.length > before) return undefined;
  const { protocol, whenExposed, limits } = backend;
  return { target, protocol, whenExposed, timeouts, limits, trustedProxies };
}

function targetOf({ port, socket }: SslProfileSpec['backend'], faults: FaultList): Backend['target'] | undefined {
  if (port !== undefined && socket === undefined) return { port };
  if (socket !== undefined && port === undefined) {
    if (/[\0-\x1f\x7f]/.test(socket)) {
      faults.error('spec.backend.socket', `${JSON.stringify(socket)} has control characters`);
      return undefined;
    }
    return { socket };
  }
  faults.error(
    'spec.backend',
    port === undefined
      ? 'neither port nor socket is given; name where the application listens'
      : 'port and socket are both given; keep one',
  );
  return undefined;
}

const dayMs = 86_400_000;
