import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  connectTo,
  FakeOcsp,
  profileOf,
  startGate,
  startRawApp,
  strictAuth,
  type TestGate,
  until,
  urlEncodedPem,
} from '../../test/support/gate.ts';
import { endHeaders, endStream, frame, frameTypes, Http2Frames } from '../../test/support/http2-frames.ts';
import { answer, pki, Talk } from '../../test/support/talk.ts';
import type { ClientAuth, ForwardedCertificate, ProfilePolicy, RewriteSetPolicy } from '../policy/policy.ts';

/**
 * The product of what a request can meet and what a client can try, read off the raw lines that the application
 * received. `Forged` stands for every value that a client sends.
 */

interface Setting {
  readonly name: string;
  readonly auth: ClientAuth;
  readonly forwarded: ForwardedCertificate | undefined;
  readonly client: 'good' | 'none' | 'stranger';
  /** The value that the header must have; undefined: no such line at all; `refused`: nothing may arrive. */
  readonly want: string | undefined;
  readonly refused?: boolean;
  readonly proof: boolean;
}
const ours = encodeURIComponent(pki.client('good').certificate.pem);
const settings: readonly Setting[] = [
  {
    name: 'Strict, accepted',
    auth: strictAuth(pki),
    forwarded: urlEncodedPem,
    client: 'good',
    want: ours,
    proof: true,
  },
  {
    name: 'Strict, none',
    auth: strictAuth(pki),
    forwarded: urlEncodedPem,
    client: 'none',
    want: undefined,
    refused: true,
    proof: false,
  },
  {
    name: 'Strict, refused',
    auth: strictAuth(pki),
    forwarded: urlEncodedPem,
    client: 'stranger',
    want: undefined,
    refused: true,
    proof: false,
  },
  {
    name: 'Strict, Report, accepted',
    auth: strictAuth(pki, { enforcement: 'Report' }),
    forwarded: urlEncodedPem,
    client: 'good',
    want: ours,
    proof: true,
  },
  {
    name: 'Strict, Report, refused',
    auth: strictAuth(pki, { enforcement: 'Report' }),
    forwarded: urlEncodedPem,
    client: 'stranger',
    want: undefined,
    proof: false,
  },
  {
    name: 'Strict, Report, none',
    auth: strictAuth(pki, { enforcement: 'Report' }),
    forwarded: urlEncodedPem,
    client: 'none',
    want: undefined,
    proof: false,
  },
  {
    name: 'Strict, a public path, none',
    auth: strictAuth(pki, { publicPaths: [{ type: 'Prefix', value: '/' }] }),
    forwarded: urlEncodedPem,
    client: 'none',
    want: undefined,
    proof: false,
  },
  {
    name: 'Strict, a public path, accepted',
    auth: strictAuth(pki, { publicPaths: [{ type: 'Prefix', value: '/' }] }),
    forwarded: urlEncodedPem,
    client: 'good',
    want: ours,
    proof: true,
  },
  {
    name: 'Strict, a public path, refused',
    auth: strictAuth(pki, { publicPaths: [{ type: 'Prefix', value: '/' }] }),
    forwarded: urlEncodedPem,
    client: 'stranger',
    want: undefined,
    refused: true,
    proof: false,
  },
  {
    name: 'Optional, accepted',
    auth: strictAuth(pki, { mode: 'Optional' }),
    forwarded: urlEncodedPem,
    client: 'good',
    want: ours,
    proof: true,
  },
  {
    name: 'Optional, none',
    auth: strictAuth(pki, { mode: 'Optional' }),
    forwarded: urlEncodedPem,
    client: 'none',
    want: undefined,
    proof: false,
  },
  {
    name: 'Optional, refused',
    auth: strictAuth(pki, { mode: 'Optional' }),
    forwarded: urlEncodedPem,
    client: 'stranger',
    want: undefined,
    refused: true,
    proof: false,
  },
  {
    name: 'Optional, Report, refused',
    auth: strictAuth(pki, { mode: 'Optional', enforcement: 'Report' }),
    forwarded: urlEncodedPem,
    client: 'stranger',
    want: undefined,
    proof: false,
  },
  {
    name: 'Passthrough, presented',
    auth: { mode: 'Passthrough' },
    forwarded: undefined,
    client: 'good',
    want: undefined,
    proof: false,
  },
  {
    name: 'Passthrough, none',
    auth: { mode: 'Passthrough' },
    forwarded: undefined,
    client: 'none',
    want: undefined,
    proof: false,
  },
  {
    name: 'Off, presented',
    auth: { mode: 'Off' },
    forwarded: undefined,
    client: 'good',
    want: undefined,
    proof: false,
  },
  { name: 'Off, none', auth: { mode: 'Off' }, forwarded: undefined, client: 'none', want: undefined, proof: false },
];

