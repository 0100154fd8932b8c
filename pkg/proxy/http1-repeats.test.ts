import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  defaultBackend,
  FakeOcsp,
  ManualClock,
  type ProfileChanges,
  profileOf,
  revokedStatus,
  someAnswer,
  until,
} from '../../test/support/gate.ts';
import {
  answer,
  askingOcsp,
  get,
  linesNamed,
  pki,
  startWorld,
  type Talk,
  type World,
} from '../../test/support/talk.ts';
import type { RevocationStatus } from '../ocsp/status.ts';
import type { HeaderAction, RewriteSetPolicy } from '../policy/policy.ts';

/** Requests that a client might repeat, some alike but for one octet, or the target. All are answered. */
const requests: readonly string[] = [
  get('/1'),
  get('/2'),
  get('/1', 'X-Client-Cert: forged\r\nX-Mine: 1\r\n'),
  get('/1', 'Connection: X-Mine\r\nX-Mine: 1\r\nX-Tenant: blue\r\n'),
  'HEAD /1 HTTP/1.1\r\nHost: localhost\r\n\r\n',
  'POST /1 HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\nhi',
  'POST /1 HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\nho',
  'POST /1 HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n',
  'GET /1 HTTP/1.0\r\nHost: localhost\r\nConnection: keep-alive\r\n\r\n',
  get('/1', 'X-Request-Id: from-a-proxy\r\nX-Forwarded-For: 192.0.2.1\r\n'),
  get('/1?query'),
  get('/22'),
  get('/bare'),
  get('/1', 'X-Mine: 1\r\nX-Tenant: blue\r\n'),
  get('/22', 'X-Mine: 1\r\nX-Tenant: blue\r\n'),
  get('/bare', 'X-Mine: 1\r\nX-Tenant: blue\r\n'),
  get('/1', 'X-Tenant: blue\r\nX-Mine: 1\r\n'),
  get('/1', 'X-Mine: 1\r\nx-tenant: blue\r\n'),
  get('/2', 'Connection: X-Mine\r\nX-Mine: 1\r\nX-Tenant: blue\r\n'),
  get('http://localhost/22'),
  'GET /1 HTTP/1.1\r\nHost: LOCALHOST\r\n\r\n',
  'POST /22 HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\nhi',
  'POST /22 HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\nhi',
  'POST /1 HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\nhi',
];

/** Heads of answers, without the length; some alike but for one octet. */
const heads: readonly string[] = [
  '200 OK\r\nDate: Tue, 24 Nov 2026 10:00:00 GMT\r\n',
  '200 OK\r\nDate: Tue, 24 Nov 2026 10:00:01 GMT\r\n',
  '404 OK\r\nDate: Tue, 24 Nov 2026 10:00:00 GMT\r\n',
  '200 OK\r\nConnection: X-Hop\r\nX-Hop: 1\r\nX-Client-Cert: shown\r\n',
  '200 OK\r\nX-Verdict: of the application\r\n',
];

const ways = ['ocsp', 'crl'] as const;

/** What the tests change between requests. */
type Step =
  | { readonly kind: 'ask'; readonly request: number; readonly head: number; readonly times: number }
  | { readonly kind: 'judge'; readonly way: number }
  | { readonly kind: 'policy'; readonly policy: number };

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    {
      weight: 8,
      arbitrary: fc.record({
        kind: fc.constant('ask' as const),
        request: fc.nat(requests.length - 1),
        head: fc.nat(heads.length - 1),
        times: fc.integer({ min: 1, max: 4 }),
      }),
    },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('judge' as const), way: fc.nat(ways.length - 1) }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('policy' as const), policy: fc.nat(3) }) },
  ),
  { minLength: 5, maxLength: 25 },
);

