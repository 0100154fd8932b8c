import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  answer,
  checker,
  dayMs,
  isGood,
  nothing,
  nowMs,
  ocspSettings,
  present,
  refusal,
  settings,
  silent,
  withOcsp,
} from '../../test/support/judging.ts';
import { type Authority, type ClientFlavour, makeAuthority, makePki, testKey } from '../../test/support/pki.ts';
import type { RevocationStatus } from '../ocsp/status.ts';
import type { VerifyingClientAuth } from '../policy/policy.ts';
import { der } from '../x509/der.ts';
import { oids } from '../x509/extensions.ts';
import type { CertificateRequest } from '../x509/issue.ts';
import { compileJudge, type Judge } from './judge.ts';
import type { Presented } from './pre-verdict.ts';
import { compileTrust } from './trust.ts';
import type { Verdict } from './verdict.ts';

const pki = makePki({ nowMs, ocspUrl: 'http://ocsp.test/' });
const trust = compileTrust([pki.caPem]);
const good = pki.client('good');
const endMs = nowMs + 30 * dayMs;
const settled = (verdict: Verdict | Promise<Verdict>): Verdict => {
  assert.ok(!(verdict instanceof Promise));
  return verdict;
};
const reasonOf = (verdict: Verdict) => (verdict.kind === 'refuse' ? verdict.reason : verdict.kind);
const issued = (request: Partial<CertificateRequest>) => pki.intermediate.issue(request);

test('verdict: a good certificate is accepted with its path, until the first date on it', () => {
  const path = [good.certificate, pki.intermediate.certificate, pki.root.certificate];
  const verdict = compileJudge(settings, trust, silent).judge(present(good), nowMs);
  assert.ok(!(verdict instanceof Promise) && verdict.kind === 'accept');
  assert.deepEqual(
    { ...verdict, path: verdict.path.map(({ sha256 }) => sha256) },
    {
      kind: 'accept',
      path: path.map(({ sha256 }) => sha256),
      revocation: 'off',
      holdsUntilMs: endMs,
    },
  );
});

