import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, beforeEach, test } from 'node:test';
import { type ResponderFault, startOcspResponder } from '../../test/support/ocsp-responder.ts';
import { makePki } from '../../test/support/pki.ts';
import type { OcspSettings } from '../policy/policy.ts';
import { createOcspChecker, type OcspEvent } from './checker.ts';
import type { RevocationStatus } from './status.ts';

const startMs = Date.UTC(2026, 10, 20, 10);
let offsetMs = 0;
let wallOnlyMs = 0;
const now = () => startMs + offsetMs + wallOnlyMs;
const pki = makePki({ nowMs: startMs });
const { certificate: issuer, key } = pki.intermediate;
const responder = await startOcspResponder({ issuer, signer: { certificate: issuer, key }, now });
const events: OcspEvent[] = [];
const refreshed: string[] = [];
const client = pki.intermediate.issue({ ocspUrls: [responder.url] }).certificate;
const checker = createOcspChecker({
  now,
  // The real time limits run on; what tests move is added.
  monotonicNow: () => performance.now() + offsetMs,
  lookup: (host) => Promise.reject(Object.assign(new Error(host), { code: 'ENOTFOUND' })),
  random: randomBytes,
  onEvent: (event) => events.push(event),
  onRefreshed: ({ serialHex }) => refreshed.push(serialHex),
});
after(async () => {
  checker.close();
  await responder.close();
});

const settings: OcspSettings = {
  timeoutMs: 2000,
  maxAgeMs: 60_000,
  clockSkewMs: 300_000,
  nonce: 'Off',
  certIdHash: 'SHA256',
  onMissingResponder: 'Deny',
  onUnavailable: 'Deny',
  responderAllowList: [],
  allowInternalAddresses: ['127.0.0.1/32'],
  maxAgeWithoutNextUpdateMs: 0,
  sha1Signatures: 'Deny',
  scope: 'Leaf',
  trustedResponders: [],
  responderCas: [],
};
const good = { kind: 'good' } as const;
const hold = { kind: 'revoked', atMs: startMs - 1000, reason: 'certificateHold' } as const;
const revoked = { kind: 'revoked', atMs: startMs - 1000, reason: 'keyCompromise' } as const;

beforeEach(() => {
  offsetMs = 0;
  wallOnlyMs = 0;
  checker.clear();
  responder.verdicts.clear();
  responder.verdicts.set(client.serialHex, good);
  Object.assign(responder, {
    fault: undefined,
    sha1Only: false,
    alter: undefined,
    replay: undefined,
    delay: undefined,
  });
  responder.requests.length = 0;
  events.length = 0;
  refreshed.length = 0;
});

function ask(changes: Partial<OcspSettings> = {}, certificate = client) {
  return checker.check(certificate, issuer, Object.keys(changes).length === 0 ? settings : { ...settings, ...changes });
}

function short(status: RevocationStatus): string {
  return status.kind === 'unavailable' ? `${status.cause}${status.softenable ? ', softenable' : ''}` : status.kind;
}

test('a good answer names its signer and times, and is fresh for maxAge', async () => {
  assert.deepEqual(await ask(), {
    kind: 'good',
    answer: {
      responderUrl: responder.url,
      signer: 'CN=Test Intermediate,O=Lychgate',
      signedBy: 'issuer',
      source: 'ocsp',
      producedAtMs: startMs,
      thisUpdateMs: startMs,
      nextUpdateMs: startMs + 3_600_000,
    },
    freshUntilMs: startMs + 60_000,
  });
});

test('a fresh answer comes at once from the cache, without a promise', async () => {
  const first = await ask();
  assert.equal(ask(), first);
  assert.equal(responder.requests.length, 1);
  assert.deepEqual(
    events.map(({ cached, result }) => ({ cached, result })),
    [
      { cached: false, result: 'good' },
      { cached: true, result: 'good' },
    ],
  );
});

test('questions at the same time are one question', async () => {
  const answers = await Promise.all(Array.from({ length: 50 }, () => ask()));
  assert.equal(new Set(answers).size, 1);
  assert.equal(responder.requests.length, 1);
});

test('maxAge 0 asks each time', async () => {
  await ask({ maxAgeMs: 0 });
  await ask({ maxAgeMs: 0 });
  assert.equal(responder.requests.length, 2);
});

test('a hot certificate is refreshed in the background before its answer ends, and never waits', async () => {
  await ask();
  offsetMs = 55_000;
  assert.ok(!(ask() instanceof Promise));
  assert.equal(checker.snapshot().inFlight, 1);
  assert.deepEqual(refreshed, []);
  await settled();
  assert.deepEqual(refreshed, [client.serialHex]);
  offsetMs = 100_000;
  const status = ask();
  assert.ok(!(status instanceof Promise));
  assert.equal(responder.requests.length, 2);
});

test('a refresh in the background that fails leaves the answer in force until its end', async () => {
  await ask();
  responder.fault = 'status500';
  offsetMs = 55_000;
  void ask();
  await settled();
  assert.equal(short(await ask()), 'good');
  offsetMs = 61_000;
  assert.equal(short(await ask()), 'http-status, softenable');
});

