import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { after, suite, test } from 'node:test';
import { ocspSettings } from '../../test/support/judging.ts';
import { startOcspResponder } from '../../test/support/ocsp-responder.ts';
import { makePki } from '../../test/support/pki.ts';
import type { OcspSettings } from '../policy/policy.ts';
import { type CheckerDeps, createOcspChecker } from './checker.ts';
import type { RevocationStatus } from './status.ts';

/* Responders that speak raw TCP and mean no good. The right reason, within the deadline, and no effect on others. */

const nowMs = Date.UTC(2026, 10, 20, 10);
const pki = makePki({ nowMs });
const { certificate: issuer, key } = pki.intermediate;
const honest = await startOcspResponder({ issuer, signer: { certificate: issuer, key }, now: () => nowMs });
const settings: OcspSettings = { ...ocspSettings, allowInternalAddresses: ['127.0.0.1/32'], timeoutMs: 500 };
/** So that a time limit of ours that is gone fails a test and does not hang it. */
const limited = { timeout: 40_000 };
/** For what ends by itself: a busy machine must not decide. */
const patient: OcspSettings = { ...settings, timeoutMs: 20_000 };
const closers: (() => Promise<void> | void)[] = [() => honest.close()];
after(async () => {
  for (const close of closers) await close();
});

function makeChecker(changes: Partial<CheckerDeps> = {}) {
  const checker = createOcspChecker({
    now: () => nowMs,
    monotonicNow: () => performance.now(),
    lookup: (host) => Promise.reject(Object.assign(new Error(host), { code: 'ENOTFOUND' })),
    random: randomBytes,
    ...changes,
  });
  closers.push(() => checker.close());
  return checker;
}

/** A certificate with these responders; the honest one knows it as good. */
function leaf(...ocspUrls: readonly string[]) {
  const { certificate } = pki.intermediate.issue({ ocspUrls });
  honest.verdicts.set(certificate.serialHex, { kind: 'good' });
  return certificate;
}

/** A TCP server that does this to each connection once a request has come. */
async function raw(onRequest: (socket: Socket) => void) {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {}).on('close', () => sockets.delete(socket));
    socket.on('data', () => onRequest(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closers.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, sockets };
}

function short(status: RevocationStatus): string {
  return status.kind === 'unavailable' ? `${status.cause}${status.softenable ? ', softenable' : ''}` : status.kind;
}

/** Writes a piece every few milliseconds until the other side has gone. */
function forever(socket: Socket, piece: string | Buffer, everyMs = 2): void {
  const timer = setInterval(() => socket.write(piece), everyMs);
  socket.on('close', () => clearInterval(timer));
}

const head = 'HTTP/1.1 200 OK\r\nContent-Type: application/ocsp-response\r\n';
const hostile: readonly (readonly [string, (socket: Socket) => void, string])[] = [
  ['says nothing', () => {}, 'timeout, softenable'],
  ['stops in the status line', (socket) => socket.write('HTTP/1.1 20'), 'timeout, softenable'],
  ['stops in the head', (socket) => socket.write(`${head}Content-Le`), 'timeout, softenable'],
  ['stops after the head', (socket) => socket.write(`${head}Content-Length: 500\r\n\r\n`), 'timeout, softenable'],
  [
    'stops in a chunk',
    (socket) => socket.write(`${head}Transfer-Encoding: chunked\r\n\r\n5\r\n0`),
    'timeout, softenable',
  ],
  ['drips its head', (socket) => (socket.write(`${head}X: `), forever(socket, 'a')), 'timeout, softenable'],
  ['continues for ever', (socket) => forever(socket, 'HTTP/1.1 100 Continue\r\n\r\n'), 'timeout, softenable'],
  [
    'drips chunks',
    (socket) => (socket.write(`${head}Transfer-Encoding: chunked\r\n\r\n`), forever(socket, '1\r\n0\r\n')),
    'timeout, softenable',
  ],
  ['has an endless head', (socket) => (socket.write(head), forever(socket, `X: ${'a'.repeat(4096)}\r\n`)), 'too-large'],
  ['has a head of 20 KiB', (socket) => socket.write(`${head}X: ${'a'.repeat(20_000)}\r\n\r\n`), 'too-large'],
  [
    'has an endless body without a length',
    (socket) => (socket.write(`${head}\r\n`), forever(socket, Buffer.alloc(16_384))),
    'too-large',
  ],
  [
    'has endless chunks',
    (socket) => {
      socket.write(`${head}Transfer-Encoding: chunked\r\n\r\n`);
      forever(socket, Buffer.concat([Buffer.from('4000\r\n'), Buffer.alloc(16_384), Buffer.from('\r\n')]));
    },
    'too-large',
  ],
  [
    'names an encoding',
    (socket) => socket.write(`${head}Content-Encoding: br\r\nContent-Length: 5\r\n\r\n\x30\x03\x0a\x01\x03`),
    'malformed',
  ],
  ['names 1 TB', (socket) => socket.write(`${head}Content-Length: 1000000000000\r\n\r\n`), 'too-large'],
  [
    'fails with an endless body',
    (socket) => (socket.write('HTTP/1.1 500 No\r\n\r\n'), forever(socket, Buffer.alloc(16_384))),
    'http-status, softenable',
  ],
  ['speaks another protocol', (socket) => socket.write('220 smtp.example ESMTP\r\n'), 'malformed'],
  [
    'names two lengths',
    (socket) => socket.write(`${head}Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd`),
    'malformed',
  ],
  [
    'names a length and chunks',
    (socket) => socket.write(`${head}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`),
    'malformed',
  ],
  ['answers nothing at all', (socket) => socket.write(`${head}Content-Length: 0\r\n\r\n`), 'malformed'],
  [
    'switches protocols',
    (socket) => socket.write('HTTP/1.1 101 Go\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n'),
    'http-status',
  ],
  ['closes without a word', (socket) => socket.end(), 'connect, softenable'],
  ['resets', (socket) => socket.resetAndDestroy(), 'connect, softenable'],
  [
    'redirects to the metadata service',
    (socket) => socket.write('HTTP/1.1 307 Go\r\nLocation: http://169.254.169.254/\r\nContent-Length: 0\r\n\r\n'),
    'http-status',
  ],
];

