import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock, someAnswer } from '../../test/support/gate.ts';
import { ocspSettings } from '../../test/support/judging.ts';
import { makePki } from '../../test/support/pki.ts';
import { createRevocationChecker, type RevocationChecker } from '../crl/revocation.ts';
import type { RevocationStatus } from '../ocsp/status.ts';
import type { AskedRevocation, PodPolicy } from '../policy/policy.ts';
import { Answers } from './answers.ts';
import type { Answer, Ask } from './messages.ts';
import { RemoteChecker } from './remote-checker.ts';

const pki = makePki({ nowMs: Date.now() });
const issuer = pki.intermediate.certificate;
const client = pki.client('good').certificate;
const lifeMs = 60_000;

function settings(kind: AskedRevocation['kind'], maxAgeMs = lifeMs): AskedRevocation {
  const ocsp = { ...ocspSettings, maxAgeMs };
  return kind === 'ocsp' ? { kind, ocsp } : { kind, ocsp, crl: { lists: [], maxAgeMs: lifeMs, maxBytes: 1000 } };
}
const byOcsp = settings('ocsp');
const otherwise = settings('ocsp', 2 * lifeMs);
const byCrl = settings('crl');

/** A policy under which exactly these settings are asked. */
function policyWith(revocations: readonly AskedRevocation[]): PodPolicy {
  const profiles = revocations.map((revocation) => ({ clientAuth: { mode: 'Strict', revocation } }));
  // Of a policy the owner of the answers reads nothing else.
  return { listeners: [{ profiles }] } as unknown as PodPolicy;
}

/** An owner, whose checker says what a test says, and two workers; messages arrive at once, as copies. */
function world() {
  const clock = new ManualClock();
  const good = (): RevocationStatus => ({
    ...{ kind: 'good', answer: someAnswer, freshUntilMs: clock.wallMs() + lifeMs },
  });
  const revoked = (reason = 'keyCompromise'): RevocationStatus => ({
    ...{ kind: 'revoked', answer: someAnswer, revokedAtMs: 0, reason, freshUntilMs: clock.wallMs() + lifeMs },
  });
  const owner = { says: good as () => RevocationStatus | Promise<RevocationStatus>, asked: 0, messages: 0 };
  const ask = () => {
    owner.asked += 1;
    return owner.says();
  };
  const checker: RevocationChecker = { check: ask };
  const answers = new Answers(checker, (answer: Answer) => {
    for (const { remote } of workers) remote.learn(structuredClone(answer));
  });
  answers.know([policyWith([byOcsp, otherwise, byCrl])]);
  const workers = [1, 2].map(() => {
    const doubted: string[] = [];
    let hits = 0;
    const remote = new RemoteChecker({
      now: () => clock.wallMs(),
      monotonicNow: () => clock.monotonicMs(),
      random: () => 0,
      ask: (question: Ask) => {
        owner.messages += 1;
        answers.ask(structuredClone(question));
      },
      onHit: () => {
        hits += 1;
      },
      onRevoked: (sha256) => doubted.push(sha256),
    });
    return {
      remote,
      doubted,
      hits: () => hits,
      check: (revocation = byOcsp) => remote.check(client, issuer, revocation),
    };
  });
  const [first, second] = workers;
  assert.ok(first !== undefined && second !== undefined);
  return { clock, owner, answers, first, second, good, revoked };
}

/** At once, or not. */
function now(status: RevocationStatus | Promise<RevocationStatus>): string {
  return status instanceof Promise ? 'asking' : status.kind;
}

test('what one worker has asked costs the other no message, and neither costs one again', async () => {
  const { owner, first, second } = world();
  assert.equal((await first.check()).kind, 'good');
  assert.equal(now(second.check()), 'good');
  for (let i = 0; i < 5; i += 1) assert.equal(now(first.check()), 'good');
  assert.deepEqual([owner.messages, owner.asked, first.hits(), second.hits()], [1, 1, 5, 1]);
});

test('questions under way are joined, and asked once', async () => {
  const { owner, first } = world();
  const answer = Promise.withResolvers<RevocationStatus>();
  owner.says = () => answer.promise;
  const both = Promise.all([first.check(), first.check()]);
  assert.equal(owner.messages, 1);
  answer.resolve({ kind: 'responder-missing', detail: 'no AIA' });
  assert.deepEqual(new Set(await both).size, 1);
  assert.equal(now(first.check()), 'asking');
});