test('a request on a kept connection is what the same request on a new one is, whatever came before', async (t) => {
  let head = heads[0] ?? '';
  let way: (typeof ways)[number] = 'ocsp';
  const clock = new ManualClock();
  const ocsp = new FakeOcsp();
  ocsp.answer = () => status(way, clock.wallMs() + 60_000);
  const respond = (text: string) => {
    const [, length = '0'] = /\r\nContent-Length: (\d+)/.exec(text) ?? [];
    if (!text.includes('\r\n\r\n') || text.length < text.indexOf('\r\n\r\n') + 4 + Number(length)) return undefined;
    return `HTTP/1.1 ${head}Content-Length: 2\r\n\r\n${text.startsWith('HEAD') ? '' : 'ok'}`;
  };
  const world = await startWorld(t, { clock, ocsp, respond, profile: profiles[0] ?? {} });
  await fc.assert(
    fc.asyncProperty(steps, async (list) => {
      const kept = await world.talk();
      for (const step of list) {
        switch (step.kind) {
          case 'judge':
            way = ways[step.way] ?? 'ocsp';
            // The verdict is asked anew.
            clock.advance(60_000);
            break;
          case 'policy':
            await world.gate.apply([profileOf(pki, world.app.port, profiles[step.policy])]);
            break;
          case 'ask': {
            head = heads[step.head] ?? '';
            const request = requests[step.request] ?? '';
            const fresh = await world.talk();
            const want = await asked(world, fresh, request);
            fresh.socket.destroy();
            for (let time = 0; time < step.times; time++) {
              const got = await asked(world, kept, request);
              assert.deepEqual([got.received, got.answer], [want.received, want.answer]);
              if (got.id !== 'from-a-proxy') assert.equal(ids.has(got.id), false, 'each request has an id of its own');
              ids.add(got.id);
            }
            break;
          }
        }
      }
      kept.socket.destroy();
    }),
    { numRuns: 25, seed: 6, endOnFailure: true },
  );
});

for (const before of [1, 2, 3, 4, 5]) {
  for (const clockSet of ['forward', 'on'] as const) {
    test(`a certificate that was revoked gets no further by repeating a request: after ${before}, calendar ${clockSet}`, async (t) => {
      const clock = new ManualClock();
      const ocsp = new FakeOcsp();
      ocsp.answer = () => status('ocsp', clock.wallMs() + 60_000);
      const world = await startWorld(t, { clock, ocsp, profile: profiles[0] ?? {} });
      const client = await world.talk();
      for (let time = 0; time < before; time++) {
        client.send(get('/'));
        await client.take('ok');
      }
      ocsp.answer = () => revokedStatus;
      if (clockSet === 'on') clock.advance(60_000);
      else clock.setWall(clock.wallMs() + 60_000);
      client.send(get('/'));
      assert.match(await client.rest(), /^HTTP\/1\.1 400 [^]*Revoked/);
      assert.equal(world.app.received.join('').split('GET / ').length - 1, before);
    });
  }
}

test('a certificate that an allow list no longer has gets no further by repeating a request', async (t) => {
  const world = await startWorld(t);
  const client = await world.talk();
  for (let time = 0; time < 4; time++) {
    client.send(get('/'));
    await client.take('ok');
  }
  await world.gate.apply([
    profileOf(pki, world.app.port, { clientAuth: askingOcsp({ allow: [{ dnsName: 'other.example.test' }] }) }),
  ]);
  client.send(get('/'));
  assert.match(await client.rest(), /NotAllowed/);
  assert.equal(world.app.received.join('').split('GET / ').length - 1, 4);
});

test('an answer to a repeated request says what the verdict of now is', async (t) => {
  let way: (typeof ways)[number] = 'ocsp';
  const clock = new ManualClock();
  const ocsp = new FakeOcsp();
  ocsp.answer = () => status(way, clock.wallMs() + 60_000);
  const world = await startWorld(t, { clock, ocsp, profile: profiles[3] ?? {} });
  const client = await world.talk();
  const ask = async () => {
    client.send(get('/'));
    return /X-Verdict: (.*)\r\n/.exec(await client.take('ok'))?.[1];
  };
  for (let time = 0; time < 4; time++) assert.equal(await ask(), 'good');
  way = 'crl';
  clock.advance(60_000);
  for (let time = 0; time < 4; time++) assert.equal(await ask(), 'good-crl');
});

