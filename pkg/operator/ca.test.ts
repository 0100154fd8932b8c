import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { type Certificate, parseCertificate } from '../x509/certificate.ts';
import { certificatesFromPem } from '../x509/pem.ts';
import { bundleOf, type CaSituation, type CaState, makeCa, nextCaStep, renewalMs } from './ca.ts';
import { isServingDue, issueServingCertificate, serviceNames } from './serving-certificate.ts';

const minuteMs = 60_000;
const dayMs = 86_400_000;
const startMs = Date.UTC(2026, 0, 1);
const names = serviceNames('lychgate', 'lychgate-system');

describe('a CA of the operator', () => {
  test('is a self-signed P-256 CA for leaves only, valid for a year from five minutes ago', () => {
    const { certificate, pair } = makeCa(startMs);
    assert.equal(certificate.isIssuedBy(certificate), true);
    assert.equal(certificate.publicKey.asymmetricKeyDetails?.namedCurve, 'prime256v1');
    assert.deepEqual(
      [certificate.isCa, certificate.pathLength, [...(certificate.keyUsage ?? [])].toSorted()],
      [true, 0, ['cRLSign', 'keyCertSign']],
    );
    assert.equal(certificate.notBeforeMs, startMs - 5 * minuteMs);
    assert.equal(certificate.notAfterMs - certificate.notBeforeMs, 365 * dayMs);
    assert.equal(String(pair) + JSON.stringify(pair), '[redacted]"[redacted]"');
  });

  test('has a name that no other has', () => {
    assert.notEqual(makeCa(startMs).certificate.subject.text, makeCa(startMs).certificate.subject.text);
  });
});

describe('a serving certificate', () => {
  test('is for the names of the Service, for servers, for seven days from five minutes ago', () => {
    const ca = makeCa(startMs);
    const serving = issueServingCertificate(ca, names, startMs + dayMs);
    const certificate = onlyOne(certificatesFromPem(serving.certPem));
    assert.deepEqual(certificate.san.dns, [
      'lychgate.lychgate-system.svc',
      'lychgate.lychgate-system.svc.cluster.local',
      'lychgate.lychgate-system',
    ]);
    assert.deepEqual(certificate.extendedKeyUsage, ['1.3.6.1.5.5.7.3.1']);
    assert.equal(certificate.isCa, false);
    assert.equal(certificate.notBeforeMs, startMs + dayMs - 5 * minuteMs);
    assert.equal(certificate.notAfterMs - certificate.notBeforeMs, 7 * dayMs);
    assert.equal(certificate.isIssuedBy(ca.certificate), true);
  });

  test('never outlives its CA', () => {
    const ca = makeCa(startMs);
    const serving = issueServingCertificate(ca, names, ca.certificate.notAfterMs - dayMs);
    assert.equal(serving.notAfterMs, ca.certificate.notAfterMs);
  });

  const ca = makeCa(startMs);
  const serving = issueServingCertificate(ca, names, startMs);
  for (const [name, signer, atMs, due] of [
    ['stays before two thirds of its life', ca, startMs + 4 * dayMs, false],
    ['is due at two thirds of its life', ca, startMs + 5 * dayMs, true],
    ['is due when another CA signs', makeCa(startMs), startMs, true],
    ['is due when the clock was set back', ca, startMs - 10 * minuteMs, true],
  ] as const) {
    test(name, () => assert.equal(isServingDue(serving, signer, atMs), due));
  }
});

describe('the next step of a CA', () => {
  const current = makeCa(startMs);
  const next = makeCa(startMs + 250 * dayMs);
  const old = makeCa(startMs - 300 * dayMs);
  const made = makeCa(startMs + 300 * dayMs);
  const announced: CaState = { current, next, retired: [] };
  const renewMs = renewalMs(current.certificate);
  const endMs = current.certificate.notAfterMs;
  const whole: CaState = { current, next: undefined, retired: [old.certificate] };
  const alone: CaState = { current, next: undefined, retired: [] };
  const waited = { announcedForMs: 10 * minuteMs, spreadForMs: 10 * minuteMs };
  const cases: readonly {
    readonly name: string;
    readonly state: CaState | undefined;
    readonly at: Partial<CaSituation>;
    readonly want: ReturnType<typeof nextCaStep>;
  }[] = [
    {
      name: 'no CA: a first one',
      state: undefined,
      at: {},
      want: { change: 'First', state: { current: made, next: undefined, retired: [] } },
    },
    { name: 'a young CA: nothing', state: whole, at: {}, want: undefined },
    { name: 'just before two thirds of its life: nothing', state: alone, at: { nowMs: renewMs - 1 }, want: undefined },
    {
      name: 'two thirds of its life are over: a next one is announced, and the current one signs on',
      state: alone,
      at: { nowMs: renewMs },
      want: { change: 'Announced', state: { current, next: made, retired: [] } },
    },
    {
      name: 'announced for less than ten minutes: nothing',
      state: announced,
      at: { ...waited, nowMs: renewMs, announcedForMs: 10 * minuteMs - 1 },
      want: undefined,
    },
    {
      name: 'everywhere for less than ten minutes: nothing',
      state: announced,
      at: { ...waited, nowMs: renewMs, spreadForMs: 10 * minuteMs - 1 },
      want: undefined,
    },
    {
      name: 'everywhere for ten minutes: it signs, and the old one stays in the bundle',
      state: announced,
      at: { ...waited, nowMs: renewMs },
      want: { change: 'Promoted', state: { current: next, next: undefined, retired: [current.certificate] } },
    },
    {
      name: 'not everywhere, thirty-one days before the end: nothing',
      state: announced,
      at: { ...waited, spreadForMs: 0, nowMs: endMs - 31 * dayMs },
      want: undefined,
    },
    {
      name: 'not everywhere, thirty days before the end: it signs all the same',
      state: announced,
      at: { ...waited, spreadForMs: 0, nowMs: endMs - 30 * dayMs },
      want: { change: 'Promoted', state: { current: next, next: undefined, retired: [current.certificate] } },
    },
    {
      name: 'announced for less than ten minutes, thirty days before the end: nothing',
      state: announced,
      at: { announcedForMs: 10 * minuteMs - 1, spreadForMs: 0, nowMs: endMs - 30 * dayMs },
      want: undefined,
    },
    {
      name: 'a retired one before its end: it stays',
      state: whole,
      at: { nowMs: old.certificate.notAfterMs - 1 },
      want: undefined,
    },
    {
      name: 'a retired one at its end: it goes',
      state: whole,
      at: { nowMs: old.certificate.notAfterMs },
      want: { change: 'Retired', state: { current, next: undefined, retired: [] } },
    },
    {
      name: 'the current one has ended: the announced one signs at once',
      state: announced,
      at: { nowMs: endMs },
      want: { change: 'Replaced', state: { current: next, next: undefined, retired: [] } },
    },
    {
      name: 'all have ended: a new one signs at once',
      state: announced,
      at: { nowMs: startMs + 3 * 365 * dayMs },
      want: { change: 'Replaced', state: { current: made, next: undefined, retired: [] } },
    },
  ];
  for (const { name, state, at, want } of cases) {
    test(name, () => {
      const situation = { nowMs: startMs, announcedForMs: 0, spreadForMs: 0, ...at };
      assert.deepEqual(
        nextCaStep(state, situation, () => made),
        want,
      );
    });
  }
});

