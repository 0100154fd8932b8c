import assert from 'node:assert/strict';
import { connect, createServer } from 'node:net';
import { test } from 'node:test';
import { type ConnectionOptions, getCACertificates, TLSSocket } from 'node:tls';
import { connectTo, FakeOcsp, policyOf, profileOf, strictAuth, until } from '../../test/support/gate.ts';
import { askingOcsp, get, pki, startWorld, Talk, type World } from '../../test/support/talk.ts';
import { type ClientAuth, type PodPolicy, TlsSettings } from '../policy/policy.ts';
import { withContextOptions } from './context.ts';

const handshakes: readonly {
  name: string;
  tls?: Partial<TlsSettings>;
  client: ConnectionOptions;
  want: string | undefined;
}[] = [
  { name: 'TLS 1.3', client: { minVersion: 'TLSv1.3' }, want: 'TLSv1.3' },
  { name: 'TLS 1.2', client: { maxVersion: 'TLSv1.2' }, want: 'TLSv1.2' },
  {
    name: 'TLS 1.1',
    client: { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'ALL:@SECLEVEL=0' },
    want: undefined,
  },
  {
    name: 'TLS 1.2 where 1.3 is asked for',
    tls: { minVersion: 'TLSv1.3' },
    client: { maxVersion: 'TLSv1.2' },
    want: undefined,
  },
  {
    name: 'TLS 1.3 where only 1.2 is allowed',
    tls: { maxVersion: 'TLSv1.2' },
    client: { minVersion: 'TLSv1.3' },
    want: undefined,
  },
  {
    name: 'a suite that the policy has not',
    client: { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-CHACHA20-POLY1305' },
    want: undefined,
  },
  {
    name: 'a suite that the policy has',
    client: { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES256-GCM-SHA384' },
    want: 'TLSv1.2',
  },
];
for (const { name, tls, client, want } of handshakes) {
  test(`handshake with ${name}: ${want ?? 'none'}`, async (t) => {
    const world = await startWorld(t);
    if (tls !== undefined) await applyTls(world, tls);
    if (want === undefined) {
      await assert.rejects(world.talk(undefined, client));
      assert.deepEqual(world.app.received, []);
      return;
    }
    const talk = await world.talk(undefined, client);
    assert.equal(talk.socket.getProtocol(), want);
    talk.send(get('/'));
    await talk.take('ok');
  });
}

for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
  for (const other of [false, true]) {
    test(`no session of ${version} resumes${other ? ' at another profile' : ''}: neither the certificate nor the verdict carries over`, async (t) => {
      const world = await startWorld(t);
      const named = {
        name: 'other',
        hostnames: ['a.example.test'],
        clientAuth: strictAuth(pki, { trustedCas: [pki.stranger.certificate.pem] }),
      };
      await world.gate.apply([world.profile, profileOf(pki, world.app.port, named)]);
      const sessions: Buffer[] = [];
      const pinned: ConnectionOptions = { minVersion: version, maxVersion: version };
      const first = await world.talk(undefined, pinned);
      first.socket.on('session', (session: Buffer) => sessions.push(session));
      first.send(get('/1'));
      await first.take('ok');
      // In TLS 1.2 the session is there after the handshake, with or without a ticket.
      const held = first.socket.getSession();
      if (held !== undefined) sessions.push(held);
      assert.ok(sessions.length > 0);
      for (const session of sessions) {
        const again = await world.talk(null, {
          ...pinned,
          session,
          servername: other ? 'a.example.test' : 'localhost',
        });
        assert.equal(again.socket.isSessionReused(), false);
        again.send(get('/2').replace('localhost', other ? 'a.example.test' : 'localhost'));
        assert.match(await again.rest(), /^HTTP\/1\.1 400 [^]*NoCertificate/);
      }
      assert.equal(world.app.received.length, 1);
    });
  }
}

test('a session that was resumed nevertheless is not served', async (t) => {
  const world = await startWorld(t);
  t.mock.method(TLSSocket.prototype, 'isSessionReused', () => true);
  assert.equal(await said(world, world.gate.port), '');
  assert.deepEqual(world.app.received, []);
});

const named = (world: World) => profileOf(pki, world.app.port, { name: 'named', hostnames: ['localhost'] });
const swaps: readonly {
  readonly what: string;
  readonly client?: ConnectionOptions;
  readonly before?: (world: World) => Promise<unknown>;
  readonly next: (world: World) => Promise<unknown>;
  readonly want?: RegExp;
}[] = [
  { what: 'its own versions', next: (world) => applyTls(world, { minVersion: 'TLSv1.3' }) },
  {
    what: 'its own suites',
    client: { ciphers: 'ECDHE-ECDSA-AES256-GCM-SHA384' },
    next: (world) => applyTls(world, { ciphers: ['ECDHE-ECDSA-AES128-GCM-SHA256'] }),
  },
  { what: 'the profile that has the name now', next: (world) => world.gate.apply([world.profile, named(world)]) },
  {
    what: 'the profile that has the name now, where names were there before',
    before: (world) => world.gate.apply([world.profile, named(world)]),
    next: (world) => world.gate.apply([world.profile]),
  },
  {
    what: 'a profile of its name',
    next: (world) => world.gate.apply([{ ...world.profile, name: 'renamed' }]),
  },
  {
    what: 'its own CAs',
    next: (world) =>
      world.gate.apply([
        { ...world.profile, clientAuth: strictAuth(pki, { trustedCas: [pki.stranger.certificate.pem] }) },
      ]),
  },
  {
    what: 'nothing new of a handshake that would be the same',
    next: (world) =>
      world.gate.apply([
        { ...world.profile, rewriteSets: [] },
        { ...named(world), hostnames: ['other.test'] },
      ]),
    want: /^HTTP\/1\.1 200 /,
  },
];
for (const { what, client = {}, before, next, want } of swaps) {
  test(`a policy that comes within a handshake asks for ${what}`, async (t) => {
    const world = await startWorld(t);
    await before?.(world);
    const held: Buffer[] = [];
    let release: () => void = () => undefined;
    // Lets the hello through and holds back what ends the handshake.
    const relay = createServer((from) => {
      const to = connect({ port: world.gate.port, host: '127.0.0.1' });
      for (const socket of [from, to]) socket.on('error', () => undefined);
      from.on('close', () => to.destroy());
      to.pipe(from);
      let pass = true;
      from.on('data', (chunk: Buffer) => {
        if (pass) to.write(chunk);
        else held.push(chunk);
        pass = false;
      });
      release = () => {
        pass = true;
        from.pipe(to);
        to.write(Buffer.concat(held));
      };
    });
    await new Promise<void>((resolve) => relay.listen(0, '127.0.0.1', resolve));
    t.after(() => relay.close());
    const address = relay.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const outcome = said(world, port, { maxVersion: 'TLSv1.2', ...client });
    await until('the end of the handshake', () => held.length > 0);
    await next(world);
    release();
    assert.match(await outcome, want ?? /^$/);
    assert.equal(world.app.received.length, want === undefined ? 0 : 1);
  });
}

test('every context says whom it trusts; nobody is trusted by default', () => {
  const tls = policyOf(443, []).listeners[0]?.tls;
  assert.ok(tls);
  const caOf = (clientAuth: ClientAuth) =>
    withContextOptions(tls, profileOf(pki, 80, { clientAuth }), (options) => options.ca);
  assert.deepEqual(caOf({ mode: 'Off' }), []);
  assert.deepEqual(caOf({ mode: 'Passthrough' }), []);
  assert.deepEqual(caOf(strictAuth(pki, { trustedCas: [] })), []);
  assert.deepEqual(caOf(strictAuth(pki)), [pki.caPem]);
  const hidden = profileOf(pki, 80, { clientAuth: strictAuth(pki, { advertiseTrustedCas: false }) });
  assert.equal(
    withContextOptions(tls, hidden, () => getCACertificates('default').length),
    2,
  );
  assert.deepEqual(getCACertificates('default'), []);
});

test('the revocation is asked anew for every connection', async (t) => {
  const ocsp = new FakeOcsp();
  const world = await startWorld(t, { ocsp, profile: { clientAuth: askingOcsp() } });
  for (let i = 1; i <= 2; i += 1) {
    const talk = await world.talk();
    talk.send(get('/'));
    await talk.take('ok');
    assert.equal(ocsp.asked, i);
  }
});

test('a client that renegotiates is refused, and nothing of it reaches the application', async (t) => {
  const world = await startWorld(t);
  const talk = await world.talk(undefined, { maxVersion: 'TLSv1.2' });
  const refused = await new Promise<boolean>((resolve) => {
    talk.socket.on('close', () => resolve(true));
    talk.socket.renegotiate({}, (error) => resolve(error !== null));
  });
  assert.equal(refused, true);
  assert.deepEqual(world.app.received, []);
});

test('a handshake that is not finished in time is closed; meanwhile others are served', async (t) => {
  const world = await startWorld(t, { handshakeMs: 300 });
  const silent = Array.from({ length: 20 }, () => connect({ port: world.gate.port, host: '127.0.0.1' }));
  let closed = 0;
  for (const socket of silent) {
    socket.on('error', () => undefined);
    socket.on('close', () => {
      closed += 1;
    });
    socket.resume();
  }
  const talk = await world.talk();
  talk.send(get('/'));
  await talk.take('ok');
  await until('all of them to be closed', () => closed === silent.length);
});

const junk: readonly { name: string; bytes: Buffer }[] = [
  { name: 'plain HTTP', bytes: Buffer.from('GET / HTTP/1.1\r\nHost: localhost\r\nX-Client-Cert: forged\r\n\r\n') },
  { name: 'a PROXY line', bytes: Buffer.from('PROXY TCP4 1.2.3.4 1.2.3.4 1 1\r\n') },
  {
    name: 'a hello of SSL 2',
    bytes: Buffer.from('802e0100020015000000100100800200800300800400800500800600400700c0', 'hex'),
  },
  { name: 'a record that is too long', bytes: Buffer.concat([Buffer.from('160301ffff', 'hex'), Buffer.alloc(65_535)]) },
  { name: 'empty records', bytes: Buffer.from('1603010000'.repeat(100), 'hex') },
];
for (const { name, bytes } of junk) {
  test(`on the port comes ${name}: closed, and the next client is served`, async (t) => {
    const world = await startWorld(t, { handshakeMs: 500 });
    const socket = connect({ port: world.gate.port, host: '127.0.0.1' });
    socket.on('error', () => undefined);
    let over = false;
    socket.on('close', () => {
      over = true;
    });
    socket.resume();
    socket.write(bytes);
    await until('the end', () => over);
    const talk = await world.talk();
    talk.send(get('/'));
    await talk.take('ok');
    assert.equal(world.app.received.length, 1);
  });
}

for (const { name, offered, want } of [
  { name: 'both', offered: ['http/1.1', 'h2'], want: 'h2' },
  { name: 'HTTP/1.1 and what the gate does not speak', offered: ['h3', 'http/1.1'], want: 'http/1.1' },
  { name: 'nothing', offered: [], want: false },
  { name: 'only what the gate does not speak', offered: ['h3', 'http/1.0'], want: undefined },
]) {
  test(`a client that offers ${name} by ALPN agrees on ${String(want ?? 'nothing, and is not let in')}`, async (t) => {
    const world = await startWorld(t);
    const begun = world.talk(undefined, { ALPNProtocols: offered });
    if (want === undefined) await assert.rejects(begun, { code: 'ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL' });
    else assert.equal((await begun).socket.alpnProtocol, want);
  });
}

test('a hello that comes byte by byte meets the same decision', async (t) => {
  const world = await startWorld(t);
  const slow = connect({ port: world.gate.port, host: '127.0.0.1', noDelay: true });
  const { write } = slow;
  // Everything of the handshake goes out in pieces of one byte.
  slow.write = function piecewise(this: typeof slow, chunk: unknown, ...rest: unknown[]): boolean {
    if (!Buffer.isBuffer(chunk)) return Reflect.apply(write, this, [chunk, ...rest]);
    for (let i = 0; i < chunk.length - 1; i += 1) Reflect.apply(write, this, [chunk.subarray(i, i + 1)]);
    return Reflect.apply(write, this, [chunk.subarray(-1), ...rest]);
  };
  const talk = new Talk(await connectTo(world.gate.port, pki, undefined, { socket: slow }));
  talk.send(get('/'));
  assert.match(await talk.rest(), /NoCertificate/);
  assert.deepEqual(world.app.received, []);
});

/** What a client is told on its first request; nothing where it is not served at all. */
async function said(world: World, port: number, options: ConnectionOptions = {}): Promise<string> {
  try {
    const talk = await world.talk(undefined, { port, ...options });
    talk.send(get('/'));
    return await talk.rest();
  } catch (error) {
    assert.match(String(error), /closed during the handshake|disconnected before secure/);
    return '';
  }
}

async function applyTls(world: World, changes: Partial<TlsSettings>): Promise<void> {
  const policy = policyOf(world.gate.port, [world.profile]);
  const [listener] = policy.listeners;
  if (listener === undefined) throw new Error('a policy of one listener was made');
  const next: PodPolicy = {
    ...policy,
    listeners: [{ ...listener, tls: TlsSettings.parse({ ...listener.tls, ...changes }) }],
  };
  await world.gate.gate.apply(next);
}