test('a certificate once revoked stays refused, whatever the responder says later', async () => {
  responder.verdicts.set(client.serialHex, revoked);
  const status = await ask();
  assert.deepEqual(status.kind === 'revoked' && [status.revokedAtMs, status.reason], [startMs - 1000, 'keyCompromise']);
  responder.verdicts.set(client.serialHex, good);
  offsetMs = 10 * 60_000;
  assert.equal(short(await ask()), 'revoked');
});

test('a hold ends with a newer good, and not with silence, unknown or a replayed good', async () => {
  await ask();
  const oldGood = responder.lastAnswer;
  responder.verdicts.set(client.serialHex, hold);
  offsetMs = 61_000;
  assert.equal(short(await ask()), 'revoked');
  offsetMs = 130_000;
  responder.fault = 'status500';
  assert.equal(short(await ask({})), 'revoked');
  responder.fault = undefined;
  responder.verdicts.clear();
  offsetMs = 200_000;
  assert.equal(short(await ask()), 'revoked');
  responder.replay = oldGood;
  offsetMs = 270_000;
  assert.equal(short(await ask()), 'revoked');
  responder.replay = undefined;
  responder.verdicts.set(client.serialHex, good);
  offsetMs = 340_000;
  assert.equal(short(await ask()), 'good');
});

test('an answer is not kept under other settings', async () => {
  await ask();
  await ask({ nonce: 'Optional' });
  assert.equal(responder.requests.length, 2);
  assert.equal(responder.requests[1]?.method, 'POST');
});

test('an answer that arrives after clear is not kept', async () => {
  let go = () => {};
  const gate = new Promise<void>((open) => {
    go = open;
  });
  responder.delay = () => gate;
  const asked = ask();
  checker.clear();
  go();
  await asked;
  assert.equal(checker.snapshot().entries, 0);
});

test('a certificate of another issuer is never asked', async () => {
  assert.equal(short(await checker.check(client, pki.twin.certificate, settings)), 'wrong-certificate');
  assert.equal(responder.requests.length, 0);
});

test('setting the wall clock back revives no answer', async () => {
  await ask();
  wallOnlyMs = -61_000;
  offsetMs = 61_000;
  const again = ask();
  assert.ok(again instanceof Promise);
  await again;
  assert.equal(responder.requests.length, 2);
});

test('a responder that knows only SHA-1 is asked again with SHA-1, and then so at once', async () => {
  responder.sha1Only = true;
  assert.equal(short(await ask()), 'good');
  assert.equal(responder.requests.length, 2);
  offsetMs = 61_000;
  assert.equal(short(await ask()), 'good');
  assert.equal(responder.requests.length, 3);
  responder.requests.length = 0;
  assert.equal(short(await ask({ certIdHash: 'SHA1' })), 'good');
  assert.equal(responder.requests.length, 1);
});

test('a nonce that is required and missing, or another, is no answer; an echoed one is', async () => {
  assert.equal(short(await ask({ nonce: 'Required' })), 'good');
  responder.alter = (answer) => ({ ...answer, nonce: undefined });
  assert.equal(short(await ask({ nonce: 'Required', maxAgeMs: 1 })), 'wrong-nonce');
  assert.equal(short(await ask({ nonce: 'Optional', maxAgeMs: 1 })), 'good');
  responder.alter = (answer) => ({ ...answer, nonce: Buffer.alloc(32) });
  assert.equal(short(await ask({ nonce: 'Optional', maxAgeMs: 2 })), 'wrong-nonce');
});

const faults: readonly (readonly [ResponderFault, string])[] = [
  ['answersNothing', 'timeout, softenable'],
  ['contentEncodingGzip', 'malformed'],
  ['contentTypeHtml', 'good'],
  ['drips', 'timeout, softenable'],
  ['endlessBody', 'too-large'],
  ['garbage', 'malformed'],
  ['hangsAfterHead', 'timeout, softenable'],
  ['internalError', 'responder-error, softenable'],
  ['malformedRequest', 'responder-error'],
  ['oversize', 'too-large'],
  ['redirectsToMetadata', 'http-status'],
  ['resets', 'connect, softenable'],
  ['sigRequired', 'responder-error'],
  ['status204', 'http-status'],
  ['status404', 'http-status'],
  ['status500', 'http-status, softenable'],
  ['truncates', 'connect, softenable'],
  ['tryLater', 'responder-error, softenable'],
  ['unauthorized', 'unauthorized'],
  ['undefinedStatus', 'malformed'],
];
for (const [fault, want] of faults) {
  test(`a responder that ${fault} gives: ${want}; another one is not affected`, async () => {
    const other = await startOcspResponder({ issuer, signer: { certificate: issuer, key }, now });
    try {
      const twoUrls = pki.intermediate.issue({ ocspUrls: [responder.url, other.url] }).certificate;
      other.verdicts.set(twoUrls.serialHex, good);
      responder.fault = fault;
      const begun = performance.now();
      const timeoutMs = want.startsWith('timeout') ? 150 : 3000;
      assert.equal(short(await ask({ timeoutMs })), want);
      assert.ok(performance.now() - begun < timeoutMs + 1000, 'the deadline holds');
      if (fault !== 'contentTypeHtml')
        assert.equal(short(await ask({ timeoutMs: want.startsWith('timeout') ? 1000 : 3000 }, twoUrls)), 'good');
    } finally {
      await other.close();
    }
  });
}

