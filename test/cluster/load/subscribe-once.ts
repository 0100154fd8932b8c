import { connect } from 'node:http2';

/**
 * Opens the sidecars' stream once, with a token from standard input, and prints what the operator says to it: the name
 * of the gRPC status, or `SNAPSHOT` where anything is pushed. Standard input: JSON `{ca, token}`; argument: host:port.
 */
const [address = ''] = process.argv.slice(2);
let input = '';
for await (const part of process.stdin) input += String(part);
const given: unknown = JSON.parse(input);
const { ca, token } = given as { readonly ca: string; readonly token: string };

const client = connect(`https://${address}`, { ca, servername: 'lychgate.lychgate-system.svc' });
client.on('error', (error) => end(`no connection: ${error.message}`));
const stream = client.request({
  ':method': 'POST',
  ':path': '/lychgate.push.v1.Push/Follow',
  'content-type': 'application/grpc+json',
  te: 'trailers',
  authorization: `Bearer ${token}`,
});
const look = (headers: Readonly<Record<string, unknown>>) => {
  const code = headers['grpc-status'];
  // Told is told: the stream itself stays half open on this side.
  if (code !== undefined)
    end(`${names[Number(code)] ?? Number(code)} ${JSON.stringify(headers['grpc-message'] ?? '')}`);
};
stream.on('response', look);
stream.on('trailers', look);
stream.on('data', () => end('SNAPSHOT'));
stream.on('close', () => end('closed without a status'));
setTimeout(() => end('nothing within 10 s'), 10_000);

function end(text: string): void {
  process.stdout.write(`${text}\n`, () => process.exit());
}

const names: Readonly<Record<number, string>> = {
  7: 'PERMISSION_DENIED',
  12: 'UNIMPLEMENTED',
  14: 'UNAVAILABLE',
  16: 'UNAUTHENTICATED',
};
