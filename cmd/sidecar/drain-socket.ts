import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import type { Log } from '../../pkg/process/log.ts';
import type { DataPlane } from '../../pkg/proxy/data-plane.ts';

/**
 * How a pod ends (kubelet, kuberuntime killContainer, Kubernetes 1.29 to 1.35): the preStop hooks of all containers,
 * native sidecars too, begin at the same moment, when the pod is told to end. An application gets SIGTERM when its own
 * hook is over; a native sidecar waits, after its hook, until every application has ended, and gets SIGTERM only then.
 * By SIGTERM there is nobody left to forward to. So the hook does what SIGTERM does elsewhere, while the application
 * still lives: its own hook, at least a sleep, must last longer than the delay here and what runs after it. The
 * process must not exit when it is done: the kubelet would start it again (KEP-4438). By the same token it must go on
 * answering the kubelet, whose preStop requests for applications come through the relay.
 */
export interface DrainOptions {
  readonly gate: Pick<DataPlane, 'connectionCount' | 'inForce' | 'retire' | 'stop'>;
  /** How long new connections are still served, milliseconds: Services and load balancers take a while to hear. */
  readonly delayMs: number;
  /** For everything together; what runs then is cut. */
  readonly limitMs: number;
  /** SIGTERM: the delay is over at once. */
  readonly stopping: AbortSignal;
  readonly log: Log;
}

/** Ends the data plane in two steps, and leaves the process running. Never rejects. */
export async function drainGate({ gate, delayMs, limitMs, stopping, log }: DrainOptions): Promise<void> {
  // Where nothing is served nobody is on his way.
  const firstMs = (gate.inForce?.policy.listeners.length ?? 0) === 0 ? 0 : Math.min(delayMs, limitMs);
  log.info('draining', { delayMs: firstMs, limitMs, connections: gate.connectionCount() });
  gate.retire();
  await wait(firstMs, undefined, { signal: stopping }).catch(() => undefined);
  const limit = AbortSignal.timeout(limitMs - firstMs);
  await gate.stop(limit);
  log.info('drained', { inTime: !limit.aborted });
}

/** A Unix socket that asks for the drain. */
export interface DrainSocket {
  close(): void;
}

/**
 * Listens on `path` for this container's own user alone. Whoever connects starts `drain`, once for all, and gets a line
 * when it is done. @throws where the socket cannot be made.
 */
export async function listenForDrain(path: string, drain: () => Promise<void>, log: Log): Promise<DrainSocket> {
  // A container before this one, in the same pod, was killed and has left its own.
  await rm(path, { force: true });
  const sockets = new Set<Socket>();
  let drained: Promise<void> | undefined;
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    socket.resume();
    drained ??= drain();
    void drained.then(() => socket.end('drained\n'));
  });
  // The mode from the first moment on: a chmod would come after somebody could have connected.
  const before = process.umask(0o177);
  try {
    server.listen(path);
  } finally {
    process.umask(before);
  }
  await once(server, 'listening');
  server.on('error', (error) => log.error('drain socket failed', { path, error }));
  return {
    close: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