test('trouble at one responder does not hide a bad answer at another', async () => {
  const twoUrls = pki.intermediate.issue({ ocspUrls: [responder.url, 'http://127.0.0.1:9/'] }).certificate;
  responder.alter = (answer) => ({ ...answer, spoilSignature: true });
  assert.equal(short(await ask({}, twoUrls)), 'untrusted-signer');
});

test('a second responder is not asked after an authentic revoked', async () => {
  const other = await startOcspResponder({ issuer, signer: { certificate: issuer, key }, now });
  try {
    const twoUrls = pki.intermediate.issue({ ocspUrls: [responder.url, other.url] }).certificate;
    responder.verdicts.set(twoUrls.serialHex, revoked);
    other.verdicts.set(twoUrls.serialHex, good);
    assert.equal(short(await ask({}, twoUrls)), 'revoked');
    assert.equal(other.requests.length, 0);
  } finally {
    await other.close();
  }
});

test('the responder of the settings is a fallback, or an override', async () => {
  const noAia = pki.intermediate.issue({ ocspUrls: [] }).certificate;
  const dead = pki.intermediate.issue({ ocspUrls: ['http://127.0.0.1:9/'] }).certificate;
  for (const one of [noAia, dead]) responder.verdicts.set(one.serialHex, good);
  assert.equal(short(await ask({}, noAia)), 'responder-missing');
  assert.equal(short(await ask({ responder: { url: responder.url, use: 'Fallback' } }, noAia)), 'good');
  assert.equal(short(await ask({ responder: { url: responder.url, use: 'Override' } }, dead)), 'good');
  assert.equal(short(await ask({ responder: { url: responder.url, use: 'Fallback' } }, dead)), 'connect, softenable');
});

test('without allowInternalAddresses a responder on loopback is not asked', async () => {
  assert.equal(short(await ask({ allowInternalAddresses: [] })), 'address-refused');
  assert.equal(short(await ask({ allowInternalAddresses: ['nonsense'] })), 'address-refused');
  assert.equal(responder.requests.length, 0);
});

test('a name that cannot be resolved, or resolves to an address that is not listed', async () => {
  const named = pki.intermediate.issue({ ocspUrls: ['http://ocsp.test/'] }).certificate;
  assert.equal(short(await ask({}, named)), 'dns, softenable');
  const rebinding = createOcspChecker({
    now,
    monotonicNow: () => performance.now(),
    lookup: async () => [{ address: '127.0.0.1' }, { address: '169.254.169.254' }],
    random: randomBytes,
  });
  assert.equal(short(await rebinding.check(named, issuer, settings)), 'address-refused');
});

test('more questions than places and queue are overloaded, which is never softened', async () => {
  const small = createOcspChecker({
    now,
    monotonicNow: () => performance.now(),
    lookup: async () => [],
    random: randomBytes,
    limits: { total: 1, each: 1, queue: 1 },
  });
  const three = [1, 2, 3].map(() => pki.intermediate.issue({ ocspUrls: [responder.url] }).certificate);
  for (const one of three) responder.verdicts.set(one.serialHex, good);
  const answers = await Promise.all(three.map((one) => small.check(one, issuer, settings)));
  assert.deepEqual(answers.map(short), ['good', 'good', 'overloaded']);
  small.close();
});

test('a responder that fails five times in a row is left alone for a while', async () => {
  const own = await startOcspResponder({ issuer, signer: { certificate: issuer, key }, now });
  try {
    const many = Array.from({ length: 7 }, () => pki.intermediate.issue({ ocspUrls: [own.url] }).certificate);
    own.fault = 'status500';
    for (const one of many) assert.equal(short(await ask({}, one)), 'http-status, softenable');
    assert.equal(own.requests.length, 5);
    assert.deepEqual(
      checker.snapshot().breakers.filter(({ responder: name }) => name === `127.0.0.1:${own.port}`),
      [{ responder: `127.0.0.1:${own.port}`, state: 'open', failures: 5 }],
    );
    own.fault = undefined;
    offsetMs = 1001;
    const [first] = many;
    if (first !== undefined) own.verdicts.set(first.serialHex, good);
    offsetMs = 10_000;
    assert.equal(first === undefined ? '' : short(await ask({}, first)), 'good');
  } finally {
    await own.close();
  }
});

/** Until nothing is in flight. */
async function settled(): Promise<void> {
  while (checker.snapshot().inFlight > 0) await new Promise((turn) => setImmediate(turn));
}
