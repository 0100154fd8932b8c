import assert from 'node:assert/strict';
import { suite, type TestContext, test } from 'node:test';
import { caConfigMapObject, podObject, profileObject, tlsSecretObject } from '../../test/support/cluster-objects.ts';
import { type FakeApiServer, startFakeApiServer } from '../../test/support/fake-api-server.ts';
import { createManualTime, eventually } from '../../test/support/manual-time.ts';
import { makePki } from '../../test/support/pki.ts';
import { connectCluster } from '../cluster/connect.ts';
import { silentLog } from '../process/log.ts';
import { translate } from '../translate/translate.ts';
import { createOperatorMetrics } from './metrics.ts';
import { createReconciler } from './reconcile.ts';
import { startWorldWatch } from './world-watch.ts';

const pki = makePki({ nowMs: Date.UTC(2026, 10, 25) });
const secretPath = '/api/v1/namespaces/shop/secrets';
const caller = (name: string, uid = `uid-${name}`) => ({ namespace: 'shop', name, uid, expiresAtMs: 0 });

suite('offers', () => {
  test('nothing is translated before every kind has listed', async (t) => {
    const setup = await start(t, { before: (server) => shop(server) });
    const lift = setup.server.fail({ path: '/api/v1/namespaces', watch: false }, { kind: 'status', status: 500 }, 99);
    setup.open();
    await eventually('the fault', () => setup.watch().faults.some((fault) => fault.includes('500')));
    setup.settle();
    assert.deepEqual([setup.watch().listed, setup.translated()], [false, 0]);
    lift();
    await setup.until('an offer', () => setup.reconciler().offers.size === 1);
  });

  test('a pod is offered the policy of its profile, with the versions of all that it was made of', async (t) => {
    const setup = await start(t, { before: (server) => shop(server) });
    setup.open();
    await setup.until('an offer', () => setup.reconciler().offers.size === 1);
    const offer = setup.reconciler().offerFor(caller('web-1'));
    assert.deepEqual(
      offer?.policy.listeners.map(({ port, profiles }) => [port, profiles.map(({ name }) => name)]),
      [[8443, ['partners']]],
    );
    assert.deepEqual(
      offer?.inputs.map(({ kind, name }) => `${kind} ${name}`),
      ['ConfigMap partner-ca', 'Pod web-1', 'Secret shop-tls', 'SslProfile partners'],
    );
    assert.equal(setup.reconciler().offerFor(caller('web-1', 'uid-of-another')), undefined);
    assert.deepEqual(setup.told, [['shop/web-1']]);
  });

  test('a pod without a profile is offered an empty policy', async (t) => {
    const setup = await start(t, { before: (server) => server.put(podObject({ name: 'web-1' })) });
    setup.open();
    await setup.until('an offer', () => setup.reconciler().offers.size === 1);
    assert.deepEqual(setup.reconciler().offerFor(caller('web-1'))?.policy, { schema: 1, listeners: [], holds: [] });
  });

  test('only referenced Secrets are watched, each by its name, and no longer once nothing names them', async (t) => {
    const setup = await start(t, {
      before: (server) => {
        shop(server);
        server.put(tlsSecretObject(pki.server, 'others'));
      },
    });
    setup.open();
    await setup.until('an offer', () => setup.reconciler().offers.size === 1);
    const lists = setup.server.requests.filter(({ path, isWatch }) => path === secretPath && !isWatch);
    assert.deepEqual(
      lists.map(({ query }) => query['fieldSelector']),
      ['metadata.name=shop-tls'],
    );
    setup.server.remove('/apis/lychgate.dev/v1alpha1/namespaces/shop/sslprofiles/partners');
    await setup.until('the watch to close', () => !setup.server.watches.some((path) => path.startsWith(secretPath)));
    assert.equal(setup.reconciler().offerFor(caller('web-1'))?.policy.listeners.length, 0);
  });

  test('a Secret that cannot be listed is unknown: no offer where there was none', async (t) => {
    const setup = await start(t, { before: (server) => shop(server) });
    const lift = setup.server.fail({ path: secretPath }, { kind: 'status', status: 403, reason: 'Forbidden' }, 99);
    setup.open();
    await setup.until('the translation', () => resolvedRefs(setup) === 'Unknown RefUnknown');
    assert.equal(setup.reconciler().offers.size, 0);
    lift();
    await setup.until('an offer', () => setup.reconciler().offers.size === 1);
  });

  test('where a new reference is unknown, the offer of before stays', async (t) => {
    const setup = await start(t, { before: (server) => shop(server) });
    setup.open();
    await setup.until('an offer', () => setup.reconciler().offers.size === 1);
    const before = setup.reconciler().offerFor(caller('web-1'));
    setup.server.fail(
      { path: '/api/v1/namespaces/shop/configmaps' },
      { kind: 'status', status: 403, reason: 'Forbidden' },
      99,
    );
    const trustedClientCertificates = [{ kind: 'ConfigMap', name: 'new-ca' }];
    setup.server.put(profileObject({ generation: 2, spec: { trustedClientCertificates } }));
    await setup.until('the translation', () => resolvedRefs(setup) === 'Unknown RefUnknown');
    assert.equal(setup.reconciler().offerFor(caller('web-1')), before);
    assert.deepEqual(setup.told, [['shop/web-1']]);
  });

  test('a Secret that goes is a fault: the profile is held; a CA that goes is a withdrawal', async (t) => {
    const setup = await start(t, { before: (server) => shop(server) });
    setup.open();
    await setup.until('an offer', () => setup.reconciler().offers.size === 1);
    setup.server.remove(`${secretPath}/shop-tls`);
    const holds = () => setup.reconciler().offerFor(caller('web-1'))?.policy.holds ?? [];
    await setup.until('the hold', () => holds().length === 1);
    assert.equal(holds()[0]?.trustedCas?.length, 1);
    setup.server.remove('/api/v1/namespaces/shop/configmaps/partner-ca');
    await setup.until('the withdrawal', () => holds()[0]?.trustedCas?.length === 0);
  });

  test('a pod keeps its offer while it ends, and its stream ends when it is gone', async (t) => {
    const setup = await start(t, { before: (server) => shop(server) });
    setup.open();
    await setup.until('an offer', () => setup.reconciler().offers.size === 1);
    setup.server.put(podObject({ name: 'web-1', deletionTimestamp: '2026-11-25T00:00:00Z' }));
    await setup.until('the end', () =>
      [...setup.watch().views().values()].some(({ pods }) => pods.some(({ phase }) => phase === 'Terminating')),
    );
    assert.notEqual(setup.reconciler().offerFor(caller('web-1')), undefined);
    assert.deepEqual(setup.gone, []);
    setup.server.remove('/api/v1/namespaces/shop/pods/web-1');
    await setup.until('its end', () => setup.gone.length === 1);
    assert.deepEqual([setup.gone, setup.reconciler().offers.size], [['uid-web-1'], 0]);
  });

  test('a pod of the same name that was made anew has an offer of its own', async (t) => {
    const setup = await start(t, { before: (server) => shop(server) });
    setup.open();
    await setup.until('an offer', () => setup.reconciler().offers.size === 1);
    setup.server.remove('/api/v1/namespaces/shop/pods/web-1');
    setup.server.put(podObject({ name: 'web-1', uid: 'second' }));
    await setup.until('the new offer', () => setup.reconciler().offerFor(caller('web-1', 'second')) !== undefined);
    assert.deepEqual([setup.gone, setup.reconciler().offerFor(caller('web-1'))], [['uid-web-1'], undefined]);
  });

  test('an equal policy is told to nobody', async (t) => {
    const setup = await start(t, { before: (server) => shop(server) });
    setup.open();
    await setup.until('an offer', () => setup.reconciler().offers.size === 1);
    const before = setup.reconciler().offers.get('shop/web-1');
    const translated = setup.translated();
    setup.server.put({ ...profileObject({}), status: { observedGeneration: 1 } });
    await setup.until('the translation', () => setup.translated() > translated);
    const after = setup.reconciler().offers.get('shop/web-1');
    assert.deepEqual([after?.digest, after?.sinceMs], [before?.digest, before?.sinceMs]);
    assert.notDeepEqual(after?.inputs, before?.inputs);
    assert.deepEqual(setup.told, [['shop/web-1']]);
  });

  test('a translation that throws leaves the offers of its namespace, and the other namespaces their own', async (t) => {
    const setup = await start(t, {
      before: (server) => {
        server.put(podObject({ name: 'web-1' }));
        server.put(podObject({ name: 'web-1', namespace: 'bad' }));
      },
      translate: (world) => {
        if (world.pods.some(({ namespace }) => namespace === 'bad')) throw new Error('a bug');
        return translate(world);
      },
    });
    setup.open();
    await setup.until('an offer', () => setup.reconciler().offers.size === 1);
    assert.deepEqual([...setup.reconciler().offers.keys()], ['shop/web-1']);
    const counted = await setup.metrics.translations.get();
    assert.deepEqual(counted.values.map(({ labels, value }) => `${labels.result} ${value}`).toSorted(), [
      'failure 1',
      'success 1',
    ]);
  });
});

