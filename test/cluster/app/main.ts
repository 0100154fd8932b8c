import { createServer, type IncomingMessage } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { requestText } from '../../../pkg/demo/page.ts';

/*
 * The application of the test cluster: plain HTTP, shows every request what it received, as text. By its environment:
 *
 *   PORT         8080
 *   HOST         127.0.0.1, so that only the gate in the same pod reaches it; 0.0.0.0 or :: to be found around it
 *   DRAIN_MS     how long it serves on after SIGTERM, 0: it ends at once
 *
 * GET /healthz answers `ok`, GET /slow?ms=N after N milliseconds, GET /requests how many it has answered.
 */
const { PORT = '8080', HOST = '127.0.0.1', DRAIN_MS = '0' } = process.env;
let answered = 0;

async function answer(request: IncomingMessage): Promise<string> {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://app.invalid');
  if (pathname === '/healthz') return 'ok\n';
  if (pathname === '/requests') return `${answered}\n`;
  if (pathname === '/slow') await sleep(Math.min(60_000, Number(searchParams.get('ms')) || 0));
  answered += 1;
  const pairs = request.rawHeaders.flatMap((name, index, all): [string, string][] =>
    index % 2 === 0 ? [[name, all[index + 1] ?? '']] : [],
  );
  return requestText({ method: request.method ?? '', target: request.url ?? '', headers: pairs });
}

const server = createServer((request, response) => {
  request.resume();
  void answer(request).then((text) => {
    response.writeHead(200, { 'content-type': 'text/plain; charset=utf-8', 'content-length': Buffer.byteLength(text) });
    response.end(request.method === 'HEAD' ? undefined : text);
  });
});
server.listen(Number(PORT), HOST, () => console.log(`listening on ${HOST}:${PORT}`));

process.on('SIGTERM', () => {
  setTimeout(() => process.exit(0), Number(DRAIN_MS));
});
