import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { test } from 'node:test';
import {
  defaultBackend,
  FakeOcsp,
  goodStatus,
  ManualClock,
  profileOf,
  revokedStatus,
  someAnswer,
  strictAuth,
  until,
} from '../../test/support/gate.ts';
import { answerOf, ask, connectHttp2 } from '../../test/support/http2-client.ts';
import type { ClientFlavour, Identity } from '../../test/support/pki.ts';
import { answer, askingOcsp, get, linesNamed, pki, startWorld, type WorldOptions } from '../../test/support/talk.ts';
import type { RevocationStatus } from '../ocsp/status.ts';
import type { RewriteSetPolicy } from '../policy/policy.ts';

const upgrade =
  'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n';
const switching = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n';
const reasons: readonly [ClientFlavour | 'none' | 'chosenChain' | 'noChain', string][] = [
  ['good', '200'],
  ['noAia', '200'],
  ['none', 'NoCertificate'],
  ['caAsLeaf', 'InvalidCertificate'],
  ['expired', 'Expired'],
  ['notYetValid', 'NotYetValid'],
  ['rsa1024', 'InvalidCertificate'],
  ['stranger', 'UntrustedIssuer'],
  ['twin', 'UntrustedIssuer'],
  ['version1', 'InvalidCertificate'],
  ['wrongPurpose', 'WrongPurpose'],
  // The good leaf without its intermediate, which the gate has from the bundle.
  ['noChain', '200'],
  // A stranger's leaf beside the trusted intermediate and root.
  ['chosenChain', 'UntrustedIssuer'],
];
for (const [flavour, want] of reasons) {
  test(`a client that shows ${flavour}: ${want}`, async (t) => {
    const world = await startWorld(t);
    // OpenSSL's own client would not even show a weak key.
    const client = await world.talk(shown(flavour), flavour === 'rsa1024' ? { ciphers: 'DEFAULT@SECLEVEL=0' } : {});
    client.send(get('/'));
    await until('an answer', () => /\r\n\r\n./.test(client.text));
    const [, body = ''] = client.text.split('\r\n\r\n');
    if (want === '200') assert.equal(body, 'ok');
    else assert.equal(/^client certificate refused: (\w+)/.exec(body)?.[1], want, body);
    assert.equal(world.app.received.length, want === '200' ? 1 : 0);
    if (flavour === 'rsa1024') return;
    const session = await connectHttp2(t, world, shown(flavour));
    const got = await ask(session, {});
    assert.equal(got.status, want === '200' ? 200 : 400);
    assert.equal(got.body.includes(want === '200' ? 'ok' : want), true);
  });
}

function shown(flavour: (typeof reasons)[number][0]): Identity | null {
  const good = pki.client('good');
  switch (flavour) {
    case 'none':
      return null;
    case 'noChain':
      return { ...good, chainPem: good.certificate.pem };
    case 'chosenChain': {
      const stranger = pki.client('stranger');
      return {
        ...stranger,
        chainPem: stranger.certificate.pem + pki.intermediate.certificate.pem + pki.root.certificate.pem,
      };
    }
    default:
      return pki.client(flavour);
  }
}

const statuses: readonly { name: string; status: RevocationStatus; want: string }[] = [
  { name: 'revoked', status: revokedStatus, want: 'Revoked (since 2026-11-20T10:00:00Z, keyCompromise)' },
  {
    name: 'unknown',
    status: { kind: 'unknown', answer: someAnswer, freshUntilMs: 0 },
    want: 'RevocationUnknown (ocsp.example.test does not know the certificate)',
  },
  { name: 'no responder', status: { kind: 'responder-missing', detail: 'no AIA' }, want: 'ResponderMissing (no AIA)' },
  {
    name: 'unavailable',
    status: { kind: 'unavailable', cause: 'timeout', softenable: true, detail: 'slow', freshUntilMs: 0 },
    want: 'RevocationUnavailable (timeout, slow)',
  },
];
for (const { name, status, want } of statuses) {
  test(`what the responder says is the reason: ${name}`, async (t) => {
    const ocsp = new FakeOcsp();
    ocsp.answer = () => Promise.resolve(status);
    const world = await startWorld(t, { ocsp, profile: { clientAuth: askingOcsp() } });
    const client = await world.talk();
    client.send(get('/'));
    assert.equal((await client.rest()).split('\r\n\r\n')[1], `client certificate refused: ${want}\n`);
    assert.deepEqual(world.app.received, []);
  });
}

