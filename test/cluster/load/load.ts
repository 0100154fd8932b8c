import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
import { parseArgs } from 'node:util';

/**
 * A client under mutual TLS at a fixed rate: every second request on a connection of its own, the others on kept ones.
 * Ends by itself after --seconds, and prints one line of JSON: `{sent, ok, retried, failures, slowestMs, samples}`.
 *
 * A request on a kept connection that was closed before any answer is sent once more, on a new connection, as every
 * HTTP client does with a GET (RFC 9110 9.2.2, RFC 9112 9.3.1): it is counted as `retried`.
 */
const { values } = parseArgs({
  options: {
    url: { type: 'string' },
    servername: { type: 'string' },
    ca: { type: 'string' },
    cert: { type: 'string' },
    key: { type: 'string' },
    rate: { type: 'string', default: '200' },
    seconds: { type: 'string', default: '60' },
  },
});
const { url = '', servername = '', ca = '', cert = '', key = '' } = values;
const identity = { ca: readFileSync(ca), cert: readFileSync(cert), key: readFileSync(key), servername };
const kept = new Agent({ ...identity, keepAlive: true, maxSockets: 20 });
const fresh = new Agent({ ...identity, keepAlive: false });
const rate = Number(values.rate);
const total = Math.round(rate * Number(values.seconds));

let sent = 0;
let ok = 0;
let retried = 0;
let slowestMs = 0;
const failures: string[] = [];
let open = 0;

function ask(agent: Agent, mayRetry: boolean): void {
  const begun = performance.now();
  let over = false;
  const end = (fault?: string) => {
    if (over) return;
    over = true;
    open -= 1;
    slowestMs = Math.max(slowestMs, performance.now() - begun);
    if (fault === undefined) ok += 1;
    else failures.push(`${new Date().toISOString()} ${agent === kept ? 'kept' : 'new'} connection: ${fault}`);
    finishIfDone();
  };
  open += 1;
  const asked = request(url, { agent, timeout: 10_000, headers: { host: servername } }, (response) => {
    response.resume();
    response.on('end', () => end(response.statusCode === 200 ? undefined : `status ${response.statusCode}`));
    response.on('error', (error) => end(error.message));
    response.on('aborted', () => end('the answer was cut'));
  });
  asked.on('timeout', () => asked.destroy(new Error('no answer within 10 s')));
  asked.on('error', (error) => {
    if (mayRetry && asked.reusedSocket && !over) {
      over = true;
      open -= 1;
      retried += 1;
      ask(fresh, false);
      return;
    }
    end('code' in error ? `${String(error.code)} ${error.message}` : error.message);
  });
  asked.end();
}

function finishIfDone(): void {
  if (sent < total || open > 0) return;
  const samples = failures.slice(0, 20);
  process.stdout.write(
    `${JSON.stringify({ sent, ok, retried, failures: failures.length, slowestMs: Math.round(slowestMs), samples })}\n`,
    () => process.exit(),
  );
}

const begun = performance.now();
const ticker = setInterval(() => {
  const due = Math.min(total, Math.floor(((performance.now() - begun) / 1000) * rate));
  for (; sent < due; ) {
    sent += 1;
    ask(sent % 2 === 0 ? kept : fresh, true);
  }
  if (sent >= total) {
    clearInterval(ticker);
    finishIfDone();
  }
}, 5);
