/** Where the bytes of a session go: a TLS socket, most of the time. */
export interface Outlet {
  /**
   * All frames of a turn in one piece; the bytes are the outlet's from here on. False: blocked, it has enough; no DATA
   * comes until it has called `ServerSession.drained`, though answers to what the client sends may.
   */
  write(bytes: Buffer): boolean;
  /**
   * True: what must be answered piles up since the client does not read, so nothing more should be read from it either.
   * False: go on. What was read already may still be received.
   */
  holdInput(hold: boolean): void;
  /**
   * Nothing more will be written: after the GOAWAY of an error, or when the last stream is over after `drain` or the
   * client's own GOAWAY. Called once at most; the outlet closes in order.
   */
  end(): void;
}
