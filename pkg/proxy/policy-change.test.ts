import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { createServer } from 'node:net';
import { test } from 'node:test';
import type { ConnectionOptions } from 'node:tls';
import { freePort } from '../../test/support/free-port.ts';
import { connectTo, okApp, policyOf, profileOf, startRawApp, strictAuth, until } from '../../test/support/gate.ts';
import { ask, connectHttp2 } from '../../test/support/http2-client.ts';
import { type Identity, testKey } from '../../test/support/pki.ts';
import { get, linesNamed, pki, startWorld, Talk, type World } from '../../test/support/talk.ts';
import type { Hold, PodPolicy, ProfilePolicy } from '../policy/policy.ts';
import { mergeHolds } from './hold.ts';
import { PolicyUnusable } from './snapshot.ts';

test('another policy is in force for the next request of an open connection, which stays open', async (t) => {
  const world = await startWorld(t);
  const client = await world.talk();
  client.send(get('/1'));
  await client.take('ok');
  await world.gate.apply([
    profileOf(pki, world.app.port, {
      forwardedCertificate: { header: 'X-Other', format: 'Base64Der', unverified: 'Deny' },
    }),
  ]);
  client.send(get('/2'));
  await client.take('ok');
  const second = (world.app.received[0] ?? '').slice((world.app.received[0] ?? '').indexOf('GET /2'));
  assert.deepEqual(linesNamed(second, 'x-other'), [
    `X-Other: ${pki.client('good').certificate.pem.replaceAll(/-----.*-----|\n/g, '')}`,
  ]);
  assert.deepEqual(linesNamed(second, 'x-client-cert'), []);
  assert.equal(world.app.received.length, 1);
});

test('a policy that is the same changes nothing', async (t) => {
  const world = await startWorld(t);
  const before = world.gate.gate.snapshot;
  await world.gate.apply([world.profile]);
  assert.equal(world.gate.gate.snapshot, before);
});

const unusable: readonly { name: string; profiles: (port: number) => ProfilePolicy[]; want: RegExp }[] = [
  {
    name: 'a key that is not the certificate’s',
    profiles: (port) => [
      { ...profileOf(pki, port), certificates: [{ chainPem: pki.server.chainPem, keyPem: pki.client('good').keyPem }] },
    ],
    want: /^shop\/partners: /,
  },
  {
    name: 'a CA bundle with a bad block',
    profiles: (port) => [
      profileOf(pki, port, {
        clientAuth: strictAuth(pki, { trustedCas: ['-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n'] }),
      }),
    ],
    want: /^shop\/partners: trusted CA bundle 0, PEM block 1/,
  },
  {
    name: 'two profiles without hostnames',
    profiles: (port) => [profileOf(pki, port), profileOf(pki, port, { name: 'other' })],
    want: /both have no hostnames/,
  },
  {
    name: 'two claims on one name',
    profiles: (port) => [
      profileOf(pki, port, { hostnames: ['a.test'] }),
      profileOf(pki, port, { name: 'other', hostnames: ['a.test'] }),
    ],
    want: /both claim a\.test/,
  },
  {
    name: 'a trusted proxy that is no CIDR',
    profiles: (port) => [profileOf(pki, port, { backend: { trustedProxies: ['10.0.0.1'] } })],
    want: /^shop\/partners: /,
  },
];
for (const { name, profiles, want } of unusable) {
  test(`a policy that cannot be used leaves the one before in force: ${name}`, async (t) => {
    const world = await startWorld(t);
    const client = await world.talk();
    client.send(get('/1'));
    await client.take('ok');
    const before = world.gate.gate.snapshot;
    await assert.rejects(
      world.gate.apply(profiles(world.app.port)),
      (error) => error instanceof PolicyUnusable && want.test(error.message),
    );
    assert.equal(world.gate.gate.snapshot, before);
    client.send(get('/2'));
    await client.take('ok');
    const other = await world.talk();
    other.send(get('/3'));
    await other.take('ok');
    assert.deepEqual(world.gate.gate.notReady(), []);
  });
}

test('a port that is taken by another program refuses the whole policy', async (t) => {
  const world = await startWorld(t);
  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
  t.after(() => taken.close());
  const address = taken.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const before = world.gate.gate.snapshot;
  const two: PodPolicy = {
    ...policyOf(world.gate.port, [world.profile]),
    listeners: [world.gate.port, port].flatMap((one) => policyOf(one, [world.profile]).listeners),
  };
  await assert.rejects(world.gate.gate.apply(two), /EADDRINUSE/);
  assert.equal(world.gate.gate.snapshot, before);
});

