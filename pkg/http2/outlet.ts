/** Where the bytes of a session go: a TLS socket, most of the time. */
export interface Outlet {
  /**
   * All frames of a turn in one piece. False: blocked, it has enough; no DATA comes until it has called
   * `ServerSession.drained`, though answers to what the client sends may.
   */
  write(bytes: Buffer): boolean;
  /**
   * Whether the bytes of the last write were used up within the call, as those of a socket before which nothing waits:
   * then their memory is used again. Otherwise they are the outlet's for good.
   */
  readonly taken: boolean;
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
