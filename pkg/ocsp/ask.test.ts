import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ocspSettings } from '../../test/support/judging.ts';
import { makePki } from '../../test/support/pki.ts';
import { type ScriptedTransport, scriptedTransport } from '../../test/support/scripted-transport.ts';
import type { OcspSettings } from '../policy/policy.ts';
import type { Certificate } from '../x509/certificate.ts';
import { createOcspChecker } from './checker.ts';
import { parseOcspRequest } from './read-request.ts';
import type { RequestForm } from './request.ts';
import { type AnswerSingle, buildOcspError, buildOcspResponse } from './respond.ts';
import type { RevocationStatus } from './status.ts';

/* Whom the checker asks, what, how often, and what it makes of several answers; without a network. */

const startMs = Date.UTC(2026, 10, 20, 10);
const pki = makePki({ nowMs: startMs });
const { certificate: issuer, key } = pki.intermediate;
type Got = Awaited<ReturnType<ScriptedTransport['ask']>>;

interface Asked {
  readonly url: string;
  readonly form: RequestForm;
  readonly noCache: boolean;
}

/** A checker of which every question is recorded; `script` answers the n-th. */
function make(script: (asked: Asked, index: number) => Got) {
  const asked: Asked[] = [];
  const clock = { elapsedMs: 0 };
  const checker = createOcspChecker({
    now: () => startMs + clock.elapsedMs,
    monotonicNow: () => clock.elapsedMs,
    lookup: () => Promise.resolve([]),
    transport: scriptedTransport(async (url, form, noCache) => {
      asked.push({ url, form, noCache });
      return script({ url, form, noCache }, asked.length - 1);
    }),
    random: (size) => Buffer.alloc(size, 0x5a),
  });
  return { asked, checker, clock };
}

function says(
  status: AnswerSingle['status'],
  target: Certificate,
  changes: Partial<AnswerSingle> = {},
  from = { issuer, key },
): Got {
  const times = { thisUpdateMs: startMs, nextUpdateMs: startMs + 3_600_000 };
  const single = { target, issuer: from.issuer, status, hash: 'sha256' as const, ...times, ...changes };
  const signer = { certificate: from.issuer, key: from.key };
  return { kind: 'answer', body: buildOcspResponse({ singles: [single], signer, producedAtMs: startMs }) };
}

function short(status: RevocationStatus): string {
  return status.kind === 'unavailable' ? `${status.cause}${status.softenable ? ', softenable' : ''}` : status.kind;
}

const good = { kind: 'good' } as const;
const timeout: Got = { kind: 'fault', cause: 'timeout', softenable: true, detail: 'too slow' };
const unauthorized: Got = { kind: 'answer', body: buildOcspError('unauthorized') };
const client = pki.intermediate.issue({ ocspUrls: ['http://ocsp.test/'] }).certificate;

test('soft trouble when asked again does not hide what the responder said at first', async () => {
  const { asked, checker } = make((_, index) => (index === 0 ? unauthorized : timeout));
  assert.equal(short(await checker.check(client, issuer, ocspSettings)), 'unauthorized');
  assert.equal(asked.length, 2);
});

test('a certificate’s first four responders are asked, in order, and no more', async () => {
  const ocspUrls = ['e', 'd', 'c', 'b', 'a'].map((name) => `http://${name}.test/`);
  const { asked, checker } = make(() => timeout);
  const many = pki.intermediate.issue({ ocspUrls }).certificate;
  assert.equal(short(await checker.check(many, issuer, ocspSettings)), 'timeout, softenable');
  assert.deepEqual(
    asked.map(({ url }) => url),
    ocspUrls.slice(0, 4),
  );
});

test('caches are gone around only after a stale answer to GET, once', async () => {
  const stale = { thisUpdateMs: startMs - 7_200_000, nextUpdateMs: startMs - 3_600_000 };
  const first = make((_, index) => says(good, client, index === 0 ? stale : {}));
  assert.equal(short(await first.checker.check(client, issuer, ocspSettings)), 'good');
  assert.deepEqual(
    first.asked.map(({ noCache }) => noCache),
    [false, true],
  );
  const always = make(() => says(good, client, stale));
  assert.equal(short(await always.checker.check(client, issuer, ocspSettings)), 'stale');
  assert.deepEqual(
    always.asked.map(({ noCache }) => noCache),
    [false, true],
  );
  const posted = make(() => says(good, client, stale));
  assert.equal(short(await posted.checker.check(client, issuer, { ...ocspSettings, nonce: 'Optional' })), 'stale');
  assert.deepEqual(
    posted.asked.map(({ noCache }) => noCache),
    [false],
  );
});

