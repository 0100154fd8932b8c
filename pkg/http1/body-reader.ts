/** Octets of body data: `buffer` from `start` up to `end`, a view of what was pushed, valid during the call only. */
export type OnData = (buffer: Buffer, start: number, end: number) => void;

/** Reads one body from the octets behind a head. */
export interface BodyReader {
  /** Whether the body is whole; always false where only the end of the connection ends it. */
  readonly done: boolean;
  /** @returns octets consumed. @throws HttpMalformed where the framing is broken. */
  push(buffer: Buffer, start: number, end: number, onData: OnData): number;
}
