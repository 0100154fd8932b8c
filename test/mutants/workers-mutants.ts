import { type Mutant, of } from './mutant.ts';

const pool = 'pkg/workers/pool.test.ts';
const answers = 'pkg/workers/remote-checker.test.ts';
const places = 'pkg/workers/places.test.ts';
const doubt = 'pkg/proxy/doubt.test.ts';

/** Several threads that serve: one limit, one word about revocation, one policy. */
export const workersMutants: readonly Mutant[] = [
  ...of('pkg/workers/pool.ts', [
    ['a policy is in force on the workers that could compile it', 'if (faults.length === 0) return;', 'return;', pool],
    [
      'a worker that could compile what another could not keeps it',
      'await Promise.all(this.#slots.map((slot) => slot.abandon()));',
      '',
      pool,
    ],
    [
      'a pod is ready before the last worker has swapped',
      '    this.#decided = next;\n',
      '    this.#decided = next;\n    this.#inForce = next;\n',
      pool,
    ],
    [
      "a worker that takes a dead one's place begins with an older policy",
      '    this.#decided = next;\n    await Promise.all(this.#slots.map((slot) => slot.commit(next)));',
      '    await Promise.all(this.#slots.map((slot) => slot.commit(next)));\n    this.#decided = next;',
      pool,
    ],
    [
      'workers may die without an end',
      'if (this.#deathsMs.length > maxDeaths) {',
      'if (this.#deathsMs.length > 100) {',
      pool,
    ],
    ['counters of a dead worker are lost', 'this.#lost = mergeFamilies([this.#lost, lasting(series)]);', '', pool],
    ['a worker that hangs holds up a stop', 'late = setTimeout(() => void this.end(), cutMs);', '', pool],
  ]),
  ...of('pkg/workers/slot.ts', [
    [
      'a worker that hangs is left alone',
      'else if (this.#silentTicks >= maxSilentTicks) {',
      'else if (this.#silentTicks >= 1000) {',
      pool,
    ],
    [
      'a worker that hangs holds up a policy for half a minute',
      'if (this.#awaitedTicks > othersTook + maxAwaitedTicks) {',
      'if (this.#awaitedTicks > 1000) {',
      pool,
    ],
    [
      'an acknowledged policy is not in force on a worker yet',
      '      await this.serving();\n    }',
      '      return;\n    }',
      pool,
    ],
    [
      'what took the place of a prepared worker goes on with the policy before',
      'else await this.#bring(next, (command) => this.#answered(thread, command));',
      '',
      pool,
    ],
  ]),
  ...of('pkg/workers/places.ts', [
    [
      'two workers have a limit each',
      '(podLimit > 0 && sum(pod) > podLimit)',
      '(podLimit > 0 && Atomics.load(pod, index) > podLimit)',
      places,
    ],
    [
      'a limit of a profile holds on one worker only',
      'profileLimit > 0 && sum(profile) > profileLimit',
      'profileLimit > 0 && Atomics.load(profile, index) > profileLimit',
      places,
    ],
    [
      'what a dead worker held is never free again',
      'Atomics.store(new Int32Array(buffer), worker - 1, 0);',
      'Atomics.load(new Int32Array(buffer), worker - 1);',
      places,
    ],
  ]),
  ...of('pkg/workers/remote-checker.ts', [
    [
      "a worker's answer never ends",
      'entry !== undefined && isFresh(entry, moment)',
      'entry !== undefined && (isFresh(entry, moment) || moment.monotonicMs > 0)',
      answers,
    ],
    [
      'a calendar that is set back revives an answer',
      'entry !== undefined && isFresh(entry, moment)',
      'entry !== undefined && isFresh(entry, { ...moment, monotonicMs: 0 })',
      answers,
    ],
    [
      'a good answer under other settings outlives a revocation',
      "for (const [other, entry] of entries) if (entry.status.kind !== 'revoked') entries.delete(other);",
      '',
      answers,
    ],
    [
      'a revocation that a worker knows of is lifted',
      'before !== undefined && isFinal(before) ? before : status',
      'status',
      answers,
    ],
    [
      'open connections do not hear of a revocation',
      "if (kept.kind === 'revoked' && !wasRevoked) this.#deps.onRevoked(certificate);",
      '',
      answers,
    ],
    [
      'what an old CRL has said stays',
      'if (lists && !isFinal(status)) entries.delete(key);',
      'if (lists && isFinal(status)) entries.delete(key);',
      answers,
    ],
  ]),
  ...of('pkg/workers/answers.ts', [
    [
      'news of a certificate do not reach the workers',
      'if (this.#revocations.has(question.revocation)) this.#answer(question);',
      'if (this.#revocations.has(question.revocation)) continue;',
      answers,
    ],
  ]),
  ...of('pkg/ocsp/status.ts', [
    [
      'who cannot be asked about passes',
      "  kind: 'unavailable',\n  cause: 'responder-error',\n  softenable: false,",
      "  kind: 'unavailable',\n  cause: 'responder-error',\n  softenable: true,",
      answers,
    ],
  ]),
  ...of('pkg/proxy/judgement.ts', [
    [
      'an open connection outlives a revocation that was found elsewhere',
      'this.#holdsUntilMs = 0;\n    this.#askedMs = Number.NEGATIVE_INFINITY;',
      '',
      doubt,
    ],
    [
      'a question that began before a revocation was found is not asked again',
      'if (this.#verdict instanceof Promise) this.#verdict = this.#ask();',
      '',
      doubt,
    ],
  ]),
];