test('an untrusted certificate is never asked about', async (t) => {
  const ocsp = new FakeOcsp();
  const world = await startWorld(t, { ocsp, profile: { clientAuth: askingOcsp() } });
  for (const flavour of ['stranger', 'twin', 'expired', 'wrongPurpose', 'version1'] as const) {
    const client = await world.talk(pki.client(flavour));
    client.send(get('/'));
    assert.match(await client.rest(), /^HTTP\/1\.1 400 /);
  }
  assert.equal(ocsp.asked, 0);
});

test('the first request waits for its answer, later ones do not ask again while it holds', async (t) => {
  const clock = new ManualClock();
  const ocsp = new FakeOcsp();
  let tell: (status: RevocationStatus) => void = () => undefined;
  ocsp.answer = () => new Promise((resolve) => (tell = resolve));
  const world = await startWorld(t, { clock, ocsp, profile: { clientAuth: askingOcsp() } });
  const client = await world.talk();
  client.send(get('/1'));
  await until('the question', () => ocsp.asked === 1);
  await settled();
  assert.deepEqual([client.text, world.app.received], ['', []]);
  tell(goodStatus(clock.wallMs() + 60_000));
  await client.take('ok');
  clock.advance(59_999);
  client.send(get('/2'));
  await client.take('ok');
  assert.equal(ocsp.asked, 1);
  ocsp.answer = () => revokedStatus;
  clock.advance(1);
  client.send(get('/3'));
  assert.match(await client.rest(), /Revoked/);
  assert.equal(ocsp.asked, 2);
  assert.equal(world.app.received.join('').includes('/3'), false);
});

test('a calendar that is set back does not keep a verdict alive', async (t) => {
  const clock = new ManualClock();
  const ocsp = new FakeOcsp();
  ocsp.answer = () => goodStatus(clock.wallMs() + 60_000);
  const world = await startWorld(t, { clock, ocsp, profile: { clientAuth: askingOcsp() } });
  const client = await world.talk();
  client.send(get('/1'));
  await client.take('ok');
  ocsp.answer = () => revokedStatus;
  clock.advance(60_000);
  clock.setWall(clock.wallMs() - 3_600_000);
  client.send(get('/2'));
  assert.match(await client.rest(), /Revoked/);
});

test('a calendar that is set forward ends a verdict', async (t) => {
  const clock = new ManualClock();
  const ocsp = new FakeOcsp();
  ocsp.answer = () => goodStatus(clock.wallMs() + 60_000);
  const world = await startWorld(t, { clock, ocsp, profile: { clientAuth: askingOcsp() } });
  const client = await world.talk();
  client.send(get('/1'));
  await client.take('ok');
  ocsp.answer = () => revokedStatus;
  clock.setWall(clock.wallMs() + 60_000);
  client.send(get('/2'));
  assert.match(await client.rest(), /Revoked/);
});

for (const [change, next, reason] of [
  ['the profile goes', { name: 'other', clientAuth: askingOcsp() }, 'TrustWithdrawn'],
  ['an allow list comes', { clientAuth: askingOcsp({ allow: [{ dnsName: 'other.example.test' }] }) }, 'NotAllowed'],
] as const) {
  test(`while the verdict is asked ${change}: the waiting request is refused`, async (t) => {
    const ocsp = new FakeOcsp();
    let tell: (status: RevocationStatus) => void = () => undefined;
    ocsp.answer = () => new Promise((resolve) => (tell = resolve));
    const world = await startWorld(t, { ocsp, profile: { clientAuth: askingOcsp() } });
    const client = await world.talk();
    client.send(get('/'));
    await until('the question', () => ocsp.asked === 1);
    await settled();
    await world.gate.apply([profileOf(pki, world.app.port, next)]);
    tell(goodStatus(Date.now() + 60_000));
    assert.match(await client.rest(), new RegExp(`^HTTP/1\\.1 400 [^]*${reason}`));
    assert.deepEqual(world.app.received, []);
  });
}

test('under Report a certificate is not shown any more once it is revoked', async (t) => {
  const clock = new ManualClock();
  const ocsp = new FakeOcsp();
  ocsp.answer = () => goodStatus(clock.wallMs() + 60_000);
  const world = await startWorld(t, { clock, ocsp, profile: { clientAuth: askingOcsp({ enforcement: 'Report' }) } });
  const client = await world.talk();
  client.send(get('/1'));
  await client.take('ok');
  ocsp.answer = () => revokedStatus;
  clock.advance(60_000);
  client.send(get('/2'));
  await client.take('ok');
  const heads = world.app.received.join('').split(/(?=GET \/)/);
  assert.deepEqual(
    heads.map((head) => linesNamed(head, 'x-client-cert').length),
    [1, 0],
  );
});