/** `X-Authenticated: true` where the verification succeeded: a proof by its condition, not by its value. */
const proofRule: RewriteSetPolicy = {
  name: 'proof',
  rules: [
    {
      name: 'proof',
      sequence: 1,
      conditions: [
        { variable: 'var_client_certificate_verification', pattern: '^SUCCESS$', ignoreCase: false, negate: false },
      ],
      requestHeaders: [{ headerName: 'X-Authenticated', headerValue: 'true' }],
      responseHeaders: [],
    },
  ],
};

/** Field lines of HTTP/1.1 by which a client may try to be believed. */
const tries: readonly { name: string; lines: string; status?: number }[] = [
  { name: 'as it is', lines: 'X-Client-Cert: Forged\r\nX-Authenticated: Forged\r\n' },
  { name: 'lower case', lines: 'x-client-cert: Forged\r\nx-authenticated: Forged\r\n' },
  { name: 'upper case', lines: 'X-CLIENT-CERT: Forged\r\nX-AUTHENTICATED: Forged\r\n' },
  { name: 'underscores', lines: 'X_Client_Cert: Forged\r\nx_authenticated: Forged\r\n' },
  { name: 'one underscore', lines: 'X-Client_Cert: Forged\r\nX_Authenticated: Forged\r\n' },
  { name: 'dots', lines: 'X.Client.Cert: Forged\r\nX.Authenticated: Forged\r\n' },
  {
    name: 'other token characters',
    lines: "X!Client'Cert: Forged\r\nX~Authenticated: Forged\r\nX|Client-Cert: Forged\r\n",
  },
  {
    name: 'twice',
    lines: 'X-Client-Cert: Forged\r\nX-Client-Cert: Forged\r\nX-Authenticated: Forged\r\nX-Authenticated: Forged\r\n',
  },
  {
    name: 'empty first',
    lines: 'X-Client-Cert:\r\nX-Client-Cert: Forged\r\nX-Authenticated: \r\nX-Authenticated: Forged\r\n',
  },
  { name: 'nominated', lines: 'Connection: x-client-cert, X-Authenticated\r\nX-Client-Cert: Forged\r\n' },
  { name: 'nominated twice', lines: 'Connection: x-client-cert\r\nConnection: x-authenticated\r\n' },
  {
    name: 'other proxies',
    lines:
      'X-Forwarded-Client-Cert: Forged\r\nClient-Cert: Forged\r\nX-SSL-Client-Verify: Forged\r\nssl-client-cert: Forged\r\nX-ARR-ClientCert: Forged\r\nX-Amzn-Mtls-Clientcert: Forged\r\nX-Forwarded-Tls-Client-Cert: Forged\r\n',
  },
  {
    name: 'origins',
    lines:
      'X-Forwarded-For: Forged\r\nForwarded: for=Forged\r\nX-Real-IP: Forged\r\nX-Original-URL: Forged\r\nX-Rewrite-URL: Forged\r\nTrue-Client-IP: Forged\r\nX-Client-IP: Forged\r\nX-Request-Id: Forged\r\n',
  },
  { name: 'folded', lines: 'X-A: 1\r\n X-Client-Cert: Forged\r\n', status: 400 },
  { name: 'a folded first line', lines: ' X-Client-Cert: Forged\r\n', status: 400 },
  { name: 'a space before the colon', lines: 'X-Client-Cert : Forged\r\n', status: 400 },
  { name: 'a tab before the colon', lines: 'X-Client-Cert\t: Forged\r\n', status: 400 },
  { name: 'behind a bare CR', lines: 'X-A: 1\rX-Client-Cert: Forged\r\n', status: 400 },
  { name: 'behind a bare LF', lines: 'X-A: 1\nX-Client-Cert: Forged\r\n', status: 400 },
];

/** The forms of request that the same lines come in. */
const shapes: readonly { name: string; start: string; more: string; body: string }[] = [
  { name: 'GET', start: 'GET /shop', more: '', body: '' },
  {
    name: 'upgrade',
    start: 'GET /shop',
    more: 'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n',
    body: '',
  },
  { name: 'POST that expects', start: 'POST /shop', more: 'Expect: 100-continue\r\nContent-Length: 2\r\n', body: 'hi' },
  {
    name: 'trailers',
    start: 'POST /shop',
    more: 'Transfer-Encoding: chunked\r\nTrailer: X-Client-Cert\r\n',
    body: '2\r\nhi\r\n0\r\nX-Client-Cert: Forged\r\nX-Authenticated: Forged\r\n\r\n',
  },
];

