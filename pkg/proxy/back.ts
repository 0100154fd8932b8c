import type { HeadLimits } from '../http1/head.ts';
import type { Back } from './exchange.ts';
import { createH2cBack } from './h2c-back.ts';
import { createHttp1Back } from './http1-back.ts';

/** How to reach the application. */
export interface BackTarget {
  readonly protocol: 'H2C' | 'HTTP';
  /** Tried in order; the one that worked last is tried first. */
  readonly addresses: BackAddress[];
  /** 0: no limit, as in all of these. */
  readonly connectMs: number;
  /** From the last byte of the request to the head of the answer, and between two bytes of its body. */
  readonly responseMs: number;
  readonly limits: HeadLimits;
}
export type BackAddress = { readonly host: string; readonly port: number } | { readonly path: string };

/** The application for one client connection. */
export function createBack(target: BackTarget, now: () => number): Back {
  return target.protocol === 'H2C' ? createH2cBack(target, now) : createHttp1Back(target, now, maxIdleSockets);
}

/** HTTP/2 clients run many requests at once; this many sockets are kept when they are over. */
const maxIdleSockets = 4;