test('a certificate that expires on an open connection is refused from then on', async (t) => {
  const clock = new ManualClock();
  const short = pki.intermediate.issue({
    subject: 'CN=short,O=Lychgate',
    notAfterMs: Math.ceil(Date.now() / 1000) * 1000 + 60_000,
  });
  const world = await startWorld(t, { clock });
  const client = await world.talk(short);
  client.send(get('/1'));
  await client.take('ok');
  clock.advance(62_000);
  client.send(get('/2'));
  assert.match(await client.rest(), /Expired/);
});

/** No other limit ends a connection when its verdict does. */
const patient = { timeouts: { ...defaultBackend.timeouts, idleMs: 0, responseMs: 0 } };

/** A world whose clients are good for a minute, then revoked. */
function revocable(options: Partial<WorldOptions> = {}) {
  const clock = new ManualClock();
  const ocsp = new FakeOcsp();
  ocsp.answer = () => goodStatus(clock.wallMs() + 60_000);
  return { clock, ocsp, options: { clock, ocsp, profile: { clientAuth: askingOcsp(), backend: patient }, ...options } };
}

const lives: readonly {
  name: string;
  sent: string;
  respond: (text: string, socket: Socket) => string | undefined;
  begun: string;
}[] = [
  {
    name: 'an idle connection',
    sent: get('/'),
    respond: (text) => (text.endsWith('\r\n\r\n') ? answer('ok') : undefined),
    begun: 'ok',
  },
  {
    name: 'a download',
    sent: get('/'),
    respond: (text) => (text.endsWith('\r\n\r\n') ? 'HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nbegun' : undefined),
    begun: 'begun',
  },
  {
    name: 'an upload',
    sent: 'POST / HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 100\r\n\r\n',
    respond: () => undefined,
    begun: '100 Continue\r\n\r\n',
  },
  {
    name: 'a request that waits for the application',
    sent: get('/1') + get('/2'),
    respond: (text) => (text.includes('/1') ? answer('ok') : undefined),
    begun: 'ok',
  },
  {
    name: 'a WebSocket',
    sent: get('/', upgrade),
    respond: (text) => (text.endsWith('\r\n\r\n') ? switching : undefined),
    begun: '\r\n\r\n',
  },
];
for (const { name, sent, respond, begun } of lives) {
  for (const swapped of [false, true]) {
    test(`revoked in the middle of ${name}${swapped ? ', after a change of policy' : ''}: the connection ends`, async (t) => {
      const { clock, ocsp, options } = revocable({ respond });
      const world = await startWorld(t, options);
      const client = await world.talk();
      client.send(sent);
      await client.take(begun);
      if (swapped) {
        await world.gate.apply([
          profileOf(pki, world.app.port, {
            clientAuth: askingOcsp({ refusal: { status: 403, detail: 'Generic' } }),
            backend: patient,
          }),
        ]);
      }
      await until('the application to have it', () => world.app.open() === 1);
      clock.advance(59_000);
      world.gate.gate.sweep();
      await settled();
      assert.equal(client.closed, false);
      ocsp.answer = () => revokedStatus;
      clock.advance(1001);
      world.gate.gate.sweep();
      await client.rest();
      await until('the application to be left', () => world.app.open() === 0);
    });
  }
}

test('revoked in the middle of an HTTP/2 download: the stream is cut', async (t) => {
  const { clock, ocsp, options } = revocable({
    respond: (text) =>
      text.endsWith('\r\n\r\n') ? 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nbegun\r\n' : undefined,
  });
  const world = await startWorld(t, options);
  const session = await connectHttp2(t, world);
  const stream = session.request({ ':authority': 'localhost' });
  let seen = '';
  stream.on('data', (chunk: Buffer) => {
    seen += chunk.toString();
  });
  const got = answerOf(stream);
  await until('its beginning', () => seen === 'begun');
  ocsp.answer = () => revokedStatus;
  clock.advance(60_001);
  world.gate.gate.sweep();
  assert.equal((await got).end, 'reset');
  await until('the application to be left', () => world.app.open() === 0);
});