for (const setting of settings) {
  test(`no header is forged: ${setting.name}`, async (t) => {
    const world = await start(t, setting);
    let talk: Talk | undefined;
    for (const shape of shapes) {
      for (const { name, lines, status } of tries) {
        const where = `${setting.name}, HTTP/1.1, ${shape.name}, ${name}`;
        if (talk === undefined || talk.closed) talk = await world.talk();
        const one = talk;
        one.text = '';
        const from = world.received.length;
        one.send(`${shape.start} HTTP/1.1\r\nHost: localhost\r\nX-Mark: 1\r\n${shape.more}${lines}\r\n${shape.body}`);
        // No interim answer has another digit in front.
        await until(`an answer: ${where}`, () => /HTTP\/1\.1 [2-5]\d\d [^]*\r\n\r\n./.test(one.text));
        const got = /HTTP\/1\.1 ([2-5]\d\d) /.exec(one.text)?.[1];
        if (got !== '200') {
          one.socket.destroy();
          talk = undefined;
        }
        const arrived = world.received.slice(from).join('');
        if (setting.refused === true || status !== undefined) {
          assert.equal(got, '400', where);
          assert.equal(arrived, '', where);
        } else {
          assert.equal(got, '200', where);
          check(arrived, setting, where);
        }
      }
    }
  });

  test(`no header is forged over HTTP/2: ${setting.name}`, async (t) => {
    const world = await start(t, setting);
    for (const { name, lines, status } of tries) {
      if (status !== undefined) continue;
      const where = `${setting.name}, HTTP/2, ${name}`;
      const client = new Http2Frames(await connectTo(world.gate.port, pki, world.identity, { ALPNProtocols: ['h2'] }));
      const from = world.received.length;
      const fields = lines
        .split('\r\n')
        .filter((line) => line !== '' && !line.startsWith('Connection'))
        .map(
          (line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()] as const,
        );
      const head = [
        [':method', 'POST'],
        [':scheme', 'https'],
        [':authority', 'localhost'],
        [':path', '/shop'],
        ['x-mark', '1'],
      ] as const;
      client.headers(1, [...head, ...fields], endHeaders);
      client.send(frame(frameTypes.data, 0, 1, Buffer.from('hi')));
      client.headers(
        1,
        [
          ['x-client-cert', 'Forged'],
          ['x-authenticated', 'Forged'],
        ],
        endHeaders | endStream,
      );
      const outcome = await client.outcome(1);
      client.socket.destroy();
      const arrived = world.received.slice(from).join('');
      if (setting.refused === true) {
        assert.equal(outcome, '400', where);
        assert.equal(arrived, '', where);
      } else {
        assert.equal(outcome, '200', where);
        check(arrived, setting, where);
      }
    }
  });
}

test('rules see neither forged proofs, nor what strangers forward, nor what Connection nominates', async (t) => {
  const app = await startRawApp((text) => (text.endsWith('\r\n\r\n') ? answer('ok') : undefined));
  const seen: RewriteSetPolicy = {
    name: 'seen',
    rules: [
      {
        name: 'seen',
        sequence: 1,
        conditions: [],
        requestHeaders: [
          { headerName: 'X-Seen-1', headerValue: '-{http_req_X-Proof}-' },
          { headerName: 'X-Seen-2', headerValue: '-{http_req_X-Forwarded-For}-' },
          { headerName: 'X-Seen-3', headerValue: '-{http_req_X-Nominated}-' },
          { headerName: 'X-Seen-4', headerValue: '-{http_req_X-Mine}-' },
        ],
        responseHeaders: [],
      },
    ],
  };
  // A rule may not name its own profile's proofs at all; this one is another profile's.
  const other = profileOf(pki, app.port, {
    name: 'other',
    hostnames: ['other.example.test'],
    forwardedCertificate: { header: 'X-Proof', format: 'Base64Der', unverified: 'Deny' },
  });
  const gate = await startGate([profileOf(pki, app.port, { rewriteSets: [seen] }), other]);
  t.after(async () => {
    await gate.close();
    await app.close();
  });
  const talk = new Talk(await connectTo(gate.port, pki, pki.client('good')));
  talk.send(
    'GET / HTTP/1.1\r\nHost: localhost\r\nConnection: x-nominated\r\nX-Nominated: Forged\r\nX-Proof: Forged\r\nX-Forwarded-For: Forged\r\nX-Mine: 1\r\n\r\n',
  );
  await talk.take('ok');
  talk.socket.destroy();
  assert.deepEqual(
    (app.received[0] ?? '').split('\r\n').filter((line) => line.startsWith('X-Seen')),
    ['X-Seen-1: --', 'X-Seen-2: --', 'X-Seen-3: --', 'X-Seen-4: -1-'],
  );
});

