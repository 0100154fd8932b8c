import type { Flood } from './flood.ts';
import { errorCode } from './frame.ts';

/**
 * The client broke a rule of the connection, or went beyond a limit against floods: GOAWAY with `code`, then the end
 * (RFC 9113 5.4.1). Never leaves the session.
 */
export class ConnectionError extends Error {
  /** One of `errorCode`. */
  readonly code: number;
  readonly flood: Flood | undefined;

  constructor(code: number, message: string, flood?: Flood) {
    super(message);
    this.code = code;
    this.flood = flood;
  }
}

/** The error of a flood; undefined is none. */
export function refuseFlood(flood: Flood | undefined): void {
  if (flood !== undefined) throw new ConnectionError(errorCode.enhanceYourCalm, `too many: ${flood}`, flood);
}
