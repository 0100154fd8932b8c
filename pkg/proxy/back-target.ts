import type { HeadLimits } from '../http1/head.ts';

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