test('with namespaces to watch, the others are not looked at, and one that cannot be listed stops no other', async (t) => {
  const setup = await start(t, {
    namespaces: ['shop', 'locked'],
    before: (server) => {
      shop(server);
      server.put(podObject({ name: 'elsewhere', namespace: 'other' }));
    },
  });
  setup.server.fail({ path: /namespaces\/locked\// }, { kind: 'status', status: 403 }, 99);
  setup.open();
  await setup.until('an offer', () => setup.reconciler().offers.size === 1);
  assert.deepEqual([...setup.watch().views().keys()], ['shop']);
  assert.equal(
    setup.server.requests.some(({ path }) => path === '/api/v1/namespaces'),
    false,
  );
  assert.equal(
    setup.watch().faults.every((fault) => fault.includes('locked')),
    true,
  );
});

function shop(server: FakeApiServer): void {
  server.put(profileObject({}));
  server.put(tlsSecretObject(pki.server));
  server.put(caConfigMapObject(pki));
  server.put(podObject({ name: 'web-1' }));
}

function resolvedRefs({ reconciler }: Setup): string {
  const conditions = reconciler().namespaces.get('shop')?.translation.conditions.get('SslProfile shop/partners');
  const condition = conditions?.find(({ type }) => type === 'ResolvedRefs');
  return `${condition?.status} ${condition?.reason}`;
}

type Setup = Awaited<ReturnType<typeof start>>;

interface StartOptions {
  readonly before: (server: FakeApiServer) => void;
  readonly namespaces?: readonly string[];
  readonly translate?: typeof translate;
}

async function start(t: TestContext, options: StartOptions) {
  const server = await startFakeApiServer();
  t.after(() => server.close());
  options.before(server);
  const time = createManualTime(Date.UTC(2026, 10, 25));
  const cluster = connectCluster({
    log: silentLog,
    clock: time.clock,
    random: () => 0.5,
    userAgent: 'test',
    kubeconfig: server.kubeconfig,
    timers: time.timers,
  });
  t.after(() => cluster.close());
  const metrics = createOperatorMetrics('0');
  const told: string[][] = [];
  const gone: string[] = [];
  let translated = 0;
  let opened:
    | { watch: ReturnType<typeof startWorldWatch>; reconciler: ReturnType<typeof createReconciler> }
    | undefined;
  const get = () => {
    assert.ok(opened !== undefined, 'open() has not been called');
    return opened;
  };
  return {
    server,
    metrics,
    told,
    gone,
    translated: () => translated,
    watch: () => get().watch,
    reconciler: () => get().reconciler,
    open() {
      const watch = startWorldWatch({
        cluster,
        namespaces: options.namespaces ?? [],
        onChange: () => reconciler.touch(),
      });
      const reconciler = createReconciler({
        watch,
        clock: time.clock,
        timers: time.timers,
        log: silentLog,
        metrics,
        onPodGone: (uid) => gone.push(uid),
        onTranslated: () => {
          translated++;
        },
        ...(options.translate === undefined ? {} : { translate: options.translate }),
      });
      reconciler.onChange((keys) => told.push([...keys]));
      t.after(() => {
        reconciler.close();
        watch.close();
      });
      opened = { watch, reconciler };
    },
    /** Time enough for every debounce. */
    settle: () => time.advance(1000),
    /** Turns the event loop and lets time pass until it holds. */
    until: (what: string, holds: () => boolean) =>
      eventually(what, () => {
        time.advance(100);
        return holds();
      }),
  };
}