suite('a responder that', { concurrency: true }, () => {
  for (const [name, behave, want] of hostile) {
    test(`${name} gives ${want}, in time; its connection is closed, and the next URL is asked`, limited, async () => {
      const { url, sockets } = await raw(behave);
      const checker = makeChecker();
      const given = want.startsWith('timeout') ? settings : patient;
      const begun = performance.now();
      assert.equal(short(await checker.check(leaf(url), issuer, given)), want);
      assert.ok(performance.now() - begun < given.timeoutMs + 3000, 'the deadline holds');
      const both = leaf(url, honest.url);
      assert.equal(short(await checker.check(both, issuer, { ...settings, timeoutMs: 5000 })), 'good');
      // Only a connection whose answer ended properly is kept.
      if (want !== 'malformed') await gone(sockets);
    });
  }
});

test('a responder that does not even accept connections gives timeout, in time', async () => {
  const program = `const s=require('net').createServer();s.listen({port:0,host:'127.0.0.1',backlog:1},()=>{
    require('fs').writeSync(1,String(s.address().port)+'\\n');Atomics.wait(new Int32Array(new SharedArrayBuffer(4)),0,0)})`;
  const child = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
  const waiting: Socket[] = [];
  try {
    const [port] = (await once(child.stdout, 'data')) as [Buffer];
    // These fill what the kernel accepts in its place.
    for (let count = 0; count < 4; count += 1) waiting.push(connect(Number(port), '127.0.0.1').on('error', () => {}));
    const url = `http://127.0.0.1:${Number(port)}/`;
    assert.equal(short(await makeChecker().check(leaf(url), issuer, settings)), 'timeout, softenable');
    const both = leaf(url, honest.url);
    assert.equal(short(await makeChecker().check(both, issuer, { ...settings, timeoutMs: 8000 })), 'good');
  } finally {
    for (const socket of waiting) socket.destroy();
    child.kill('SIGKILL');
  }
});

test(
  'slow DNS gives timeout, in time, and the next URL is asked; many questions about one host look it up once',
  limited,
  async () => {
    const looked: string[] = [];
    const checker = makeChecker({
      lookup: (host) => {
        looked.push(host);
        return new Promise(() => {});
      },
    });
    const slow = 'http://slow.test/';
    const begun = performance.now();
    const asked = Array.from({ length: 8 }, () => checker.check(leaf(slow), issuer, settings));
    assert.deepEqual(new Set((await Promise.all(asked)).map(short)), new Set(['timeout, softenable']));
    assert.ok(performance.now() - begun < settings.timeoutMs + 4000, 'the deadline holds');
    // The system's resolver has four threads for everything: one host must not have them all.
    assert.deepEqual(looked, ['slow.test']);
    assert.equal(
      short(
        await makeChecker({ lookup: () => new Promise(() => {}) }).check(leaf(slow, honest.url), issuer, {
          ...settings,
          timeoutMs: 5000,
        }),
      ),
      'good',
    );
  },
);

