import { createHash, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { listen } from '../process/listen.ts';
import type { Log } from '../process/log.ts';
import { ask } from './ask.ts';
import { type RelayProbe, relayPath, secretHeader } from './probe.ts';

export interface RelayOptions {
  /** The address to listen on; every address of the pod, both families, when absent: the kubelet comes from outside. */
  readonly host?: string;
  /** 0 takes a free port. */
  readonly port: number;
  readonly probes: readonly RelayProbe[];
  readonly log: Log;
}

export interface Relay {
  readonly port: number;
  /** Stops listening and ends every connection. Never rejects. */
  close(): Promise<void>;
}

/** The relay's port cannot be opened. */
export class RelayListenFailed extends Error {
  readonly code = 'RELAY_LISTEN_FAILED';
  override readonly name = 'RelayListenFailed';
}

/**
 * Lets the kubelet probe an application that listens on loopback. Answers GET and HEAD of `/probe/<id>` for exactly the
 * probes it was given, with a status and nothing of the application's answer; all else is 404. An application has one
 * question of each probe at a time: who asks meanwhile gets the same answer. @throws RelayListenFailed.
 */
export async function startRelay(options: RelayOptions): Promise<Relay> {
  const { log } = options;
  const probes = new Map(options.probes.map((probe) => [relayPath(probe.id), probe]));
  const running = new Map<RelayProbe, Promise<number>>();
  const waiting = new Set<Socket>();
  const sockets = new Set<Socket>();

  const statusOf = (probe: RelayProbe): Promise<number> => {
    let answer = running.get(probe);
    if (answer === undefined) {
      answer = ask(probe, (fault) => log.debug('probe not answered', { probe: probe.id, error: fault })).finally(() =>
        running.delete(probe),
      );
      running.set(probe, answer);
    }
    return answer;
  };

  const server = createServer(serverLimits, (request, response) => {
    const finish = (status: number) => {
      waiting.delete(request.socket);
      // No connection is kept: the kubelet dials anew for every question.
      response.writeHead(status, { 'content-length': 0, 'cache-control': 'no-store', connection: 'close' });
      response.end();
    };
    const probe = probes.get(request.url ?? '');
    if (probe === undefined || !mayAsk(request, probe)) {
      finish(404);
      return;
    }
    waiting.add(request.socket);
    void statusOf(probe).then(finish);
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => {
      sockets.delete(socket);
      waiting.delete(socket);
    });
    if (sockets.size > maxConnections) (oldestIdle(sockets, waiting) ?? socket).destroy();
  });
  server.on('clientError', (_error, socket) => socket.destroy());
  server.on('upgrade', (_request, socket) => socket.destroy());
  const { port } = await listen(
    server,
    options,
    (where, cause) => new RelayListenFailed(`probe port cannot be opened on ${where}: ${cause.message}`, { cause }),
  );
  return {
    port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function mayAsk(request: IncomingMessage, { secret }: RelayProbe): boolean {
  if (request.method !== 'GET' && request.method !== 'HEAD') return false;
  if (secret === undefined) return true;
  const said = request.headers[secretHeader];
  return typeof said === 'string' && timingSafeEqual(sha256(said), sha256(secret));
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

/** Whoever holds connections open without asking must not keep the kubelet's next probe out. */
function oldestIdle(sockets: ReadonlySet<Socket>, waiting: ReadonlySet<Socket>): Socket | undefined {
  for (const socket of sockets) if (!waiting.has(socket)) return socket;
  return sockets.values().next().value;
}

const maxConnections = 128;
const serverLimits = {
  connectionsCheckingInterval: 1000,
  headersTimeout: 5000,
  keepAliveTimeout: 1000,
  maxHeaderSize: 8192,
  requestTimeout: 10_000,
} as const;
