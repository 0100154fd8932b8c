import { createServer, type Socket } from 'node:net';
import {
  type CipherNameAndProtocol,
  createServer as createTlsServer,
  type TLSSocket,
  type TlsOptions,
  type Server as TlsServer,
} from 'node:tls';
import { Connection } from './connection.ts';
import { withContextOptions } from './context.ts';
import type { Deps } from './deps.ts';
import { HandshakeQueue } from './handshake-queue.ts';
import { serveHttp1 } from './http1-front.ts';
import { serveHttp2 } from './http2-front.ts';
import { recordHandshake } from './metrics.ts';
import { type CompiledListener, type CompiledProfile, type Snapshot, serverNameOf } from './snapshot.ts';

/** What a listener needs of the data plane it belongs to. */
export interface Host extends Deps {
  readonly options: {
    readonly handshakeMs: number;
    readonly listenAddress: string | undefined;
    readonly sharesPorts: boolean;
  };
  readonly snapshot: Snapshot | undefined;
  /** Undefined where a limit is reached; the connection's id else. Its place is free again when the socket is closed. */
  admitConnection(profileId: string, limit: number, socket: TLSSocket): { readonly id: string } | undefined;
  opened(connection: Connection, protocol: string): void;
}

/** One TLS port. */
export interface OpenListener {
  readonly port: number;
  renew(listener: CompiledListener): void;
  /** Stops accepting; open connections go on. */
  close(): void;
}

/**
 * Opens a port and resolves when it listens. Everybody gets through the handshake, since a refusal must be an HTTP
 * answer; only a profile's own names, or a profile without names, have a certificate to offer.
 */
export async function openListener(gate: Host, listener: CompiledListener): Promise<OpenListener> {
  let current = listener;
  const inForce = () => current;
  let tls = createTls(gate, listener, inForce);
  const close = (socket: Socket, result: 'failed' | 'over-limit') => {
    recordHandshake(gate.metrics, result, '');
    socket.destroy();
  };
  const queue = new HandshakeQueue({
    begin: (socket) => tls.emit('connection', socket),
    refuse: (socket) => close(socket, 'over-limit'),
    expire: (socket) => close(socket, 'failed'),
    waitMs: gate.options.handshakeMs,
    now: () => gate.clock.monotonicMs(),
  });
  const server = createServer({ allowHalfOpen: true, noDelay: true, pauseOnConnect: true }, (socket: Socket) => {
    socket.on('error', () => socket.destroy());
    queue.add(socket);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    const { listenAddress: host, sharesPorts: reusePort } = gate.options;
    server.listen({ port: listener.port, host, reusePort }, () => {
      server.off('error', reject);
      resolve();
    });
  });
  server.on('error', (error) => gate.log.error('listener failed', { port: listener.port, error }));
  return {
    port: listener.port,
    renew(next) {
      if (next === current) return;
      tls = createTls(gate, next, inForce);
      current = next;
    },
    close: () => {
      server.close();
      queue.close();
    },
  };
}

/**
 * What does the handshakes under one policy; it listens nowhere. A server without SNICallback where one profile has every
 * name: OpenSSL need not stop within the handshake to ask.
 */
