import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A request as the application received it; header names in lower case, every occurrence. */
export interface ReceivedRequest {
  readonly method: string;
  readonly url: string;
  readonly fields: readonly (readonly [name: string, value: string])[];
}

/** An application that remembers what it received. */
export interface EchoApp {
  readonly port: number;
  readonly server: Server;
  readonly received: ReceivedRequest[];
  /** Values of a header in the last request. */
  last(name: string): readonly string[];
  close(): Promise<void>;
}

/** Answers 200 and `hello`, unless `answer` is given. Listens on 127.0.0.1 unless `host` says otherwise. */
export async function startEchoApp(
  answer: (request: IncomingMessage, response: ServerResponse) => void = (_request, response) => {
    response.end('hello\n');
  },
  host = '127.0.0.1',
): Promise<EchoApp> {
  const received: ReceivedRequest[] = [];
  const server = createServer({ keepAliveTimeout: 60_000, requestTimeout: 0 }, (request, response) => {
    received.push({ method: request.method ?? '', url: request.url ?? '', fields: pairs(request.rawHeaders) });
    answer(request, response);
  });
  server.listen(0, host);
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    server,
    received,
    last: (name) => (received.at(-1)?.fields ?? []).filter(([key]) => key === name).map(([, value]) => value),
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

function pairs(raw: readonly string[]): readonly (readonly [string, string])[] {
  return raw.flatMap((name, i) => (i % 2 === 0 ? [[name.toLowerCase(), raw[i + 1] ?? ''] as const] : []));
}