test('an answer that comes after another policy is cleaned by that one', async (t) => {
  let held: Socket | undefined;
  const head = 'HTTP/1.1 200 OK\r\nX-Proof: 1\r\nContent-Length: 2\r\n\r\nok';
  const world = await startWorld(t, {
    respond: (text, socket) => {
      held = socket;
      return text.includes('hold') ? '' : head;
    },
  });
  const client = await world.talk();
  for (let time = 0; time < 4; time++) {
    client.send(get('/'));
    assert.match(await client.take('ok'), /X-Proof: 1/);
  }
  // The same head, and a body that the application waits for.
  const post = 'POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n\r\n';
  for (const body of ['abcd', 'abcd', 'abcd']) {
    client.send(post + body);
    assert.match(await client.take('ok'), /X-Proof: 1/);
  }
  client.send(`${post}hold`);
  await until('the request', () => (world.app.received[0] ?? '').endsWith('hold'));
  await world.gate.apply([
    profileOf(pki, world.app.port, {
      forwardedCertificate: { header: 'X-Proof', format: 'Base64Der', unverified: 'Deny' },
    }),
  ]);
  held?.write(head);
  assert.doesNotMatch(await client.take('ok'), /X-Proof/);
});

test('the same answer is told to HTTP/1.0 in its own way', async (t) => {
  const world = await startWorld(t);
  const client = await world.talk();
  for (let time = 0; time < 4; time++) {
    client.send(get('/'));
    assert.equal(await client.take('ok'), answer('ok'));
  }
  client.send('GET / HTTP/1.0\r\nHost: localhost\r\nConnection: keep-alive\r\n\r\n');
  assert.equal(await client.take('ok'), answer('ok').replace('\r\n\r\n', '\r\nConnection: keep-alive\r\n\r\n'));
  client.send(get('/'));
  assert.equal(await client.take('ok'), answer('ok'));
});