function createTls(gate: Host, listener: CompiledListener, inForce: () => CompiledListener): TlsServer {
  const { port, fallback, profiles } = listener;
  /** Where a name has chosen: whose certificate and CAs a handshake has. */
  const begunAs = new WeakMap<TLSSocket, CompiledProfile>();
  const chooseByName: Pick<TlsOptions, 'SNICallback'> = {
    SNICallback(this: TLSSocket, name, done) {
      // An exception in here would end the process.
      try {
        const profile = inForce().profileFor(serverNameOf(name));
        if (profile !== undefined) begunAs.set(this, profile);
        // The default context is the fallback's already, with all its certificates.
        done(null, profile === fallback ? undefined : profile?.contextFor(this.getSharedSigalgs()));
      } catch (error) {
        done(error instanceof Error ? error : new Error(String(error)));
      }
    },
  };
  // Who sends no or an unknown name gets a certificate only where a profile without names exists.
  const tls = withContextOptions(listener.tls, fallback?.policy, (options) =>
    createTlsServer({
      ...options,
      ...(fallback !== undefined && profiles.length === 1 ? {} : chooseByName),
      requestCert: true,
      rejectUnauthorized: false,
      // Of a list Node keeps a copy for every connection, in a pool of 64 KiB that it keeps alive.
      ALPNCallback: ({ protocols: offered }) => protocols.find((protocol) => offered.includes(protocol)),
      allowHalfOpen: true,
      handshakeTimeout: gate.options.handshakeMs,
    }),
  );
  tls.on('secureConnection', (socket) => {
    try {
      accept(gate, port, begunAs.get(socket) ?? fallback, socket);
    } catch (error) {
      // A mistake of this program over one peer's handshake ends that connection, not the process.
      gate.log.error('connection closed: internal error', { port, error: String(error) });
      socket.destroy();
    }
  });
  tls.on('tlsClientError', (error: NodeJS.ErrnoException, socket) => {
    recordHandshake(gate.metrics, 'failed', '');
    gate.log.debug('handshake failed', {
      port,
      clientIp: socket.remoteAddress,
      code: error.code,
      error: error.message,
    });
    socket.destroy();
  });
  return tls;
}

/** `begunAs` is the profile whose certificate was shown, and by whose CAs OpenSSL verified the client's. */
function accept(gate: Host, port: number, begunAs: CompiledProfile | undefined, socket: TLSSocket): void {
  // A late error on a TLS socket that nobody listens to would end the process.
  socket.on('error', () => socket.destroy());
  const snapshot = gate.snapshot;
  const serverName = serverNameOf(socket.servername);
  const current = snapshot?.listeners.get(port);
  const profile = current?.profileFor(serverName);
  const protocol = socket.getProtocol() ?? '';
  const cipher = socket.getCipher();
  if (
    snapshot === undefined ||
    current === undefined ||
    profile === undefined ||
    // Another may have the name by now, or the same another trust: the next handshake is by those.
    profile.id !== begunAs?.id ||
    profile.identity !== begunAs.identity ||
    !meetsPolicy(current, protocol, cipher) ||
    socket.isSessionReused()
  ) {
    recordHandshake(gate.metrics, 'refused', protocol);
    socket.destroy();
    return;
  }
  const admitted = gate.admitConnection(profile.id, profile.policy.backend.limits.connections, socket);
  if (admitted === undefined) {
    recordHandshake(gate.metrics, 'over-limit', protocol);
    refuseBusy(socket);
    return;
  }
  recordHandshake(gate.metrics, 'completed', protocol);
  const tls = { protocol, cipher: cipher.name, serverName };
  const connection = new Connection(gate, snapshot, current, profile, socket, tls, admitted.id);
  const http2 = socket.alpnProtocol === 'h2';
  gate.opened(connection, http2 ? 'h2' : 'http/1.1');
  if (http2) serveHttp2(connection);
  else serveHttp1(connection);
}

/** Asked again after the handshake: a profile swapped meanwhile may ask for more than the context that was used. */
function meetsPolicy({ tls }: CompiledListener, protocol: string, cipher: CipherNameAndProtocol): boolean {
  if (protocol !== 'TLSv1.2' && protocol !== 'TLSv1.3') return false;
  if (protocol < tls.minVersion || protocol > tls.maxVersion) return false;
  return tls.ciphers.includes(cipher.name) || tls.ciphers.includes(cipher.standardName);
}

/** Said in HTTP/1.1 where that was agreed on; an HTTP/2 client sees a closed connection. */
function refuseBusy(socket: TLSSocket): void {
  if (socket.alpnProtocol === 'h2') {
    socket.destroy();
    return;
  }
  socket.resume();
  socket.end('HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n', 'latin1');
  socket.setTimeout(2000, () => socket.destroy());
}

/** In the order of preference. */
const protocols = ['h2', 'http/1.1'] as const;
