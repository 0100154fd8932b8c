import { ConnectionError } from './connection-error.ts';
import { errorCode, max31, maxFrameBytes, readUint32 } from './frame.ts';

/** RFC 9113 6.5.2, RFC 8441 3, RFC 9218 2.1. */
export const setting = {
  headerTableBytes: 0x1,
  enablePush: 0x2,
  maxConcurrentStreams: 0x3,
  initialWindow: 0x4,
  maxFrameBytes: 0x5,
  maxListBytes: 0x6,
  enableConnectProtocol: 0x8,
  noPriorities: 0x9,
} as const;

/** What of a client's SETTINGS makes a difference to us; undefined where the frame does not say. */
export interface ClientSettings {
  /** The last and, before it, the lowest value: both have to be told in the next block (RFC 7541 4.2). */
  readonly headerTableBytes: number | undefined;
  readonly lowestTableBytes: number;
  readonly initialWindow: number | undefined;
}

/** Reads the payload of SETTINGS. @throws ConnectionError for a value that may not be. */
export function readSettings(buffer: Buffer, start: number, end: number): ClientSettings {
  if ((end - start) % 6 !== 0) {
    throw new ConnectionError(errorCode.frameSizeError, 'SETTINGS of a length that is no multiple of 6');
  }
  let headerTableBytes: number | undefined;
  let lowestTableBytes = Number.POSITIVE_INFINITY;
  let initialWindow: number | undefined;
  for (let at = start; at < end; at += 6) {
    const value = readUint32(buffer, at + 2);
    switch (((buffer[at] ?? 0) << 8) | (buffer[at + 1] ?? 0)) {
      case setting.headerTableBytes:
        headerTableBytes = value;
        lowestTableBytes = Math.min(lowestTableBytes, value);
        break;
      case setting.initialWindow:
        if (value > max31) {
          throw new ConnectionError(errorCode.flowControlError, `an initial window of ${value}, limit ${max31}`);
        }
        initialWindow = value;
        break;
      case setting.maxFrameBytes:
        if (value < maxFrameBytes || value > 0xff_ffff) {
          throw new ConnectionError(errorCode.protocolError, `SETTINGS_MAX_FRAME_SIZE of ${value}`);
        }
        break;
      case setting.enablePush:
      case setting.enableConnectProtocol:
      case setting.noPriorities:
        if (value > 1) throw new ConnectionError(errorCode.protocolError, 'a setting that is neither 0 nor 1');
        break;
      default:
    }
  }
  return { headerTableBytes, lowestTableBytes, initialWindow };
}
