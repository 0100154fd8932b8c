import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, beforeEach, describe, test } from 'node:test';
import { type CrlRequest, distributionPoints, issuingPoint, makeCrl, makeCrlPem } from '../../test/support/crl.ts';
import { ocspSettings } from '../../test/support/judging.ts';
import { makePki } from '../../test/support/pki.ts';
import { until } from '../../test/support/until.ts';
import type { RevocationStatus } from '../ocsp/status.ts';
import type { CrlSettings, OcspSettings } from '../policy/policy.ts';
import { createCrlChecker, type RunningCrlChecker } from './checker.ts';
import type { CrlEvent } from './store.ts';

const startMs = Date.UTC(2026, 10, 20, 10);
const hourMs = 3_600_000;
let offsetMs = 0;
/** How far the calendar alone is set back. */
let setBackMs = 0;
const now = () => startMs + offsetMs - setBackMs;
const pki = makePki({ nowMs: startMs });
const ca = { certificate: pki.intermediate.certificate, key: pki.intermediate.key };
const issuer = ca.certificate;

const asked: string[] = [];
let serve: (path: string, response: ServerResponse) => void = () => {};
const server = createServer((request, response) => {
  asked.push(`${request.method} ${request.url}`);
  serve(request.url ?? '', response);
});
await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
const events: CrlEvent[] = [];
let checker: RunningCrlChecker;

function freshChecker(maxBytes?: number): RunningCrlChecker {
  return createCrlChecker({
    // The real time limits run on; what tests move is added.
    ...{ now, monotonicNow: () => performance.now() + offsetMs, random: randomBytes },
    lookup: (host) => Promise.reject(Object.assign(new Error(host), { code: 'ENOTFOUND' })),
    onEvent: (event) => events.push(event),
    ...(maxBytes === undefined ? {} : { maxBytes }),
  });
}

beforeEach(() => {
  checker?.close();
  checker = freshChecker();
  offsetMs = 0;
  setBackMs = 0;
  asked.length = 0;
  events.length = 0;
  serve = (_, response) => response.end(list());
});
after(() => {
  checker.close();
  server.closeAllConnections();
  server.close();
});

function list(changes: Partial<CrlRequest> = {}): Buffer {
  return makeCrl({ issuer: ca, thisUpdateMs: now() - 1000, nextUpdateMs: now() + 48 * hourMs, ...changes });
}

const clientOf = (...urls: string[]) =>
  pki.intermediate.issue({ extensions: [distributionPoints(...urls)] }).certificate;
const client = clientOf(`${base}/ca.crl`);
const settings: OcspSettings = { ...ocspSettings, allowInternalAddresses: ['127.0.0.1/32'] };
const crlSettings: CrlSettings = { lists: [], maxAgeMs: 24 * hourMs, maxBytes: 100_000 };

function ask(certificate = client, ocsp: Partial<OcspSettings> = {}, crl: Partial<CrlSettings> = {}) {
  return checker.check(certificate, issuer, { ocsp: { ...settings, ...ocsp }, crl: { ...crlSettings, ...crl } });
}

function short(status: RevocationStatus): string {
  return status.kind === 'unavailable' ? `${status.cause}${status.softenable ? ', softenable' : ''}` : status.kind;
}

describe('a CRL of a distribution point', () => {
  test('is fetched once and tells where it came from', async () => {
    assert.deepEqual(await ask(), {
      kind: 'good',
      answer: {
        ...{ source: 'crl', responderUrl: `${base}/ca.crl`, signer: issuer.subject.text, signedBy: 'issuer' },
        ...{ producedAtMs: startMs - 1000, thisUpdateMs: startMs - 1000, nextUpdateMs: startMs + 48 * hourMs },
      },
      freshUntilMs: startMs + 60_000,
    });
    assert.equal(ask() instanceof Promise, false);
    assert.equal(short(await ask(clientOf(`${base}/ca.crl`))), 'good');
    assert.deepEqual(asked, ['GET /ca.crl']);
    assert.deepEqual(
      events.map(({ result, reason, source }) => ({ result, reason, source })),
      [{ result: 'fetched', reason: '', source: base.slice(7) }],
    );
  });
  test('is fetched once for everybody who waits', async () => {
    const waiting = [ask(), ask(), ask(clientOf(`${base}/ca.crl`))];
    assert.deepEqual((await Promise.all(waiting)).map(short), ['good', 'good', 'good']);
    assert.equal(asked.length, 1);
  });
  test('with the certificate on it is revoked', async () => {
    serve = (_, response) =>
      response.end(list({ entries: [{ serial: client.serial, atMs: startMs - hourMs, reason: 'superseded' }] }));
    const status = await ask();
    assert.ok(status.kind === 'revoked');
    assert.deepEqual([status.revokedAtMs, status.reason], [startMs - hourMs, 'superseded']);
  });
  test('counts where it names that very point', async () => {
    serve = (_, response) => response.end(list({ extensions: [issuingPoint({ urls: [`${base}/ca.crl`] })] }));
    assert.equal(short(await ask()), 'good');
  });
  test('is not asked for where the profile brings a list of the CA', async () => {
    const pem = makeCrlPem({ issuer: ca, thisUpdateMs: startMs, nextUpdateMs: startMs + hourMs });
    const status = await ask(client, {}, { lists: [pem] });
    assert.equal(status.kind === 'good' && status.answer.responderUrl, 'crl.refs');
    assert.equal(asked.length, 0);
  });
  test('is not asked for where the profile brings several lists, of which the newest counts', async () => {
    const entries = [{ serial: client.serial, atMs: startMs, reason: 'superseded' }];
    const older = makeCrlPem({ issuer: ca, thisUpdateMs: startMs - hourMs, nextUpdateMs: startMs + hourMs });
    const newer = makeCrlPem({ issuer: ca, thisUpdateMs: startMs, nextUpdateMs: startMs + hourMs, entries });
    for (const lists of [
      [older, newer],
      [newer, older],
    ]) {
      assert.equal(short(await ask(client, {}, { lists })), 'revoked');
    }
  });
  test('is proven anew where two CAs of one name point at it', async () => {
    const twin = pki.twin.issue({ extensions: [distributionPoints(`${base}/ca.crl`)] }).certificate;
    assert.equal(short(await ask()), 'good');
    assert.equal(
      short(await checker.check(twin, pki.twin.certificate, { ocsp: settings, crl: crlSettings })),
      'untrusted-signer',
    );
  });
  test('is asked for where the list of the profile is old', async () => {
    const pem = makeCrlPem({ issuer: ca, thisUpdateMs: startMs - 2 * hourMs, nextUpdateMs: startMs - hourMs });
    const status = await ask(client, {}, { lists: [pem] });
    assert.equal(status.kind === 'good' && status.answer.responderUrl, `${base}/ca.crl`);
  });
});

