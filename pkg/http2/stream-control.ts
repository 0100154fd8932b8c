import type { OpenStream, StreamOwner } from './open-stream.ts';
import type { StreamTable } from './stream-table.ts';

/** What frames that come in do to the streams of their session. */
export interface StreamControl extends StreamOwner {
  readonly table: StreamTable;
  /** Whether new streams are served: not behind the final GOAWAY. */
  readonly taking: boolean;
  /** Whether nothing more is to be read. */
  readonly over: boolean;
  /** The window with which the client lets a new stream begin, in octets. */
  clientWindow: number;
  begin(stream: OpenStream): void;
  /** Body octets, valid during the call. */
  requestData(stream: OpenStream, chunk: Buffer): void;
  requestEnds(stream: OpenStream, trailers: readonly string[]): void;
  /** The client made us reset the stream (RFC 9113 5.4.2), open or not. @throws ConnectionError where it does so too often. */
  fail(id: number, code: number): void;
  /** REFUSED_STREAM for a stream that was not looked at. */
  refuse(id: number): void;
  resetByPeer(stream: OpenStream, code: number): void;
  /** No later stream is served; also what a client's GOAWAY asks for. */
  drain(): void;
  /** The client acknowledged a PING; its payload begins at `at`. */
  pongCame(buffer: Buffer, at: number): void;
}