for (const { flavour, want } of [
  { flavour: 'caAsLeaf', want: refusal('InvalidCertificate', 'a CA certificate, expected one of a client') },
  { flavour: 'expired', want: refusal('Expired', 'since 2026-11-23T23:00:00Z') },
  { flavour: 'notYetValid', want: refusal('NotYetValid', 'valid from 2026-11-24T01:00:00Z', nowMs + 3_600_000) },
  { flavour: 'rsa1024', want: refusal('InvalidCertificate', 'RSA key of 1024 bits, expected 2048 to 8192') },
  { flavour: 'stranger', want: refusal('UntrustedIssuer', 'no trusted issuer named CN=Stranger Root,O=Elsewhere') },
  { flavour: 'twin', want: refusal('UntrustedIssuer', 'no trusted issuer named CN=Stranger Root,O=Elsewhere') },
  { flavour: 'version1', want: refusal('InvalidCertificate', 'X.509 version 1, expected 3') },
  { flavour: 'wrongPurpose', want: refusal('WrongPurpose', 'extendedKeyUsage serverAuth, expected clientAuth') },
] satisfies { flavour: ClientFlavour; want: unknown }[]) {
  test(`verdict: ${flavour} is refused, whatever OpenSSL says, and no responder is asked`, () => {
    const judge = compileJudge(withOcsp, trust, silent);
    for (const error of [null, 'CERT_HAS_EXPIRED', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE']) {
      assert.deepEqual(judge.judge(present(pki.client(flavour), error), nowMs), want);
    }
  });
}

for (const { name, client, want } of [
  {
    name: 'no extendedKeyUsage',
    client: issued({ extendedKeyUsage: [] }),
    want: refusal('WrongPurpose', 'no extendedKeyUsage, expected clientAuth'),
  },
  {
    name: 'anyExtendedKeyUsage',
    client: issued({ extendedKeyUsage: ['2.5.29.37.0'] }),
    want: refusal('WrongPurpose', 'extendedKeyUsage anyExtendedKeyUsage, expected clientAuth'),
  },
  {
    name: 'keyUsage without digitalSignature',
    client: issued({ keyUsage: ['keyEncipherment'] }),
    want: refusal('WrongPurpose', 'keyUsage keyEncipherment, expected digitalSignature'),
  },
  {
    name: 'keyCertSign',
    client: issued({ keyUsage: ['digitalSignature', 'keyCertSign'] }),
    want: refusal('InvalidCertificate', 'keyUsage keyCertSign on a certificate that is not a CA'),
  },
  {
    name: 'an unknown critical extension',
    client: issued({ extensions: [{ oid: '1.2.3', critical: true, value: der.nullValue() }] }),
    want: refusal('InvalidCertificate', 'critical extension 1.2.3, which is not supported'),
  },
  {
    name: 'a signature over SHA-1',
    client: issued({ subject: 'CN=old', signatureHash: 'sha1' }),
    want: refusal('UntrustedIssuer', 'CN=old is signed over MD5 or SHA-1'),
  },
]) {
  test(`verdict: ${name} is refused`, () => {
    assert.deepEqual(compileJudge(settings, trust, silent).judge(present(client), nowMs), want);
  });
}

test('verdict: keyUsage may be absent', () => {
  const verdict = compileJudge(settings, trust, silent).judge(present(issued({ keyUsage: [] })), nowMs);
  assert.ok(!(verdict instanceof Promise));
  assert.equal(verdict.kind, 'accept');
});

test('verdict: a certificate that cannot be read is refused', () => {
  const judge = compileJudge(settings, trust, silent);
  assert.deepEqual(
    judge.judge({ leaf: Buffer.of(0x30, 0x80), sent: [], authorizationError: null }, nowMs),
    refusal(
      'InvalidCertificate',
      'certificate malformed: expected a definite length, found the indefinite form, at byte 1',
    ),
  );
});

test('verdict: candidates that cannot be read, and a twin among them, change nothing', () => {
  const { leaf } = present(good);
  const sent = [Buffer.of(1), pki.twin.certificate.der, pki.intermediate.certificate.der, pki.stranger.certificate.der];
  const verdict = compileJudge(settings, compileTrust([pki.root.certificate.pem]), silent).judge(
    { leaf, sent, authorizationError: null },
    nowMs,
  );
  // The bundle is the root alone, so the intermediate is trusted but is not the immediate issuer.
  assert.deepEqual(
    verdict,
    refusal('IssuerMismatch', 'issued by CN=Test Intermediate,O=Lychgate, expected CN=Test Root,O=Lychgate'),
  );
});

test('verdict: more than 16 certificates sent are refused where the configured CAs do not suffice', () => {
  const sent = Array.from({ length: 17 }, () => pki.intermediate.certificate.der);
  const judge = compileJudge(settings, compileTrust([pki.root.certificate.pem]), silent);
  judge.preVerdict(present(good), nowMs);
  assert.deepEqual(
    judge.judge({ leaf: good.certificate.der, sent, authorizationError: null }, nowMs),
    refusal('UntrustedIssuer', '17 certificates sent, limit 16'),
  );
});

for (const { code, reason } of [
  { code: 'CERT_HAS_EXPIRED', reason: 'Expired' },
  { code: 'CERT_NOT_YET_VALID', reason: 'NotYetValid' },
  { code: 'INVALID_PURPOSE', reason: 'WrongPurpose' },
  { code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE', reason: 'UntrustedIssuer' },
  { code: 'UNSPECIFIED', reason: 'UntrustedIssuer' },
  { code: '', reason: 'UntrustedIssuer' },
]) {
  test(`verdict: OpenSSL's ${code || 'empty code'} refuses what we would accept, as ${reason}`, () => {
    const judge = compileJudge(withOcsp, trust, silent);
    assert.deepEqual(judge.judge(present(good, code), nowMs), refusal(reason, `OpenSSL: ${code}`));
  });
}

for (const { name, at, want } of [
  { name: 'its first moment', at: nowMs - dayMs, want: 'accept' },
  { name: 'the moment before', at: nowMs - dayMs - 1, want: 'NotYetValid' },
  { name: 'its last moment', at: endMs, want: 'accept' },
  { name: 'the moment after', at: endMs + 1, want: 'Expired' },
]) {
  test(`verdict: at ${name} it is ${want}`, () => {
    const verdict = compileJudge(settings, trust, silent).judge(present(good), at);
    assert.ok(!(verdict instanceof Promise));
    assert.equal(verdict.kind === 'refuse' ? verdict.reason : verdict.kind, want);
  });
}

test('verdict: an expired CA on the path is Expired and named', () => {
  const old = makeAuthority('old', 'CN=Old CA', nowMs, pki.root, { notAfterMs: nowMs - 1000 });
  const judge = compileJudge({ ...settings, verifyIssuerDn: false }, trust, silent);
  assert.deepEqual(
    judge.judge(present(old.issue({})), nowMs),
    refusal('Expired', 'since 2026-11-23T23:59:59Z, CA CN=Old CA'),
  );
});

test('verdict: a CA that is not for clientAuth is WrongPurpose', () => {
  const servers = makeAuthority('servers', 'CN=Servers', nowMs, pki.root, { extendedKeyUsage: [oids.serverAuth] });
  const judge = compileJudge({ ...settings, verifyIssuerDn: false }, trust, silent);
  assert.deepEqual(
    judge.judge(present(servers.issue({})), nowMs),
    refusal('WrongPurpose', 'CA CN=Servers is not for clientAuth'),
  );
});

test('verdict: another intermediate of the same root passes only without the issuer check', () => {
  const sibling = makeAuthority('sibling', 'CN=Sibling', nowMs, pki.root).issue({});
  assert.deepEqual(
    compileJudge(settings, trust, silent).judge(present(sibling), nowMs),
    refusal('IssuerMismatch', 'issued by CN=Sibling, expected CN=Test Intermediate,O=Lychgate'),
  );
  const verdict = compileJudge({ ...settings, verifyIssuerDn: false }, trust, silent).judge(present(sibling), nowMs);
  assert.ok(!(verdict instanceof Promise));
  assert.equal(verdict.kind, 'accept');
});

test('verdict: a CA with the name of the immediate issuer and another key is IssuerMismatch', () => {
  const fake = makeAuthority('fake int', 'CN=Test Intermediate,O=Lychgate', nowMs, pki.root, {
    key: testKey('fake int'),
  });
  assert.deepEqual(
    compileJudge(settings, trust, silent).judge(present(fake.issue({})), nowMs),
    refusal('IssuerMismatch', 'issued by CN=Test Intermediate,O=Lychgate, expected CN=Test Intermediate,O=Lychgate'),
  );
});

test('verdict: what no allow entry matches is NotAllowed, and no responder is asked', () => {
  const judge = compileJudge({ ...withOcsp, allow: [{ dnsName: 'other.test' }] }, trust, silent);
  assert.deepEqual(judge.judge(present(good), nowMs), refusal('NotAllowed', 'CN=good client,O=Lychgate'));
});

test('verdict: nothing presented is NoCertificate in Strict and none in Optional', () => {
  assert.deepEqual(
    compileJudge(settings, trust, silent).judge(nothing, nowMs),
    refusal('NoCertificate', 'none was presented'),
  );
  assert.deepEqual(compileJudge({ ...settings, mode: 'Optional' }, trust, silent).judge(nothing, nowMs), {
    kind: 'none',
  });
});

test('verdict: a bad certificate is refused in Optional too', () => {
  const verdict = compileJudge({ ...settings, mode: 'Optional' }, trust, silent).judge(
    present(pki.client('expired')),
    nowMs,
  );
  assert.deepEqual(verdict, refusal('Expired', 'since 2026-11-23T23:00:00Z'));
});

test('verdict: without trusted CAs everybody is refused as TrustWithdrawn', () => {
  for (const mode of ['Strict', 'Optional'] as const) {
    const judge = compileJudge({ ...settings, mode }, compileTrust([]), silent);
    for (const presented of [present(good), nothing]) {
      assert.deepEqual(judge.judge(presented, nowMs), refusal('TrustWithdrawn', 'no CA is trusted any more'));
    }
  }
});

test('verdict: revocation is asked of leaf and proven issuer, and a cached answer is taken at once', () => {
  const ocsp = checker(isGood);
  const verdict = compileJudge(withOcsp, trust, ocsp).judge(present(good), nowMs);
  assert.ok(!(verdict instanceof Promise) && verdict.kind === 'accept');
  assert.deepEqual([verdict.revocation, verdict.holdsUntilMs], ['good', nowMs + 60_000]);
  assert.deepEqual(ocsp.asked, [['CN=good client,O=Lychgate', 'CN=Test Intermediate,O=Lychgate']]);
});

test('verdict: an answer that is fresh for longer than the certificate holds until its end', () => {
  const verdict = compileJudge(withOcsp, trust, checker({ ...isGood, freshUntilMs: endMs + 1 })).judge(
    present(good),
    nowMs,
  );
  assert.ok(!(verdict instanceof Promise) && verdict.kind === 'accept');
  assert.equal(verdict.holdsUntilMs, endMs);
});

test('verdict: a question that has to be asked is waited for', async () => {
  const revoked: RevocationStatus = {
    kind: 'revoked',
    answer,
    revokedAtMs: nowMs - dayMs,
    reason: 'keyCompromise',
    freshUntilMs: nowMs + 5,
  };
  const verdict = compileJudge(withOcsp, trust, checker(Promise.resolve(revoked))).judge(present(good), nowMs);
  assert.ok(verdict instanceof Promise);
  assert.deepEqual(await verdict, {
    ...refusal('Revoked', 'since 2026-11-23T00:00:00Z, keyCompromise', nowMs + 5),
    responder: 'ocsp.test',
  });
});

test('verdict: a checker that throws or rejects lets nobody pass, also where unavailability is allowed', async () => {
  const allow: VerifyingClientAuth = {
    ...settings,
    revocation: { kind: 'ocsp', ocsp: { ...ocspSettings, onUnavailable: 'Allow', onMissingResponder: 'Allow' } },
  };
  const want = refusal('RevocationUnavailable', 'responder-error, the question could not be asked', 0);
  assert.deepEqual(compileJudge(allow, trust, silent).judge(present(good), nowMs), want);
  assert.deepEqual(
    await compileJudge(allow, trust, checker(Promise.reject(new Error('x')))).judge(present(good), nowMs),
    want,
  );
});

test('recheck: dates, allow list and revocation are judged again without the path', async () => {
  const judge = compileJudge(settings, trust, silent);
  const before = judge.preVerdict(present(good), nowMs);
  const kinds = [
    judge.recheck(before, endMs + 1),
    compileJudge({ ...settings, allow: [{ dnsName: 'other.test' }] }, trust, silent).recheck(before, nowMs),
    compileJudge(withOcsp, trust, checker({ kind: 'unknown', answer, freshUntilMs: nowMs })).recheck(before, nowMs),
    judge.recheck(before, nowMs),
  ];
  assert.deepEqual(
    (await Promise.all(kinds)).map((verdict) => (verdict.kind === 'refuse' ? verdict.reason : verdict.kind)),
    ['Expired', 'NotAllowed', 'RevocationUnknown', 'accept'],
  );
});

test('recheck: as long as the same is answered the verdict is the same, between the dates of the path', () => {
  let status: RevocationStatus = { ...isGood, freshUntilMs: endMs + 10 * dayMs };
  const judge = compileJudge(withOcsp, trust, { check: () => status });
  const before = judge.preVerdict(present(good), nowMs);
  const at = (ms: number) => settled(judge.recheck(before, ms));
  const first = at(nowMs);
  assert.equal(at(nowMs + 1), first);
  assert.deepEqual(
    [endMs, endMs + 1, nowMs - dayMs, nowMs - dayMs - 1].map((ms) => at(ms)).map((verdict) => reasonOf(verdict)),
    ['accept', 'Expired', 'accept', 'NotYetValid'],
  );
  status = { ...status, freshUntilMs: nowMs + 1000 };
  const next = at(nowMs);
  assert.ok(next.kind === 'accept');
  assert.equal(next.holdsUntilMs, nowMs + 1000);
  status = { kind: 'unknown', answer, freshUntilMs: nowMs };
  assert.equal(reasonOf(at(nowMs)), 'RevocationUnknown');
});

test('recheck: a certificate that was not yet valid is accepted once it is', () => {
  const judge = compileJudge(settings, trust, silent);
  const before = judge.preVerdict(present(pki.client('notYetValid')), nowMs);
  const verdict = judge.recheck(before, nowMs + 3_600_000);
  assert.ok(!(verdict instanceof Promise));
  assert.equal(verdict.kind, 'accept');
});

test('recheck: a CA of the path that left the trust is TrustWithdrawn, others may come and go', () => {
  const before = compileJudge(settings, compileTrust([pki.caPem, pki.stranger.certificate.pem]), silent).preVerdict(
    present(good),
    nowMs,
  );
  const kind = (bundles: string[]) => {
    const verdict = compileJudge({ ...settings, verifyIssuerDn: false }, compileTrust(bundles), silent).recheck(
      before,
      nowMs,
    );
    assert.ok(!(verdict instanceof Promise));
    return verdict.kind === 'refuse' ? `${verdict.reason}: ${verdict.detail}` : verdict.kind;
  };
  assert.equal(kind([pki.caPem]), 'accept');
  assert.equal(
    kind([pki.root.certificate.pem]),
    'TrustWithdrawn: CN=Test Intermediate,O=Lychgate is not trusted any more',
  );
  assert.equal(
    kind([pki.stranger.certificate.pem]),
    'TrustWithdrawn: CN=Test Intermediate,O=Lychgate is not trusted any more',
  );
  assert.equal(kind([]), 'TrustWithdrawn: no CA is trusted any more');
});

test('paths: who presents the same certificates shares what was found of them, but for what OpenSSL says of a handshake', () => {
  const judge = compileJudge(settings, trust, silent);
  const first = judge.preVerdict(present(good), nowMs);
  assert.equal(judge.preVerdict(present(good), nowMs), first);
  const doubted = judge.preVerdict(present(good, 'CERT_REJECTED'), nowMs);
  assert.deepEqual(doubted, { ...first, authorizationError: 'CERT_REJECTED' });
  assert.deepEqual(judge.recheck(doubted, nowMs), refusal('UntrustedIssuer', 'OpenSSL: CERT_REJECTED'));
  assert.equal(judge.preVerdict(present(good), nowMs), first);
});

test('paths: what OpenSSL says against the first handshake of a certificate is not said of the next', () => {
  const judge = compileJudge(settings, trust, silent);
  judge.preVerdict(present(good, 'CERT_REJECTED'), nowMs);
  const verdict = judge.judge(present(good), nowMs);
  assert.ok(!(verdict instanceof Promise));
  assert.equal(verdict.kind, 'accept');
});

test('recheck: a revocation refuses every connection that shares what was found, and the next one too', () => {
  let status: RevocationStatus = isGood;
  const judge = compileJudge(withOcsp, trust, { check: () => status });
  const [first, second] = [judge.preVerdict(present(good), nowMs), judge.preVerdict(present(good), nowMs)];
  const kindOf = (before: typeof first) => {
    const verdict = judge.recheck(before, nowMs);
    assert.ok(!(verdict instanceof Promise));
    return verdict.kind === 'refuse' ? verdict.reason : verdict.kind;
  };
  assert.deepEqual([kindOf(first), kindOf(second)], ['accept', 'accept']);
  status = { kind: 'revoked', answer, revokedAtMs: nowMs, reason: 'keyCompromise', freshUntilMs: nowMs };
  assert.deepEqual([kindOf(first), kindOf(second)], ['Revoked', 'Revoked']);
  assert.equal(kindOf(judge.preVerdict(present(good), nowMs)), 'Revoked');
});

test('paths: one that is remembered is found anew when an issuer of it is out of date', () => {
  const key = testKey('renewing');
  const old = makeAuthority('renewing', 'CN=Renewing', nowMs, pki.root, {
    key,
    notAfterMs: nowMs + 1000,
    serial: Buffer.of(1),
  });
  const fresh = makeAuthority('renewing', 'CN=Renewing', nowMs, pki.root, { key, serial: Buffer.of(2) });
  const judge = compileJudge({ ...settings, verifyIssuerDn: false }, trust, silent);
  const presented = present({ chain: [old.issue({}).certificate, old.certificate, fresh.certificate] });
  const kinds = [nowMs, nowMs, nowMs + 2000].map((at) => {
    const verdict = judge.judge(presented, at);
    return verdict instanceof Promise ? 'promise' : verdict.kind;
  });
  assert.deepEqual(kinds, ['accept', 'accept', 'accept']);
});

for (const { name, bundle, second, want } of [
  {
    name: 'not where others came with it and CAs are not configured',
    bundle: [pki.root],
    second: [pki.stranger, pki.intermediate],
    want: false,
  },
  { name: 'where the same came with it', bundle: [pki.root], second: [pki.intermediate], want: true },
  {
    name: 'whatever came where all its CAs are configured',
    bundle: [pki.root, pki.intermediate],
    second: [pki.stranger],
    want: true,
  },
]) {
  test(`paths: a remembered path is that of the same leaf: ${name}`, () => {
    const judge = compileJudge(
      settings,
      compileTrust([bundle.map(({ certificate }) => certificate.pem).join('')]),
      silent,
    );
    const first = judge.preVerdict(present(good), nowMs);
    const sent = second.map(({ certificate }) => certificate.der);
    const next = judge.preVerdict({ ...present(good), sent }, nowMs);
    assert.deepEqual([first.kind, next.kind, next === first], ['trusted', 'trusted', want]);
  });
}

test('paths: a remembered path is not that of a connection with which a CA did not come that is not configured', () => {
  const judge = compileJudge(settings, compileTrust([pki.root.certificate.pem]), silent);
  assert.equal(judge.preVerdict(present(good), nowMs).kind, 'trusted');
  assert.equal(judge.preVerdict({ ...present(good), sent: [] }, nowMs).kind, 'refused');
});

test('paths: of two CAs with one name and one key the verdict is that of what came, not of what came before', () => {
  const key = testKey('crossed');
  const [own, foreign] = [{}, { extendedKeyUsage: ['1.3.6.1.5.5.7.3.1'] }].map((request, i) =>
    makeAuthority('crossed', 'CN=Crossed', nowMs, pki.root, { key, serial: Buffer.of(i + 1), ...request }),
  );
  assert.ok(own !== undefined && foreign !== undefined);
  const leaf = own.issue({}).certificate;
  const outcome = (judge: Judge, ...sent: readonly Authority[]) =>
    reasonOf(settled(judge.judge(present({ chain: [leaf, ...sent.map(({ certificate }) => certificate)] }), nowMs)));
  const judge = compileJudge({ ...settings, verifyIssuerDn: false }, compileTrust([pki.root.certificate.pem]), silent);
  assert.deepEqual(
    [outcome(judge, foreign), outcome(judge, own, foreign), outcome(judge, foreign)],
    ['WrongPurpose', 'accept', 'WrongPurpose'],
  );
});

test('paths: what was sent is not read where the configured CAs suffice', () => {
  const judge = compileJudge(settings, trust, silent);
  const unread: Presented = {
    ...present(good),
    get sent(): never {
      throw new Error('read');
    },
  };
  for (let i = 0; i < 2; i++) assert.equal(judge.preVerdict(unread, nowMs).kind, 'trusted');
});

test('paths: a leaf that ends as a known one does is another', () => {
  const judge = compileJudge(settings, trust, silent);
  judge.preVerdict(present(good), nowMs);
  const { certificate } = pki.client('stranger');
  const leaf = Buffer.concat([certificate.der.subarray(0, -16), good.certificate.der.subarray(-16)]);
  assert.equal(judge.preVerdict({ ...present(good), leaf }, nowMs).kind, 'refused');
});

test('details are one line of printable ASCII of bounded length', () => {
  const subject = `CN=${'é'.repeat(2000)}`;
  const verdict = compileJudge({ ...settings, allow: [{ dnsName: 'other.test' }] }, trust, silent).judge(
    present(issued({ subject })),
    nowMs,
  );
  assert.ok(!(verdict instanceof Promise) && verdict.kind === 'refuse');
  assert.equal(verdict.detail, `${`CN=${'\\C3\\A9'.repeat(2000)}`.slice(0, 400)}...`);
});

test('paths: a remembered path says nothing of another leaf that comes with the same candidates', () => {
  const judge = compileJudge(settings, trust, silent);
  const sent = present(good).sent;
  const outcomes = [good, pki.client('wrongPurpose'), pki.client('twin')].map(({ certificate }) => {
    const verdict = judge.judge({ leaf: certificate.der, sent, authorizationError: null }, nowMs);
    return verdict instanceof Promise || verdict.kind !== 'refuse' ? 'accepted' : verdict.reason;
  });
  assert.deepEqual(outcomes, ['accepted', 'WrongPurpose', 'UntrustedIssuer']);
});
