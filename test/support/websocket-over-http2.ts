import { createHash } from 'node:crypto';
import type { ClientHttp2Session, ClientHttp2Stream, IncomingHttpHeaders } from 'node:http2';
import { Duplex } from 'node:stream';

/**
 * What a WebSocket client takes for its socket, on one stream of an HTTP/2 session: its handshake goes out as an extended
 * CONNECT and the answer comes back as HTTP/1.1's (RFC 8441 5); everything behind is the stream's, as it is.
 */
export function extendedConnect(session: ClientHttp2Session): Duplex {
  let handshake = '';
  let stream: ClientHttp2Stream | undefined;
  const socket = new Duplex({
    read: () => {
      stream?.resume();
    },
    write: (chunk: Buffer, _encoding, done) => {
      if (stream !== undefined) {
        stream.write(chunk, done);
        return;
      }
      handshake += chunk.toString('latin1');
      if (handshake.endsWith('\r\n\r\n')) stream = open(session, socket, handshake);
      done();
    },
    final: (done) => {
      stream?.end();
      done();
    },
    destroy: (error, done) => {
      stream?.close();
      done(error);
    },
  });
  return socket;
}

function open(session: ClientHttp2Session, socket: Duplex, handshake: string): ClientHttp2Stream {
  const [first = '', ...lines] = handshake.trimEnd().split('\r\n');
  const fields = new Map(
    lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 2)] as const),
  );
  const authority = fields.get('host') ?? '';
  const key = fields.get('sec-websocket-key') ?? '';
  for (const name of ['connection', 'host', 'sec-websocket-key', 'upgrade']) fields.delete(name);
  const stream = session.request(
    {
      ...{ ':method': 'CONNECT', ':protocol': 'websocket', ':scheme': 'https' },
      ...{ ':path': first.split(' ')[1] ?? '', ':authority': authority },
      ...Object.fromEntries(fields),
    },
    { endStream: false },
  );
  stream.on('response', (headers) => socket.push(answerHead(headers, key), 'latin1'));
  stream.on('data', (chunk: Buffer) => {
    if (!socket.push(chunk)) stream.pause();
  });
  stream.on('end', () => socket.push(null));
  stream.on('error', (error) => socket.destroy(error));
  stream.on('close', () => socket.destroy());
  return stream;
}

function answerHead(headers: IncomingHttpHeaders, key: string): string {
  const status = Number(headers[':status']);
  const lines = Object.entries(headers).flatMap(([name, value]) =>
    name.startsWith(':') ? [] : [`${name}: ${String(value)}`],
  );
  if (status !== 200) return [`HTTP/1.1 ${status} No`, ...lines, '', ''].join('\r\n');
  const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
  return [
    ...['HTTP/1.1 101 Switching', 'Connection: Upgrade', 'Upgrade: websocket', `Sec-WebSocket-Accept: ${accept}`],
    ...[...lines, '', ''],
  ].join('\r\n');
}
