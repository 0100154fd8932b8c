import { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';

/**
 * Calls `onBytes` with what the client of `socket` sends, from now on and instead of 'data' events; 'end', `pause` and
 * `resume` are as ever. A chunk is valid during the call only: all connections of a thread are read into one buffer. Some
 * more may come after `pause`: what has been received and not decrypted yet, 64 KiB at most.
 *
 * This is net.Socket's public option `onread`, which tls does not pass on to the sockets of a server though all that it
 * takes is there: a place for the buffer, one for the callback, and the handle's own part. A stream's event, object and
 * buffer for each TLS record are what uploads cost most. Where those parts are not found, 'data' events do the same.
 */
export function readClient(socket: TLSSocket, onBytes: (chunk: Buffer) => void): void {
  const handle: unknown = Reflect.get(socket, '_handle');
  const hasUnread = socket.readableLength > 0;
  if (places === undefined || hasUnread || !takesUserBuffer(handle)) {
    socket.on('data', onBytes);
    return;
  }
  Reflect.set(socket, places.buffer, readBuffer);
  Reflect.set(socket, places.callback, (size: number) => {
    // Requests are often as long as the one before.
    if (lastRead.length !== size) lastRead = readBuffer.subarray(0, size);
    onBytes(lastRead);
    return true;
  });
  handle.useUserBuffer(readBuffer);
}

interface ReadsIntoBuffer {
  useUserBuffer(buffer: Buffer): void;
}

function takesUserBuffer(handle: unknown): handle is ReadsIntoBuffer {
  return (
    typeof handle === 'object' &&
    handle !== null &&
    'useUserBuffer' in handle &&
    typeof handle.useUserBuffer === 'function'
  );
}

/** Under which symbols a socket keeps its `onread`: told by what is found there. */
function findPlaces(): { readonly buffer: symbol; readonly callback: symbol } | undefined {
  const mark = Buffer.alloc(1);
  const callback = () => true;
  const probe = new Socket({ onread: { buffer: mark, callback } });
  const holding = (value: unknown) =>
    Object.getOwnPropertySymbols(probe).find((symbol) => Reflect.get(probe, symbol) === value);
  const placeOfBuffer = holding(mark);
  const placeOfCallback = holding(callback);
  if (placeOfBuffer === undefined || placeOfCallback === undefined) return undefined;
  return { buffer: placeOfBuffer, callback: placeOfCallback };
}

const places = findPlaces();
/** What one TLS record holds at most (RFC 8446 5.1). */
const readBuffer = Buffer.allocUnsafeSlow(16_384);
let lastRead = readBuffer;
