import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { type PodText, podObject } from '../../test/support/cluster-objects.ts';
import { ApiError } from '../cluster/api-error.ts';
import type { KubernetesObject } from '../cluster/object.ts';
import { Unauthenticated, Unavailable } from '../cluster/token-review.ts';
import { createPodIdentifier, createReplicaIdentifier } from './identify.ts';
import { observePod } from './observed-pod.ts';

interface Case {
  readonly name: string;
  /** In the watch. */
  readonly seen?: PodText;
  /** At the API server: a pod, a status of its refusal, or not asked. */
  readonly live?: PodText | number;
  readonly review?: Error;
  readonly watched?: boolean;
  /** Code of the error; undefined: identified. */
  readonly want?: 'PERMISSION_DENIED' | 'UNAUTHENTICATED' | 'UNAVAILABLE';
}

const web = { name: 'web-1' };
const cases: readonly Case[] = [
  { name: 'a pod that the watch has seen is taken without a question', seen: web },
  { name: 'a pod that the watch has not seen yet is asked for', live: web },
  { name: 'a pod that was made anew since the watch looked is asked for', seen: { ...web, uid: 'old' }, live: web },
  { name: 'a pod that ends still gets its policy', seen: { ...web, deletionTimestamp: '2026-11-25T00:00:00Z' } },
  {
    name: 'a token of an earlier pod of that name proves nothing',
    live: { ...web, uid: 'new' },
    want: 'UNAUTHENTICATED',
  },
  { name: 'a pod that cannot be found is told to come later', live: 404, want: 'UNAVAILABLE' },
  { name: 'a pod that cannot be looked up is told to come later', live: 403, want: 'UNAVAILABLE' },
  { name: 'an API server that does not answer denies nobody', live: 0, want: 'UNAVAILABLE' },
  { name: 'a pod without our sidecar gets nothing', seen: { ...web, injected: false }, want: 'PERMISSION_DENIED' },
  { name: 'a pod that has finished gets nothing', seen: { ...web, phase: 'Succeeded' }, want: 'PERMISSION_DENIED' },
  { name: 'a namespace that is not watched gets nothing', seen: web, watched: false, want: 'PERMISSION_DENIED' },
  { name: 'a bad token is refused', review: new Unauthenticated('no'), seen: web, want: 'UNAUTHENTICATED' },
  { name: 'a review that fails denies nobody', review: new Unavailable('later'), seen: web, want: 'UNAVAILABLE' },
  { name: 'a review that breaks denies nobody', review: new Error('bug'), seen: web, want: 'UNAVAILABLE' },
];

suite('a sidecar is identified', () => {
  for (const { name, seen, live, review, watched = true, want } of cases) {
    test(name, async () => {
      let asked = 0;
      const identify = createPodIdentifier({
        review: () => (review === undefined ? Promise.resolve(token('web-1')) : Promise.reject(review)),
        watch: { pod: () => (seen === undefined ? undefined : observePod(podObject(seen))), watches: () => watched },
        cluster: {
          get: (): Promise<KubernetesObject> => {
            asked++;
            if (typeof live === 'object') return Promise.resolve(podObject(live));
            return Promise.reject(new ApiError(live ?? 0, 'Reason', 'refused'));
          },
        },
      });
      const outcome = await identify('token').catch((error: unknown) => error);
      if (want === undefined) {
        assert.deepEqual(outcome, { namespace: 'shop', name: 'web-1', uid: 'uid-web-1', expiresAtMs: 7 });
      } else {
        assert.ok(outcome instanceof Error && 'code' in outcome, String(outcome));
        assert.equal(outcome.code, want);
      }
      assert.equal(asked, live === undefined ? 0 : 1);
    });
  }
});

suite('another replica', () => {
  const names: Readonly<Record<string, string>> = { own: 'operator', peer: 'operator', other: 'someone' };
  const identify = (ownToken: () => Promise<string>) =>
    createReplicaIdentifier({
      review: (text) => Promise.resolve({ ...token('op'), username: names[text] ?? '' }),
      ownToken,
    });

  test('of the same service account is let in', async () => {
    await identify(() => Promise.resolve('own'))('peer');
  });

  test('of another service account is not', async () => {
    await assert.rejects(identify(() => Promise.resolve('own'))('other'), { code: 'PERMISSION_DENIED' });
  });

  test('is told to come later where our own token cannot be read', async () => {
    await assert.rejects(identify(() => Promise.reject(new Error('ENOENT')))('peer'), { code: 'UNAVAILABLE' });
  });
});

function token(podName: string) {
  return {
    username: 'system:serviceaccount:shop:web',
    namespace: 'shop',
    podName,
    podUid: `uid-${podName}`,
    expiresAtMs: 7,
  };
}