const reporting: RewriteSetPolicy = {
  name: 'verification',
  rules: [
    {
      name: 'all',
      sequence: 1,
      conditions: [],
      requestHeaders: [
        { headerName: 'X-Verification', headerValue: '{var_client_certificate_verification}' },
        { headerName: 'X-Subject', headerValue: '{var_client_certificate_subject}' },
        { headerName: 'X-Unverified', headerValue: '{var_client_certificate_unverified}' },
      ],
      responseHeaders: [],
    },
  ],
};
const variables: readonly {
  name: string;
  auth: Parameters<typeof profileOf>[2];
  client: ClientFlavour | 'none';
  want: readonly string[];
}[] = [
  { name: 'Strict, accepted', auth: {}, client: 'good', want: ['SUCCESS', 'CN=good client,O=Lychgate', ''] },
  {
    name: 'Report, refused',
    auth: { clientAuth: strictAuth(pki, { enforcement: 'Report' }) },
    client: 'stranger',
    want: ['FAILED:UntrustedIssuer', '', ''],
  },
  {
    name: 'Report, none',
    auth: { clientAuth: strictAuth(pki, { enforcement: 'Report' }) },
    client: 'none',
    want: ['FAILED:NoCertificate', '', ''],
  },
  {
    name: 'Optional, none',
    auth: { clientAuth: strictAuth(pki, { mode: 'Optional' }) },
    client: 'none',
    want: ['NONE', '', ''],
  },
  {
    name: 'a public path, none',
    auth: { clientAuth: strictAuth(pki, { publicPaths: [{ type: 'Exact', value: '/' }] }) },
    client: 'none',
    want: ['NONE', '', ''],
  },
  { name: 'Off, presented', auth: { clientAuth: { mode: 'Off' } }, client: 'good', want: ['NONE', '', ''] },
];
for (const { name, auth, client, want } of variables) {
  test(`the variables say what the verdict was: ${name}`, async (t) => {
    const world = await startWorld(t, {
      profile: { forwardedCertificate: undefined, rewriteSets: [reporting], ...auth },
    });
    const talk = await world.talk(client === 'none' ? null : pki.client(client));
    talk.send(get('/'));
    await talk.take('ok');
    const [received = ''] = world.app.received;
    assert.deepEqual(
      ['x-verification', 'x-subject', 'x-unverified'].map((header) =>
        linesNamed(received, header)
          .map((line) => line.slice(line.indexOf(' ') + 1))
          .join(),
      ),
      want,
    );
  });
}

const paths: readonly { name: string; path: string; client?: ClientFlavour; want: string }[] = [
  { name: 'public by its prefix', path: '/public/a', want: '200' },
  { name: 'public with a query', path: '/public?x=/..', want: '200' },
  { name: 'not public', path: '/private', want: '400 client certificate refused' },
  { name: 'a longer segment', path: '/publicity', want: '400 client certificate refused' },
  { name: 'another case', path: '/Public', want: '400 client certificate refused' },
  { name: 'a dot segment', path: '/public/../private', want: '400 the path can be read in more than one way' },
  { name: 'an encoded slash', path: '/public%2f..%2fprivate', want: '400 the path can be read in more than one way' },
  { name: 'an encoded letter', path: '/%70ublic', want: '400 the path can be read in more than one way' },
  { name: 'a backslash', path: '/public\\..\\private', want: '400 the path can be read in more than one way' },
  { name: 'a parameter', path: '/public;x/../private', want: '400 the path can be read in more than one way' },
  { name: 'two slashes', path: '//public', want: '400 the path can be read in more than one way' },
  { name: 'public and a bad certificate', path: '/public', client: 'stranger', want: '400 client certificate refused' },
  { name: 'rewritten to one that is not public', path: '/public/out', want: '400 client certificate refused' },
  { name: 'rewritten to one of two readings', path: '/public/up', want: '400 client certificate refused' },
];
const leading: RewriteSetPolicy = {
  name: 'out',
  rules: [
    {
      name: 'out',
      sequence: 1,
      conditions: [{ variable: 'var_uri_path', pattern: '^/public/out$', ignoreCase: false, negate: false }],
      requestHeaders: [],
      responseHeaders: [],
      url: { path: '/private' },
    },
    {
      name: 'up',
      sequence: 2,
      conditions: [{ variable: 'var_uri_path', pattern: '^/public/up$', ignoreCase: false, negate: false }],
      requestHeaders: [],
      responseHeaders: [],
      url: { path: '/public/../private' },
    },
  ],
};
for (const { name, path, client, want } of paths) {
  test(`a path that needs no certificate: ${name}`, async (t) => {
    const world = await startWorld(t, {
      profile: {
        rewriteSets: [leading],
        clientAuth: strictAuth(pki, { publicPaths: [{ type: 'Prefix', value: '/public' }] }),
      },
    });
    const talk = await world.talk(client === undefined ? null : pki.client(client));
    talk.send(get(path));
    await until('an answer', () => /\r\n\r\n./.test(talk.text));
    const status = /^HTTP\/1\.1 (\d+)/.exec(talk.text)?.[1] ?? '';
    const said = talk.text.split('\r\n\r\n')[1]?.trim().split(':')[0] ?? '';
    assert.equal(status === '200' ? status : `${status} ${said}`, want);
    assert.equal(world.app.received.length, status === '200' ? 1 : 0);
  });
}