describe('a list is used', () => {
  for (const { name, changes, maxAgeMs, lifeMs } of [
    {
      name: 'until its nextUpdate',
      changes: { nextUpdateMs: startMs + hourMs },
      maxAgeMs: 24 * hourMs,
      lifeMs: hourMs,
    },
    { name: 'until maxAge', changes: { thisUpdateMs: startMs }, maxAgeMs: 2 * hourMs, lifeMs: 2 * hourMs },
  ]) {
    test(name, async () => {
      serve = (_, response) => response.end(list(changes));
      await ask(client, {}, { maxAgeMs });
      offsetMs = lifeMs / 2;
      assert.equal(short(await ask(client, {}, { maxAgeMs })), 'good');
      offsetMs = lifeMs + 1;
      serve = (_, response) => response.writeHead(500).end();
      assert.equal(short(await ask(client, {}, { maxAgeMs })), 'http-status, softenable');
    });
  }
  test('not beyond its time, though the calendar is set back', async () => {
    await ask();
    setBackMs = 24 * hourMs;
    offsetMs = 24 * hourMs + 1;
    serve = (_, response) => response.writeHead(500).end();
    assert.equal(short(await ask()), 'http-status, softenable');
  });
  test('and renewed ahead of its end in the background', async () => {
    await ask();
    offsetMs = 23 * hourMs;
    serve = (_, response) => response.end(list({ entries: [{ serial: client.serial, atMs: startMs }] }));
    assert.equal(short(await ask()), 'good');
    await until(() => events[1], 'a second fetch');
    assert.equal(short(await ask()), 'revoked');
  });
  test('to its end where it cannot be renewed, and the place is not asked all the time', async () => {
    await ask();
    offsetMs = 23 * hourMs;
    serve = (_, response) => response.writeHead(500).end();
    await ask();
    await until(() => events[1], 'a second fetch');
    for (let count = 0; count < 5; count += 1) assert.equal(short(await ask()), 'good');
    assert.equal(checker.snapshot().inFlight, 0);
    assert.equal(asked.length, 2);
  });
  test('and no older one takes its place', async () => {
    serve = (_, response) =>
      response.end(list({ entries: [{ serial: client.serial, atMs: startMs, reason: 'certificateHold' }] }));
    await ask();
    offsetMs = 23 * hourMs;
    serve = (_, response) => response.end(list({ thisUpdateMs: startMs - hourMs }));
    await ask();
    await until(() => events[1], 'a second fetch');
    assert.equal(short(await ask()), 'revoked');
    // After the end of the newer one the older one is still a replay.
    offsetMs = 24 * hourMs;
    assert.equal(short(await ask(client)), 'stale');
  });
});