test('a nonce of 32 random octets is sent by POST where the settings want one, and none else', async () => {
  const { asked, checker } = make(() => says(good, client));
  await checker.check(client, issuer, ocspSettings);
  await checker.check(client, issuer, { ...ocspSettings, nonce: 'Optional' });
  const [without, with_] = asked.map(({ form }) => form);
  assert.equal(without?.method, 'GET');
  assert.equal(
    parseOcspRequest(Buffer.from(decodeURIComponent(without?.path.slice(1) ?? ''), 'base64')).nonce,
    undefined,
  );
  assert.equal(with_?.method, 'POST');
  assert.deepEqual(with_?.method === 'POST' && parseOcspRequest(with_.body).nonce, Buffer.alloc(32, 0x5a));
});

test('an answer is kept for the serial and the issuer’s key that it is about, not for a namesake’s', async () => {
  const serial = Buffer.of(0x31, 0x41);
  const ocspUrls = ['http://ocsp.test/'];
  const mine = pki.intermediate.issue({ serial, ocspUrls }).certificate;
  const next = pki.intermediate.issue({ serial: Buffer.of(0x31, 0x42), ocspUrls }).certificate;
  const twins = pki.twin.issue({ serial, ocspUrls }).certificate;
  const fromTwin = { issuer: pki.twin.certificate, key: pki.twin.key };
  const revoked = { kind: 'revoked', atMs: startMs } as const;
  const answers = [says(good, mine), says(revoked, next), says(revoked, twins, {}, fromTwin)];
  const { asked, checker } = make((_, index) => answers[index] ?? timeout);
  assert.equal(short(await checker.check(mine, issuer, ocspSettings)), 'good');
  assert.equal(short(await checker.check(next, issuer, ocspSettings)), 'revoked');
  assert.equal(short(await checker.check(twins, pki.twin.certificate, ocspSettings)), 'revoked');
  assert.equal(asked.length, 3);
  assert.equal(short(await checker.check(mine, issuer, ocspSettings)), 'good');
});

test('unknown holds for 30 s, a failure for 1 to 5 s, revoked for good', async () => {
  const unknown = make(() => says({ kind: 'unknown' }, client));
  await unknown.checker.check(client, issuer, ocspSettings);
  unknown.clock.elapsedMs = 29_999;
  assert.ok(!(unknown.checker.check(client, issuer, ocspSettings) instanceof Promise));
  unknown.clock.elapsedMs = 30_000;
  assert.ok(unknown.checker.check(client, issuer, ocspSettings) instanceof Promise);
  const failing = make(() => timeout);
  await failing.checker.check(client, issuer, ocspSettings);
  failing.clock.elapsedMs = 999;
  assert.ok(!(failing.checker.check(client, issuer, ocspSettings) instanceof Promise));
  failing.clock.elapsedMs = 5000;
  assert.ok(failing.checker.check(client, issuer, ocspSettings) instanceof Promise);
  const revoked = make(() => says({ kind: 'revoked', atMs: startMs }, client));
  await revoked.checker.check(client, issuer, ocspSettings);
  revoked.clock.elapsedMs = 20 * 86_400_000;
  assert.ok(!(revoked.checker.check(client, issuer, ocspSettings) instanceof Promise));
});

test('a fault of ours refuses, is not softened, and does not stay', async () => {
  const { asked, checker, clock } = make((_, index) => {
    if (index === 0) throw new TypeError('a fault of ours');
    return says(good, client);
  });
  const status = await checker.check(client, issuer, ocspSettings);
  assert.equal(short(status), 'malformed');
  assert.match(status.kind === 'unavailable' ? status.detail : '', /internal fault: a fault of ours/);
  assert.equal(checker.snapshot().inFlight, 0);
  clock.elapsedMs = 5001;
  assert.equal(short(await checker.check(client, issuer, ocspSettings)), 'good');
  assert.equal(asked.length, 2);
});

test('settings that say no more than they must ask no more than they must', async () => {
  const settings: OcspSettings = { ...ocspSettings, maxAgeMs: 0 };
  const { asked, checker } = make(() => says(good, client));
  await Promise.all([checker.check(client, issuer, settings), checker.check(client, issuer, settings)]);
  await checker.check(client, issuer, settings);
  assert.equal(asked.length, 2, 'each time, and still one at a time');
});