test('a port comes and goes with the policy', async (t) => {
  const world = await startWorld(t);
  const port = await freePort();
  const both: PodPolicy = {
    schema: 1,
    holds: [],
    listeners: [world.gate.port, port].flatMap((one) => policyOf(one, [world.profile]).listeners),
  };
  await world.gate.gate.apply(both);
  const added = new Talk(await connectTo(port, pki, pki.client('good')));
  added.send(get('/'));
  await added.take('ok');
  await world.gate.gate.apply(policyOf(world.gate.port, [world.profile]));
  // Its profile is no longer in force there.
  await added.rest();
  await assert.rejects(connectTo(port, pki, pki.client('good')));
  const kept = await world.talk();
  kept.send(get('/'));
  await kept.take('ok');
});

test('of policies that come at the same time the last one given is in force', async (t) => {
  const world = await startWorld(t);
  const port = await freePort();
  const first: PodPolicy = {
    schema: 1,
    holds: [],
    listeners: [world.gate.port, port].flatMap((one) => policyOf(one, [world.profile]).listeners),
  };
  const last = policyOf(world.gate.port, [profileOf(pki, world.app.port, { name: 'last' })]);
  const [, { version }] = await Promise.all([world.gate.gate.apply(first), world.gate.gate.apply(last)]);
  assert.equal(world.gate.gate.snapshot?.version, version);
  await assert.rejects(connectTo(port, pki, pki.client('good')));
});

test('another backend gets the next request; the one before finishes what it has', async (t) => {
  let finish: () => void = () => undefined;
  const world = await startWorld(t, {
    respond: (text, socket) => {
      if (!text.endsWith('\r\n\r\n')) return undefined;
      finish = () => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nold');
      return '';
    },
  });
  const next = await startRawApp(okApp);
  t.after(() => next.close());
  const client = await world.talk();
  client.send(get('/1') + get('/2'));
  await until('the request', () => world.app.received.join('').includes('\r\n\r\n'));
  await world.gate.apply([profileOf(pki, next.port)]);
  finish();
  await client.take('old');
  await client.take('ok');
  assert.match(next.received.join(), /^GET \/2 /);
  await until('the old one to be left', () => world.app.open() === 0);
});

test('a peer that is no longer a trusted proxy is not believed from its next request on', async (t) => {
  const trusted = { trustedProxies: ['127.0.0.0/8'] };
  const world = await startWorld(t, { profile: { backend: trusted } });
  const client = await world.talk();
  client.send(get('/1', 'X-Forwarded-For: 1.2.3.4\r\n'));
  await client.take('ok');
  await world.gate.apply([profileOf(pki, world.app.port)]);
  client.send(get('/2', 'X-Forwarded-For: 1.2.3.4\r\n'));
  await client.take('ok');
  const heads = world.app.received.flatMap((received) => received.split(/(?=GET \/)/));
  assert.deepEqual(
    heads.map((head) => linesNamed(head, 'x-forwarded-for')),
    [['X-Forwarded-For: 1.2.3.4, 127.0.0.1'], ['X-Forwarded-For: 127.0.0.1']],
  );
});

test('an allow list that no longer has the certificate refuses the next request', async (t) => {
  const world = await startWorld(t);
  const client = await world.talk();
  client.send(get('/1'));
  await client.take('ok');
  await world.gate.apply([
    profileOf(pki, world.app.port, { clientAuth: strictAuth(pki, { allow: [{ dnsName: 'other.example.test' }] }) }),
  ]);
  client.send(get('/2'));
  assert.match(await client.rest(), /^(?:HTTP\/1\.1 400 [^]*NotAllowed[^]*)?$/);
  assert.equal(world.app.received.join('').includes('/2'), false);
});

const hold = (trustedCas: readonly string[] | null): Hold => ({
  namespace: 'shop',
  name: 'partners',
  selected: 'Yes',
  trustedCas: trustedCas === null ? null : [...trustedCas],
});
const root = pki.root.certificate.pem;
const intermediate = pki.intermediate.certificate.pem;
const stranger = pki.stranger.certificate.pem;
const holds: readonly {
  name: string;
  before: readonly string[];
  now: readonly string[] | null;
  want: readonly string[];
}[] = [
  { name: 'nothing is known of its CAs', before: [pki.caPem], now: null, want: [pki.caPem] },
  {
    name: 'its CAs are all there',
    before: [pki.caPem, stranger],
    now: [stranger, pki.caPem],
    want: [pki.caPem, stranger],
  },
  { name: 'one bundle has gone', before: [pki.caPem, stranger], now: [pki.caPem], want: [pki.caPem] },
  { name: 'all have gone', before: [pki.caPem], now: [], want: [] },
  { name: 'an intermediate has left its bundle', before: [pki.caPem], now: [root], want: [root] },
  { name: 'the root of an intermediate has left its bundle', before: [pki.caPem], now: [intermediate], want: [] },
  { name: 'another CA has joined the bundle', before: [pki.caPem], now: [pki.caPem + stranger], want: [pki.caPem] },
  { name: 'a root has left its bundle', before: [root + stranger], now: [root], want: [root] },
];
for (const { name, before, now, want } of holds) {
  test(`a held profile keeps its last good copy where ${name}`, () => {
    const copy = profileOf(pki, 8080, { clientAuth: strictAuth(pki, { trustedCas: [...before] }) });
    const merged = mergeHolds({ schema: 1, listeners: [], holds: [hold(now)] }, policyOf(8443, [copy]));
    assert.deepEqual(
      merged.listeners,
      policyOf(8443, [{ ...copy, clientAuth: strictAuth(pki, { trustedCas: [...want] }) }]).listeners,
    );
  });
}