test('an answer of DNS that comes late is used by those who still wait, and by nobody else', limited, async () => {
  let arrive: (found: { address: string }[]) => void = () => {};
  let lookups = 0;
  const checker = makeChecker({
    lookup: () => {
      lookups += 1;
      return new Promise((resolve) => {
        arrive = resolve;
      });
    },
  });
  const url = `http://late.test:${honest.port}/`;
  assert.equal(short(await checker.check(leaf(url), issuer, { ...settings, timeoutMs: 30 })), 'timeout, softenable');
  const waiting = checker.check(leaf(url), issuer, { ...settings, timeoutMs: 20_000 });
  arrive([{ address: '127.0.0.1' }]);
  assert.equal(short(await waiting), 'good');
  assert.equal(lookups, 1);
  const again = checker.check(leaf(url), issuer, patient);
  // Resolved anew, and judged anew: an answer of DNS is never kept.
  await new Promise((turn) => setImmediate(turn));
  assert.equal(lookups, 2);
  arrive([{ address: '169.254.169.254' }]);
  assert.equal(short(await again), 'address-refused');
});

test('bytes behind an answer spoil no later one', async () => {
  let served = 0;
  const certificates = [leaf('http://127.0.0.1:1/'), leaf('http://127.0.0.1:1/')];
  const { url } = await raw((socket) => {
    served += 1;
    const body = Buffer.from('30030a0103', 'hex');
    const answer = Buffer.concat([Buffer.from(`${head}Content-Length: ${body.length}\r\n\r\n`), body]);
    // The second answer is there before it has been asked for.
    socket.write(Buffer.concat([answer, answer]));
  });
  const checker = makeChecker();
  for (const one of certificates) {
    const outcome = await checker.check(one, issuer, { ...patient, responder: { url, use: 'Override' } });
    assert.equal(short(outcome), 'responder-error, softenable');
  }
  assert.equal(served, 2);
});

test('a responder that hangs fills its own places and the queue, and another one answers at once', async () => {
  const { url } = await raw(() => {});
  const checker = makeChecker({ limits: { total: 4, each: 2, queue: 3 } });
  const hanging = Array.from({ length: 6 }, () => checker.check(leaf(url), issuer, settings));
  const { running, queued } = checker.snapshot();
  assert.deepEqual({ running, queued }, { running: 2, queued: 3 });
  assert.equal(short(await checker.check(leaf(honest.url), issuer, patient)), 'good');
  const causes = (await Promise.all(hanging)).map(short);
  assert.equal(causes.filter((cause) => cause === 'overloaded').length >= 1, true);
  assert.deepEqual([...new Set(causes)].sort(), ['overloaded', 'timeout, softenable']);
});

test('an endless body of 10 MB/s costs the 64 KiB that are read, however many send one', async () => {
  const { url, sockets } = await raw((socket) => {
    socket.write(`${head}\r\n`);
    forever(socket, Buffer.alloc(50_000), 5);
  });
  const checker = makeChecker();
  const wave = () => Promise.all(Array.from({ length: 16 }, () => checker.check(leaf(url), issuer, patient)));
  await wave();
  const before = process.memoryUsage().arrayBuffers;
  let most = 0;
  const sampler = setInterval(() => {
    most = Math.max(most, process.memoryUsage().arrayBuffers);
  }, 5);
  const causes = [...(await wave()), ...(await wave())].map(short);
  clearInterval(sampler);
  assert.deepEqual(new Set(causes), new Set(['too-large']));
  // 16 at once, 64 KiB kept of each, and as much again on its way, in both directions since the sender is here too.
  assert.ok(most - before < 16 * 1024 * 1024, `${most - before} bytes more`);
  await gone(sockets);
});

test('a responder that takes only POST is asked by POST after its status to GET, once', async () => {
  let asked = 0;
  const { url } = await raw((socket) => {
    asked += 1;
    socket.write('HTTP/1.1 405 No\r\nAllow: POST\r\nContent-Length: 0\r\n\r\n');
  });
  assert.equal(short(await makeChecker().check(leaf(url), issuer, patient)), 'http-status');
  assert.equal(asked, 2);
  honest.fault = 'getNotAllowed';
  try {
    honest.requests.length = 0;
    assert.equal(short(await makeChecker().check(leaf(honest.url), issuer, patient)), 'good');
    assert.deepEqual(
      honest.requests.map(({ method }) => method),
      ['GET', 'POST'],
    );
  } finally {
    honest.fault = undefined;
  }
});

test('an answer about another certificate, and a replay past its time, do not count', async () => {
  const mine = leaf(honest.url);
  const other = leaf(honest.url);
  const checker = makeChecker();
  assert.equal(short(await checker.check(other, issuer, patient)), 'good');
  honest.replay = honest.lastAnswer;
  try {
    assert.equal(short(await checker.check(mine, issuer, patient)), 'wrong-certificate');
    const later = makeChecker({ now: () => nowMs + 2 * 3_600_000 });
    assert.equal(short(await later.check(other, issuer, patient)), 'stale');
  } finally {
    honest.replay = undefined;
  }
});

/** Until the other side has closed them all. */
async function gone(sockets: ReadonlySet<Socket>): Promise<void> {
  for (const socket of sockets) if (!socket.destroyed) await once(socket, 'close');
}