test('the refusal has the status and the detail that the profile says', async (t) => {
  const world = await startWorld(t, {
    profile: { clientAuth: strictAuth(pki, { refusal: { status: 403, detail: 'Generic' } }) },
  });
  const client = await world.talk(null);
  client.send(get('/', 'Accept: application/problem+json\r\n'));
  const [head = '', body = ''] = (await client.rest()).split('\r\n\r\n');
  assert.match(head, /^HTTP\/1\.1 403 Forbidden\r\nContent-Type: application\/problem\+json\r\n/);
  const problem: unknown = JSON.parse(body);
  assert.deepEqual(problem, {
    type: 'about:blank',
    title: 'client certificate refused',
    status: 403,
    requestId: /X-Request-Id: (\S+)/.exec(head)?.[1],
  });
});

const withdrawals: readonly { name: string; next: (port: number) => ReturnType<typeof profileOf>[] }[] = [
  {
    name: 'the CA leaves',
    next: (port) => [
      profileOf(pki, port, { clientAuth: strictAuth(pki, { trustedCas: [pki.stranger.certificate.pem] }) }),
    ],
  },
  {
    name: 'no CA is left',
    next: (port) => [profileOf(pki, port, { clientAuth: strictAuth(pki, { trustedCas: [] }) })],
  },
  { name: 'another profile has the name', next: (port) => [profileOf(pki, port, { name: 'other' })] },
];
for (const { name, next } of withdrawals) {
  test(`trust withdrawn, ${name}: idle ends, a request under way finishes, no new one begins`, async (t) => {
    let finish: () => void = () => undefined;
    const world = await startWorld(t, {
      respond: (text, socket) => {
        if (!text.endsWith('\r\n\r\n')) return undefined;
        if (!text.includes('/slow')) return answer('ok');
        finish = () => socket.write(answer('late'));
        return '';
      },
    });
    const [idle, busy] = [await world.talk(), await world.talk()];
    idle.send(get('/'));
    await idle.take('ok');
    busy.send(get('/slow'));
    await until('the request', () => world.app.received.join('').includes('/slow'));
    await world.gate.apply(next(world.app.port));
    await idle.rest();
    busy.send(get('/next'));
    await settled();
    finish();
    assert.match(await busy.rest(), /^HTTP\/1\.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\nlate$/);
    assert.equal(world.app.received.join('').includes('/next'), false);
  });

  test(`trust withdrawn, ${name}: a tunnel and a request that stays are cut after ten seconds`, async (t) => {
    const clock = new ManualClock();
    const world = await startWorld(t, {
      clock,
      respond: (text) => (text.includes('/ws') && text.endsWith('\r\n\r\n') ? switching : undefined),
    });
    const [tunnel, busy] = [await world.talk(), await world.talk()];
    tunnel.send(get('/ws', upgrade));
    await tunnel.take('\r\n\r\n');
    busy.send(get('/slow'));
    await until('the request', () => world.app.received.join('').includes('/slow'));
    await world.gate.apply(next(world.app.port));
    clock.advance(9_999);
    world.gate.gate.sweep();
    await settled();
    assert.deepEqual([tunnel.closed, busy.closed], [false, false]);
    clock.advance(1);
    world.gate.gate.sweep();
    assert.deepEqual([await tunnel.rest(), await busy.rest()], ['', '']);
    await until('the application to be left', () => world.app.open() === 0);
  });
}

test('who connects after the withdrawal is told TrustWithdrawn or UntrustedIssuer', async (t) => {
  const world = await startWorld(t);
  for (const [trustedCas, reason] of [
    [[], 'TrustWithdrawn'],
    [[pki.stranger.certificate.pem], 'UntrustedIssuer'],
  ] as const) {
    await world.gate.apply([
      profileOf(pki, world.app.port, { clientAuth: strictAuth(pki, { trustedCas: [...trustedCas] }) }),
    ]);
    const client = await world.talk();
    client.send(get('/'));
    assert.match(await client.rest(), new RegExp(`^HTTP/1\\.1 400 [^]*${reason}`));
  }
  assert.deepEqual(world.app.received, []);
});

/** Lets what is on its way over loopback arrive. */
async function settled(): Promise<void> {
  for (let i = 0; i < 10; i += 1) await new Promise((resolve) => setTimeout(resolve, 1));
}