test('an answer ends by both clocks', async () => {
  for (const advance of ['advance', 'setWall'] as const) {
    const { clock, owner, first } = world();
    await first.check();
    clock[advance](advance === 'advance' ? lifeMs : clock.wallMs() + lifeMs);
    assert.equal(now(first.check()), 'asking');
    assert.equal(owner.messages, 2);
  }
  const { clock, owner, first } = world();
  await first.check();
  owner.says = () => new Promise(() => undefined);
  clock.advance(lifeMs - 1);
  clock.setWall(clock.wallMs() - lifeMs);
  assert.equal(now(first.check()), 'good');
  clock.advance(1);
  assert.equal(now(first.check()), 'asking');
});

test('a use late in the life of an answer lets the owner refresh it, once, and nobody waits', async () => {
  const { clock, owner, first } = world();
  await first.check();
  clock.advance(0.8 * lifeMs);
  const late = Promise.withResolvers<RevocationStatus>();
  owner.says = () => late.promise;
  for (let i = 0; i < 3; i += 1) assert.equal(now(first.check()), 'good');
  assert.equal(owner.messages, 2);
});

test('news of a certificate reach workers that have not asked for them', async () => {
  const { owner, answers, first, second, revoked } = world();
  await first.check();
  owner.says = revoked;
  answers.refreshed(client);
  for (const { check, doubted } of [first, second]) {
    assert.equal(now(check()), 'revoked');
    assert.deepEqual(doubted, [client.sha256]);
  }
  answers.refreshed({ sha256: 'of nobody' });
  assert.equal(owner.messages, 1);
});

test('a revocation takes what was said under other settings with it, on every worker', async () => {
  const { owner, first, second, revoked } = world();
  await first.check(byOcsp);
  await first.check(otherwise);
  owner.says = () => revoked('certificateHold');
  await first.check(byCrl);
  assert.equal(now(second.check(byCrl)), 'revoked');
  assert.deepEqual([now(second.check(byOcsp)), now(second.check(otherwise))], ['asking', 'asking']);
  const { messages } = owner;
  for (const revocation of [byCrl, byOcsp, otherwise]) assert.equal(now(second.check(revocation)), 'revoked');
  assert.equal(owner.messages, messages);
  assert.deepEqual(second.doubted, [client.sha256]);
});

test('nothing lifts a revocation, not even the owner; a hold ends when the owner says so', async () => {
  const { owner, answers, first, good, revoked } = world();
  owner.says = () => revoked('certificateHold');
  await first.check();
  owner.says = good;
  answers.refreshed(client);
  assert.equal(now(first.check()), 'good');
  owner.says = () => revoked();
  answers.refreshed(client);
  owner.says = good;
  answers.refreshed(client);
  first.remote.forgetLists();
  assert.equal(now(first.check()), 'revoked');
  assert.deepEqual(first.doubted, [client.sha256, client.sha256]);
});

test('when lists have changed, what they said is asked again, and nothing else', async () => {
  const { first } = world();
  await first.check(byOcsp);
  await first.check(byCrl);
  first.remote.forgetLists();
  assert.deepEqual([now(first.check(byOcsp)), now(first.check(byCrl))], ['good', 'asking']);
});

test('settings of no policy in force, and certificates that cannot be read, are not asked about: that is no answer', async () => {
  const { owner, answers, first, second } = world();
  answers.know([policyWith([otherwise])]);
  const refused = await first.check(byOcsp);
  assert.deepEqual(
    [refused.kind, refused.kind === 'unavailable' && refused.softenable, owner.asked],
    ['unavailable', false, 0],
  );
  let told: Answer | undefined;
  const other = new Answers({ check: () => assert.fail('asked') }, (answer) => {
    told = answer;
  });
  other.ask({
    ...{ kind: 'ask', subject: 's', key: 'k', revocation: 'r' },
    certificate: Uint8Array.of(1),
    issuer: Uint8Array.of(2),
  });
  assert.deepEqual(told?.status.kind === 'unavailable' && told.status.softenable, false);
  assert.equal(now(second.check(byOcsp)), 'asking');
});

test('a checker that breaks its promise never to fail lets nobody pass', async () => {
  const { owner, first } = world();
  owner.says = () => Promise.reject(new Error('broken'));
  assert.equal((await first.check()).kind, 'unavailable');
  owner.says = () => {
    throw new Error('broken');
  };
  assert.equal((await first.check(otherwise)).kind, 'unavailable');
});

test('behind the same door as without workers a revocation under one setting is one under all', async () => {
  const { owner, first, good, revoked } = world();
  const door = createRevocationChecker({ check: () => revoked() }, { check: () => good() });
  owner.says = () => door.check(client, issuer, byOcsp);
  await first.check(byOcsp);
  owner.says = () => door.check(client, issuer, byCrl);
  assert.equal((await first.check(byCrl)).kind, 'revoked');
});