test('a connection that ends says so in the answer to a repeated request too', async (t) => {
  const world = await startWorld(t);
  const client = await world.talk();
  for (let time = 0; time < 4; time++) {
    client.send(get('/'));
    assert.equal(await client.take('ok'), answer('ok'));
  }
  world.gate.gate.retire();
  client.send(get('/'));
  assert.equal(await client.rest(), answer('ok').replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'));
});

test('requests that differ in their target only are each sent to their own, under an id of their own', async (t) => {
  const world = await startWorld(t);
  const client = await world.talk();
  const asked = ['/1', '/1', '/1', '/2', '/22?a', '/2', '/', '/22?a', '/22?a', '/1'];
  for (const target of asked) {
    client.send(get(target, 'X-Mine: 1\r\n'));
    await client.take('ok');
  }
  const received = world.app.received.join('').split(/(?<=\r\n\r\n)/);
  const [first = ''] = received;
  assert.deepEqual(
    received.map((text) => text.replace(/^X-Request-Id: .*$/m, 'X-Request-Id: ID')),
    asked.map((target) =>
      first.replace('GET /1 ', `GET ${target} `).replace(/^X-Request-Id: .*$/m, 'X-Request-Id: ID'),
    ),
  );
  assert.equal(new Set(received.flatMap((text) => linesNamed(text, 'x-request-id'))).size, asked.length);
});

test('a request that differs in its target only says what the verdict of now is', async (t) => {
  let way: (typeof ways)[number] = 'ocsp';
  const clock = new ManualClock();
  const ocsp = new FakeOcsp();
  ocsp.answer = () => status(way, clock.wallMs() + 60_000);
  const world = await startWorld(t, { clock, ocsp, profile: profiles[1] ?? {} });
  const client = await world.talk();
  const ask = async (target: string) => {
    const before = world.app.received.join('').length;
    client.send(get(target));
    await client.take('ok');
    return linesNamed(world.app.received.join('').slice(before), 'x-verdict')[0];
  };
  for (const target of ['/1', '/2', '/3']) assert.equal(await ask(target), 'X-Verdict: good');
  way = 'crl';
  clock.advance(60_000);
  for (const target of ['/4', '/5', '/6']) assert.equal(await ask(target), 'X-Verdict: good-crl');
});

test('what a rule removes for one target stays for the others', async (t) => {
  const world = await startWorld(t, { profile: profiles[1] ?? {} });
  const client = await world.talk();
  const asked = ['/1', '/1', '/1', '/bare', '/1', '/bare', '/bare', '/2'];
  const seen: boolean[] = [];
  for (const target of asked) {
    const before = world.app.received.join('').length;
    client.send(get(target, 'X-Mine: 1\r\n'));
    await client.take('ok');
    seen.push(linesNamed(world.app.received.join('').slice(before), 'x-mine').length === 1);
  }
  assert.deepEqual(
    seen,
    asked.map((target) => target !== '/bare'),
  );
});

test('repeated requests are counted like all others', async (t) => {
  const world = await startWorld(t);
  const client = await world.talk();
  for (let time = 0; time < 6; time++) {
    client.send(get('/'));
    await client.take('ok');
  }
  const text = await world.gate.metrics.registry.metrics();
  assert.match(text, /^lychgate_proxy_requests_total\{.*code_class="2xx".*\} 6$/m);
  assert.match(text, /^lychgate_proxy_request_duration_seconds_count\{.*\} 6$/m);
  assert.match(text, /^lychgate_proxy_backend_duration_seconds_count\{.*\} 6$/m);
});

const ids = new Set<string>();

/** What the application got of one request, its id apart, and what the client got. */
async function asked(
  world: World,
  client: Talk,
  request: string,
): Promise<{ readonly received: string; readonly answer: string; readonly id: string }> {
  const before = world.app.received.map((text) => text.length);
  client.send(request);
  const head = await client.take('\r\n\r\n');
  const body = request.startsWith('HEAD') ? '' : await client.take('ok');
  const received = world.app.received.map((text, i) => text.slice(before[i] ?? 0)).join('');
  await until('the whole request', () => received.endsWith(request.split('\r\n\r\n')[1] ?? ''));
  assert.equal(client.text, '');
  const lines = linesNamed(received, 'x-request-id');
  assert.equal(lines.length, 1);
  return {
    received: received.replace(lines[0] ?? '', 'X-Request-Id: ID'),
    answer: head + body,
    id: (lines[0] ?? '').replace(/^[^:]*: /, ''),
  };
}

function status(source: (typeof ways)[number], freshUntilMs: number): RevocationStatus {
  return { kind: 'good', answer: { ...someAnswer, source }, freshUntilMs };
}

function rules(changes: { requestHeaders?: HeaderAction[]; responseHeaders?: HeaderAction[] }): RewriteSetPolicy {
  const tenant = { variable: 'http_req_X-Tenant', pattern: '^(blue|green)$', ignoreCase: false, negate: false };
  return {
    name: 'rules',
    rules: [
      { name: 'always', sequence: 1, conditions: [], requestHeaders: [], responseHeaders: [], ...changes },
      {
        name: 'tenant',
        sequence: 2,
        conditions: [tenant],
        requestHeaders: [{ headerName: 'X-Colour', headerValue: '{http_req_X-Tenant_1}' }],
        responseHeaders: [{ headerName: 'X-Colour', headerValue: '{http_req_X-Tenant_1} {var_http_status}' }],
      },
      {
        name: 'bare',
        sequence: 3,
        conditions: [{ variable: 'var_uri_path', pattern: '^/bare$', ignoreCase: false, negate: false }],
        requestHeaders: [{ headerName: 'X-Mine', headerValue: '' }],
        responseHeaders: [],
      },
    ],
  };
}

/** The tests' clock jumps. */
const timeouts = { ...defaultBackend.timeouts, idleMs: 0, responseMs: 0, headMs: 0 };

/** What is in force in turn. */
const profiles: readonly ProfileChanges[] = [
  { clientAuth: askingOcsp(), backend: { timeouts } },
  {
    clientAuth: askingOcsp(),
    backend: { timeouts },
    rewriteSets: [
      rules({ requestHeaders: [{ headerName: 'X-Verdict', headerValue: '{var_client_certificate_revocation}' }] }),
    ],
  },
  {
    clientAuth: askingOcsp(),
    forwardedCertificate: { header: 'X-Hop', format: 'Base64Der', unverified: 'Deny' },
    backend: { timeouts, trustedProxies: ['127.0.0.0/8'] },
  },
  {
    clientAuth: askingOcsp(),
    backend: { timeouts },
    rewriteSets: [
      rules({
        requestHeaders: [{ headerName: 'X-Path', headerValue: '{var_uri_path}' }],
        responseHeaders: [{ headerName: 'X-Verdict', headerValue: '{var_client_certificate_revocation}' }],
      }),
    ],
  },
];
