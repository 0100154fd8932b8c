import { createServer, request as httpRequest, type IncomingMessage } from 'node:http';
import { Duplex } from 'node:stream';

/** A message as Node's own HTTP/1.1 implementation read it. Text is Latin-1. */
export interface NodeMessage {
  /** Method and target, or the status. */
  readonly start: string;
  body: string;
  complete: boolean;
}

/** Octets read by Node's `http` server, the strict parser on, over a connection in this process. */
export function createNodeReader(): (octets: Buffer) => Promise<readonly NodeMessage[]> {
  const bySocket = new Map<object, NodeMessage[]>();
  const server = createServer({ insecureHTTPParser: false }, (message, response) => {
    const messages = bySocket.get(message.socket);
    messages?.push(collect(message, `${message.method} ${message.url}`));
    response.end();
  });
  // What was read before the fault is still on its way through the message's stream.
  server.on('clientError', (_error, socket) => setImmediate(() => setImmediate(() => socket.destroy())));
  return (octets) =>
    new Promise((resolve) => {
      const socket = silentSocket();
      const messages: NodeMessage[] = [];
      bySocket.set(socket, messages);
      socket.on('close', () => {
        bySocket.delete(socket);
        resolve(messages);
      });
      server.emit('connection', socket);
      socket.push(octets);
      socket.push(null);
    });
}

/** Octets read by Node's `http` client as the answer to `method`; undefined where it gives an error and no answer. */
export function readResponseWithNode(octets: Buffer, method: string): Promise<NodeMessage | undefined> {
  return new Promise((resolve) => {
    const socket = silentSocket();
    let message: NodeMessage | undefined;
    const request = httpRequest({ method, host: 'a', createConnection: () => socket, insecureHTTPParser: false });
    request.on('response', (response) => {
      message = collect(response, String(response.statusCode));
      response.on('error', () => undefined);
    });
    request.on('upgrade', () => socket.destroy());
    request.on('error', () => socket.destroy());
    socket.on('close', () => resolve(message));
    request.end();
    socket.push(octets);
    socket.push(null);
  });
}

function collect(message: IncomingMessage, start: string): NodeMessage {
  const seen: NodeMessage = { start, body: '', complete: false };
  message.on('data', (chunk: Buffer) => {
    seen.body += chunk.toString('latin1');
  });
  message.on('end', () => {
    seen.complete = message.complete;
  });
  return seen;
}

/** A connection whose peer takes everything and says only what is pushed. */
function silentSocket(): Duplex {
  return new Duplex({
    read: () => undefined,
    write: (_chunk, _encoding, done) => done(),
    final: (done) => done(),
  });
}