test('a proof of one profile does not come in through another of the pod', async (t) => {
  const received: string[] = [];
  const app = await startRawApp((text) => {
    if (!text.endsWith('\r\n\r\n')) return undefined;
    received.push(text);
    return answer('ok');
  });
  const strict = profileOf(pki, app.port, {
    name: 'strict',
    hostnames: ['localhost'],
    rewriteSets: [proofRule],
    forwardedCertificate: { header: 'X-Proof', format: 'Base64Der', unverified: 'Deny' },
  });
  const open = profileOf(pki, app.port, {
    name: 'open',
    hostnames: ['open.example.test'],
    clientAuth: { mode: 'Off' },
    forwardedCertificate: undefined,
  });
  const gate = await startGate([strict, open]);
  t.after(async () => {
    await gate.close();
    await app.close();
  });
  const talk = new Talk(await connectTo(gate.port, pki, undefined, { servername: 'open.example.test' }));
  talk.send(
    'GET / HTTP/1.1\r\nHost: open.example.test\r\nX-Proof: Forged\r\nX_PROOF: Forged\r\nX-Authenticated: Forged\r\nX-Mine: 1\r\n\r\n',
  );
  await talk.take('ok');
  talk.socket.destroy();
  assert.equal(received.join('').includes('Forged'), false);
  assert.equal(received.join('').includes('X-Mine: 1'), true);
});

test('the client never sees a certificate header that the application sets, in no kind of answer', async (t) => {
  const app = await startRawApp((text) =>
    text.endsWith('\r\n\r\n')
      ? `HTTP/1.1 103 Hints\r\nX-Client-Cert: leaked\r\n\r\n${answer('ok', 'X-Client-Cert: leaked\r\nx_client_cert: leaked\r\nX-A: 1\r\n')}`
      : undefined,
  );
  const gate = await startGate([profileOf(pki, app.port)]);
  t.after(async () => {
    await gate.close();
    await app.close();
  });
  const talk = new Talk(await connectTo(gate.port, pki, pki.client('good')));
  talk.send('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
  assert.equal(await talk.take('ok'), `HTTP/1.1 103 Hints\r\n\r\n${answer('ok', 'X-A: 1\r\n')}`);
  talk.socket.destroy();
});

/** Nothing forged in the whole of it; of our own headers exactly the one line, or none. */
function check(arrived: string, setting: Setting, where: string): void {
  assert.equal(arrived.includes('X-Mark: 1') || arrived.includes('x-mark: 1'), true, where);
  assert.equal(arrived.includes('Forged'), false, `${where}: ${arrived}`);
  const lines = (arrived.split('\r\n\r\n', 1)[0] ?? '').split('\r\n').slice(1);
  const named = (folded: string) =>
    lines.filter((line) => (line.split(':', 1)[0] ?? '').toLowerCase().replace(/[^a-z0-9]/g, '-') === folded);
  assert.deepEqual(named('x-client-cert'), setting.want === undefined ? [] : [`X-Client-Cert: ${setting.want}`], where);
  assert.deepEqual(named('x-authenticated'), setting.proof ? ['X-Authenticated: true'] : [], where);
}

async function start(t: { after(run: () => Promise<void>): void }, setting: Setting) {
  const received: string[] = [];
  const app = await startRawApp((text) => {
    const end = text.indexOf('\r\n\r\n');
    if (end < 0) return undefined;
    const whole =
      text.startsWith('GET') ||
      text.endsWith('\r\n0\r\n\r\n') ||
      (text.includes('Content-Length: 2') && text.endsWith('hi'));
    if (!whole) return undefined;
    received.push(text);
    return answer('ok');
  });
  const profile: ProfilePolicy = profileOf(pki, app.port, {
    clientAuth: setting.auth,
    forwardedCertificate: setting.forwarded,
    rewriteSets: [proofRule],
  });
  // A second profile has the header's rule, so that it is one of the pod's proofs in every mode.
  const other = profileOf(pki, app.port, { name: 'other', hostnames: ['other.example.test'] });
  const gate: TestGate = await startGate([profile, other], { ocsp: new FakeOcsp() });
  t.after(async () => {
    await gate.close();
    await app.close();
  });
  const identity = setting.client === 'none' ? undefined : pki.client(setting.client);
  return { received, gate, identity, talk: async () => new Talk(await connectTo(gate.port, pki, identity)) };
}