describe('over three CAs', () => {
  test('a client whose bundle is up to ten minutes old verifies every replica, however far behind that one is', () => {
    fc.assert(
      fc.property(
        fc.array(step(), { minLength: 40, maxLength: 50 }),
        fc.nat({ max: 40 * dayMs }),
        (steps, firstDelayMs) => {
          const seen = simulate(steps, firstDelayMs);
          assert.ok(seen >= 3, `only ${seen} CAs were seen`);
        },
      ),
      { seed: 20_261_125, numRuns: 6 },
    );
  });
});

interface Step {
  readonly waitMs: number;
  readonly clientLagMs: number;
  readonly replicaLagMs: number;
}

function step(): fc.Arbitrary<Step> {
  return fc.record({
    // Of the days between two CAs; the minutes around a change are always gone through.
    waitMs: fc.integer({ min: 14 * dayMs, max: 30 * dayMs }),
    clientLagMs: fc.integer({ min: 0, max: 10 * minuteMs }),
    replicaLagMs: fc.integer({ min: 0, max: 20 * dayMs }),
  });
}

/** The leader goes by its own clock; what it writes is a history that clients and other replicas see later. Gives how many CAs have signed. */
function simulate(steps: readonly Step[], firstDelayMs: number): number {
  let nowMs = startMs + firstDelayMs;
  const history: { readonly atMs: number; readonly state: CaState }[] = [];
  const leaves = new Map<string, Certificate>();
  const signers = new Set<string>();
  let announcedAtMs = 0;

  const stateAt = (atMs: number): CaState | undefined => history.findLast((entry) => entry.atMs <= atMs)?.state;
  const lead = () => {
    const state = history.at(-1)?.state;
    const waitedMs = state?.next === undefined ? 0 : nowMs - announcedAtMs;
    const done = nextCaStep(state, { nowMs, announcedForMs: waitedMs, spreadForMs: waitedMs }, () => makeCa(nowMs));
    if (done === undefined) return;
    if (done.change === 'Announced') announcedAtMs = nowMs;
    history.push({ atMs: nowMs, state: done.state });
  };
  const leafOf = (state: CaState): Certificate | undefined => {
    const { certificate: ca } = state.current;
    // Renewed every day with whatever CA the replica knows, as long as that has not ended.
    if (ca.notAfterMs <= nowMs) return undefined;
    const id = `${ca.sha256} ${Math.floor(nowMs / dayMs)}`;
    const known = leaves.get(id);
    if (known !== undefined && known.notAfterMs > nowMs) return known;
    const leaf = onlyOne(certificatesFromPem(issueServingCertificate(state.current, names, nowMs).certPem));
    leaves.set(id, leaf);
    return leaf;
  };
  const check = ({ clientLagMs, replicaLagMs }: Step) => {
    const trusted = bundleOf(stateAt(nowMs - clientLagMs) ?? required(history[0]?.state));
    for (const lagMs of [0, replicaLagMs]) {
      const state = stateAt(nowMs - lagMs) ?? required(history[0]?.state);
      const leaf = leafOf(state);
      if (leaf === undefined) continue;
      signers.add(state.current.certificate.sha256);
      assert.ok(
        trusted.some((ca) => ca.notAfterMs > nowMs && leaf.isIssuedBy(ca)),
        `at day ${(nowMs - startMs) / dayMs}: client ${clientLagMs} ms, replica ${lagMs} ms behind`,
      );
    }
  };

  lead();
  for (const each of steps) {
    for (const stepMs of [each.waitMs, minuteMs, each.clientLagMs, 9 * minuteMs, 10_000, 10_000]) {
      nowMs += stepMs;
      lead();
      check(each);
      check({ ...each, clientLagMs: 10 * minuteMs });
    }
  }
  return signers.size;
}

function onlyOne(certificates: readonly Certificate[]): Certificate {
  assert.equal(certificates.length, 1);
  return parseCertificate(required(certificates[0]).der);
}

function required<T>(value: T | undefined): T {
  assert.ok(value !== undefined);
  return value;
}
