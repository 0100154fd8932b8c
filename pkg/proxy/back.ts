import type { BackTarget } from './back-target.ts';
import type { Back } from './exchange.ts';
import { createH2cBack } from './h2c-back.ts';
import { createHttp1Back } from './http1-back.ts';

/** The application for one client connection. */
export function createBack(target: BackTarget, now: () => number): Back {
  return target.protocol === 'H2C' ? createH2cBack(target, now) : createHttp1Back(target, now, maxIdleSockets);
}

/** As many as streams that a client of HTTP/2 may run at once, whose next ones come soon: a new socket costs more than a request. */
const maxIdleSockets = 100;
