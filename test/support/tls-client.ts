import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import type { OpensslIdentity } from './openssl.ts';

/** A TLS connection after its handshake, and what came over it. */
export interface TlsClient {
  readonly socket: TLSSocket;
  /** All that has come so far, as Latin-1. */
  text(): string;
  send(text: string): void;
  /** Resolves when `wanted` is true of the text or the connection has ended; gives the text. */
  until(wanted: (text: string) => boolean): Promise<string>;
  /** Resolves when the connection has ended. */
  readonly closed: Promise<void>;
}

/** Connects to 127.0.0.1 as `localhost`, without looking at the server's certificate. @throws where the handshake fails. */
export async function tlsClient(
  port: number,
  client?: OpensslIdentity,
  options: ConnectionOptions = {},
): Promise<TlsClient> {
  const socket = connect({
    port,
    host: '127.0.0.1',
    servername: 'localhost',
    rejectUnauthorized: false,
    ALPNProtocols: ['http/1.1'],
    ...(client === undefined ? {} : { cert: readFileSync(client.chain), key: readFileSync(client.key) }),
    ...options,
  });
  let text = '';
  let ended = false;
  const closed = new Promise<void>((resolve) => {
    socket.once('close', () => {
      ended = true;
      resolve();
    });
  });
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString('latin1');
  });
  await once(socket, 'secureConnect');
  socket.on('error', () => undefined);
  return {
    socket,
    text: () => text,
    send: (bytes) => {
      socket.write(bytes, 'latin1');
    },
    until: (wanted) =>
      new Promise((resolve) => {
        const look = () => {
          if (!ended && !wanted(text)) return;
          socket.off('data', look);
          socket.off('close', look);
          resolve(text);
        };
        socket.on('data', look);
        socket.on('close', look);
        look();
      }),
    closed,
  };
}

/** A GET without a body, on a connection that stays open. */
export function getRequest(path: string, more = ''): string {
  return `GET ${path} HTTP/1.1\r\nHost: localhost\r\n${more}\r\n`;
}
