import { createServer, type IncomingMessage } from 'node:http';
import { type Listening, listen } from './listen.ts';
import { requestPage, requestText } from './page.ts';
import type { ReceivedRequest } from './received-request.ts';

/**
 * The demo's application: plain HTTP on 127.0.0.1, shows every request what it received, as a page where the client
 * accepts text/html and else as text. It checks nothing: that is the gate's work. Bodies are read and dropped.
 * @throws the listening error (EADDRINUSE, EACCES).
 */
export async function startApp(options: {
  readonly port: number;
  readonly onRequest: (request: ReceivedRequest) => void;
}): Promise<Listening> {
  const server = createServer((incoming, response) => {
    const received = read(incoming);
    options.onRequest(received);
    const asPage = incoming.headers.accept?.includes('text/html') ?? false;
    const body = asPage ? requestPage(received) : requestText(received);
    incoming.resume();
    response.writeHead(200, {
      'content-type': `${asPage ? 'text/html' : 'text/plain'}; charset=utf-8`,
      'content-length': Buffer.byteLength(body),
      'cache-control': 'no-store',
      'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'",
    });
    response.end(incoming.method === 'HEAD' ? undefined : body);
  });
  return listen(server, options.port);
}

function read(incoming: IncomingMessage): ReceivedRequest {
  const headers: [string, string][] = [];
  for (let index = 0; index + 1 < incoming.rawHeaders.length; index += 2) {
    headers.push([incoming.rawHeaders[index] ?? '', incoming.rawHeaders[index + 1] ?? '']);
  }
  return { method: incoming.method ?? '', target: incoming.url ?? '', headers };
}
