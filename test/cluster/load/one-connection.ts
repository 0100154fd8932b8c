import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { connect } from 'node:tls';
import { parseArgs } from 'node:util';

/**
 * One TLS connection with a client certificate: for every line on standard input one request, whose status is printed
 * as a line; `closed` where the connection has ended.
 */
const { values } = parseArgs({
  options: {
    host: { type: 'string', default: '127.0.0.1' },
    port: { type: 'string', default: '443' },
    servername: { type: 'string', default: '' },
    ca: { type: 'string', default: '' },
    cert: { type: 'string', default: '' },
    key: { type: 'string', default: '' },
  },
});
const { host, port, servername, ca, cert, key } = values;

let closed = false;
let text = '';
let waiting = false;
const socket = connect({
  ...{ host, port: Number(port), servername, ALPNProtocols: ['http/1.1'] },
  ...{ ca: readFileSync(ca), cert: readFileSync(cert), key: readFileSync(key) },
});
socket.setEncoding('latin1');
socket.on('data', (part: string) => {
  text += part;
  const head = /^HTTP\/1\.1 (\d+)[^]*?\r\n\r\n/.exec(text);
  if (head === null || !waiting) return;
  const length = Number(/\r\ncontent-length: *(\d+)/i.exec(head[0])?.[1] ?? 0);
  if (text.length < head[0].length + length) return;
  text = text.slice(head[0].length + length);
  tell(head[1] ?? '');
});
for (const event of ['close', 'end', 'error']) {
  socket.on(event, () => {
    closed = true;
    if (waiting) tell('closed');
  });
}

createInterface({ input: process.stdin })
  .on('line', () => {
    waiting = true;
    if (closed) tell('closed');
    else socket.write(`GET / HTTP/1.1\r\nhost: ${servername}\r\n\r\n`);
  })
  .on('close', () => process.exit());

function tell(line: string): void {
  waiting = false;
  process.stdout.write(`${line}\n`);
}