describe('no CRL', () => {
  const endless = (response: ServerResponse): void => {
    const chunk = Buffer.alloc(16_384, 0x30);
    while (!response.destroyed && response.write(chunk));
    if (!response.destroyed) response.once('drain', () => endless(response));
  };
  for (const { name, answer, certificate, ocsp, want, requests = 1 } of [
    {
      name: 'where the server has trouble is softenable',
      answer: (r: ServerResponse) => r.writeHead(503).end(),
      want: 'http-status, softenable',
    },
    { name: 'where there is none is not', answer: (r: ServerResponse) => r.writeHead(404).end(), want: 'http-status' },
    {
      name: 'where it lies elsewhere: nothing is followed',
      answer: (r: ServerResponse) => r.writeHead(302, { location: 'http://169.254.169.254/' }).end(),
      want: 'http-status',
    },
    { name: 'where it never ends', answer: endless, want: 'too-large' },
    {
      name: 'where its length is over maxBytes',
      answer: (r: ServerResponse) => r.writeHead(200, { 'content-length': 100_001 }).flushHeaders(),
      want: 'too-large',
    },
    { name: 'where nothing comes in time', answer: () => {}, ocsp: { timeoutMs: 50 }, want: 'timeout, softenable' },
    {
      name: 'where it is compressed',
      answer: (r: ServerResponse) => r.writeHead(200, { 'content-encoding': 'gzip' }).end(list()),
      want: 'malformed',
    },
    {
      name: 'where it is PEM',
      answer: (r: ServerResponse) =>
        r.end(makeCrlPem({ issuer: ca, thisUpdateMs: startMs, nextUpdateMs: startMs + hourMs })),
      want: 'malformed',
    },
    {
      name: 'where it goes on after its end',
      answer: (r: ServerResponse) => r.end(Buffer.concat([list(), Buffer.of(0)])),
      want: 'malformed',
    },
    {
      name: 'where another CA of the name signed it',
      answer: (r: ServerResponse) => r.end(list({ issuer: { certificate: pki.twin.certificate, key: pki.twin.key } })),
      want: 'untrusted-signer',
    },
    {
      name: 'where it is of another CA',
      answer: (r: ServerResponse) => r.end(list({ issuer: { certificate: pki.root.certificate, key: pki.root.key } })),
      want: 'wrong-certificate',
    },
    {
      name: 'where only ldap and https are named',
      certificate: clientOf('ldap://crl.test/', 'https://crl.test/'),
      want: 'crl-missing',
      requests: 0,
    },
    {
      name: 'where the certificate names nothing',
      certificate: pki.client('good').certificate,
      want: 'crl-missing',
      requests: 0,
    },
    {
      name: 'on a metadata address',
      certificate: clientOf('http://169.254.169.254/ca.crl'),
      want: 'address-refused',
      requests: 0,
    },
    {
      name: 'on a loopback address that is not listed',
      ocsp: { allowInternalAddresses: [] },
      want: 'address-refused',
      requests: 0,
    },
    {
      name: 'on a host that is not listed',
      certificate: clientOf('http://crl.test/ca.crl'),
      ocsp: { responderAllowList: ['ocsp.test'], allowInternalAddresses: [] },
      want: 'address-refused',
      requests: 0,
    },
    {
      name: 'on a host without an address is softenable',
      certificate: clientOf('http://crl.test/ca.crl'),
      want: 'dns, softenable',
      requests: 0,
    },
  ]) {
    test(name, async () => {
      serve = (_, response) => {
        answer?.(response);
      };
      assert.equal(short(await ask(certificate, ocsp)), want);
      assert.equal(asked.length, requests);
    });
  }
});

describe('of two distribution points', () => {
  const two = clientOf(`${base}/first.crl`, `${base}/second.crl`);
  test('the second is asked where the first cannot answer', async () => {
    serve = (path, response) => void (path === '/first.crl' ? response.writeHead(500).end() : response.end(list()));
    assert.equal(short(await ask(two)), 'good');
    assert.equal(short(await ask(two)), 'good');
    assert.deepEqual(asked, ['GET /first.crl', 'GET /second.crl']);
  });
  test('a forgery at one is not hidden by trouble at the other', async () => {
    serve = (path, response) =>
      void (path === '/first.crl' ? response.end(list({ spoilSignature: true })) : response.writeHead(500).end());
    assert.equal(short(await ask(two)), 'untrusted-signer');
  });
});

test('a CRL of thousands is found by halving, in little memory, and lists beyond the bound are given up', async () => {
  const serialOf = (index: number) => {
    const serial = Buffer.alloc(16, 0x40);
    serial.writeUInt32BE(index * 400_009 + 7, 4);
    return serial;
  };
  const entries = Array.from({ length: 10_000 }, (_, index) => ({
    serial: serialOf(index),
    atMs: startMs,
    reason: 'superseded',
  }));
  const bytes = list({ entries });
  serve = (_, response) => response.end(bytes);
  const listed = (serial: Buffer, path: string) =>
    pki.intermediate.issue({ serial, extensions: [distributionPoints(`${base}${path}`)] }).certificate;
  const maxBytes = { maxBytes: 1_000_000 };
  checker.close();
  checker = freshChecker(500_000);
  for (const index of [0, 1, 4999, 9999]) {
    assert.equal(short(await ask(listed(serialOf(index), '/big.crl'), {}, maxBytes)), 'revoked');
  }
  assert.equal(short(await ask(listed(serialOf(10_000), '/big.crl'), {}, maxBytes)), 'good');
  assert.ok(checker.snapshot().bytes < 10_000 * 40, `${checker.snapshot().bytes} bytes`);
  assert.equal(asked.length, 1);
  await ask(listed(serialOf(0), '/other.crl'), {}, maxBytes);
  assert.equal(checker.snapshot().lists, 1);
});