test('a held profile gives way to another that has claimed its name meanwhile', () => {
  const next: PodPolicy = { ...policyOf(8443, [profileOf(pki, 8080, { name: 'other' })]), holds: [hold(null)] };
  assert.deepEqual(mergeHolds(next, policyOf(8443, [profileOf(pki, 8080)])), next);
});

test('a held profile serves on; without a copy of it the pod is not ready and says why', async (t) => {
  const world = await startWorld(t);
  const client = await world.talk();
  await world.gate.gate.apply({ schema: 1, listeners: [], holds: [hold(null)] });
  client.send(get('/'));
  await client.take('ok');
  assert.deepEqual(world.gate.gate.notReady(), []);
  await world.gate.gate.apply({
    ...policyOf(world.gate.port, [world.profile]),
    holds: [{ ...hold(null), name: 'new' }],
  });
  assert.match(world.gate.gate.notReady().join(), /^shop\/new: /);
  // Withdrawn meanwhile.
  await world.gate.gate.apply({ schema: 1, listeners: [], holds: [hold([])] });
  const late = await world.talk();
  late.send(get('/'));
  assert.match(await late.rest(), /TrustWithdrawn/);
});

// --- names

interface Names {
  readonly name: string;
  readonly servername: string;
  readonly host: string;
  readonly want: string;
}
const exact = ['a.example.test'];
const wildcard = ['*.example.test'];
const names: readonly Names[] = [
  { name: 'exact', servername: 'a.example.test', host: 'a.example.test', want: 'a' },
  { name: 'in another case', servername: 'A.Example.TEST', host: 'a.EXAMPLE.test', want: 'a' },
  {
    name: 'the host with a port and a trailing dot',
    servername: 'a.example.test',
    host: 'a.example.test.:8443',
    want: 'a',
  },
  { name: 'the wildcard', servername: 'b.example.test', host: 'c.example.test', want: 'wild' },
  { name: 'two labels under the wildcard', servername: 'x.b.example.test', host: 'x.b.example.test', want: 'rest' },
  { name: 'the wildcard’s own name', servername: 'example.test', host: 'example.test', want: 'rest' },
  { name: 'no server name', servername: '', host: 'whatever.test', want: 'rest' },
  { name: 'an unknown server name', servername: 'unknown.test', host: 'localhost', want: 'rest' },
  { name: 'the host of another profile', servername: 'b.example.test', host: 'a.example.test', want: '421' },
  { name: 'the host of the wildcard', servername: 'a.example.test', host: 'b.example.test', want: '421' },
  { name: 'no server name and a claimed host', servername: '', host: 'a.example.test', want: '421' },
  { name: 'a host that only the rest has', servername: 'a.example.test', host: 'localhost', want: '421' },
  { name: '__proto__', servername: '__proto__', host: '__proto__', want: 'rest' },
];
for (const { name, servername, host, want } of names) {
  test(`names: ${name}`, async (t) => {
    const world = await startNamed(t, true);
    const talk = await world.talk(undefined, { servername, checkServerIdentity: () => undefined } as ConnectionOptions);
    talk.send(`GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
    await until('an answer', () => /\r\n\r\n./.test(talk.text));
    assert.equal(want === '421' ? talk.text.slice(9, 12) : talk.text.slice(-4).trim(), want);
    // A 421 leaves the connection to those it is for.
    assert.equal(talk.closed, false);
  });
}

for (const servername of ['', 'unknown.test', 'x.b.example.test']) {
  test(`without a profile for the rest, no handshake with ${servername || 'no server name'}`, async (t) => {
    const world = await startNamed(t, false);
    await assert.rejects(world.talk(undefined, { servername, checkServerIdentity: () => undefined }));
    const fine = await world.talk(undefined, { servername: 'a.example.test' });
    fine.send('GET / HTTP/1.1\r\nHost: a.example.test\r\n\r\n');
    await until('an answer', () => fine.text.includes('200 OK'));
  });
}

test('a session of HTTP/2 asks for one profile’s names only', async (t) => {
  const world = await startNamed(t, true);
  const session = await connectHttp2(t, world);
  const got = await Promise.all(
    ['localhost', 'a.example.test', 'zzz'].map((authority) => ask(session, { ':authority': authority })),
  );
  assert.deepEqual(
    got.map(({ status }) => status),
    [200, 421, 200],
  );
});

/** Profiles `a`, `wild` and, where asked for, `rest`, each with an application that answers with its name. */
async function startNamed(t: Parameters<typeof startWorld>[0], withRest: boolean): Promise<World> {
  const world = await startWorld(t);
  const apps = await Promise.all(
    ['a', 'wild', 'rest'].map((name) =>
      startRawApp((text) =>
        text.endsWith('\r\n\r\n') ? `HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n${name.padStart(4)}` : undefined,
      ),
    ),
  );
  t.after(async () => {
    for (const app of apps) await app.close();
  });
  const at = (i: number) => apps[i]?.port ?? 0;
  await world.gate.apply([
    profileOf(pki, at(0), { name: 'a', hostnames: exact }),
    profileOf(pki, at(1), { name: 'wild', hostnames: wildcard }),
    ...(withRest ? [profileOf(pki, at(2), { name: 'rest' })] : []),
  ]);
  return world;
}

// --- certificates of two algorithms

const rsa = pki.intermediate.issue(
  { subject: 'CN=localhost,O=RSA', extendedKeyUsage: ['1.3.6.1.5.5.7.3.1'], san: { dns: ['localhost'] } },
  testKey('rsa-server', 2048),
);
for (const hostnames of [[], ['localhost']]) {
  for (const [sigalgs, want] of [
    ['ECDSA+SHA256', 'ec'],
    ['RSA-PSS+SHA256:rsa_pss_rsae_sha256', 'rsa'],
  ] as const) {
    test(`certificates of two algorithms, ${hostnames.length === 0 ? 'without' : 'with'} hostnames: a client that wants ${want} gets it`, async (t) => {
      const world = await startWorld(t);
      await world.gate.apply([
        {
          ...profileOf(pki, world.app.port, { hostnames }),
          certificates: [pki.server, rsa].map(({ chainPem, keyPem }) => ({ chainPem, keyPem })),
        },
      ]);
      const talk = await world.talk(null, { sigalgs, maxVersion: 'TLSv1.3' });
      const key = talk.socket.getPeerX509Certificate()?.publicKey.asymmetricKeyType;
      assert.equal(key, want);
    });
  }
}

test('a profile with hostnames never shows the certificate of the profile for the rest', async (t) => {
  const world = await startWorld(t);
  await world.gate.apply([
    profileOf(pki, world.app.port, { name: 'named', hostnames: ['localhost'], server: rsa }),
    profileOf(pki, world.app.port, { name: 'rest' }),
  ]);
  const talk = await world.talk();
  assert.equal(talk.socket.getPeerX509Certificate()?.fingerprint256, fingerprintOf(rsa));
  // Whoever takes no RSA gets nothing rather than the other profile's.
  await assert.rejects(world.talk(null, { sigalgs: 'ECDSA+SHA256' }));
  const other = await world.talk(undefined, { servername: 'unknown.test', checkServerIdentity: () => undefined });
  assert.equal(other.socket.getPeerX509Certificate()?.fingerprint256, fingerprintOf(pki.server));
});

test('a certificate, and a name, that come with a later policy are those of the next handshake', async (t) => {
  const world = await startWorld(t);
  const shown = async (servername: string) => {
    const talk = await world.talk(undefined, { servername, checkServerIdentity: () => undefined });
    return talk.socket.getPeerX509Certificate()?.fingerprint256;
  };
  const rest = profileOf(pki, world.app.port, { name: 'rest' });
  const shownAfter = async (...policies: Parameters<typeof world.gate.apply>[0]) => {
    await world.gate.apply(policies);
    return [await shown('localhost'), await shown('unknown.test')];
  };
  const [ec, other] = [fingerprintOf(pki.server), fingerprintOf(rsa)];
  assert.deepEqual(await shownAfter(rest), [ec, ec]);
  const named = profileOf(pki, world.app.port, { name: 'named', hostnames: ['localhost'], server: rsa });
  assert.deepEqual(await shownAfter(rest, named), [other, ec]);
  assert.deepEqual(await shownAfter(profileOf(pki, world.app.port, { name: 'rest', server: rsa })), [other, other]);
});

function fingerprintOf(identity: Identity): string {
  return new X509Certificate(identity.certificate.pem).fingerprint256;
}
