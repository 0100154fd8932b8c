import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { podSettings, readInjectLabel, readPodSettings } from './pod-settings.ts';
import { quantityNano } from './quantity.ts';

suite('pod annotations', () => {
  test('without any, the ports are the well-known ones and everything else is left to the operator', () => {
    assert.deepEqual(readPodSettings({ 'example.com/port': 'x' }), {
      settings: {
        port: 8443,
        adminPort: 9844,
        probePort: 9845,
        logLevel: undefined,
        audit: undefined,
        cpuRequest: undefined,
        cpuLimit: undefined,
        memoryRequest: undefined,
        memoryLimit: undefined,
        readyWithoutPolicy: false,
        shutdownTimeoutMs: undefined,
        maxConnections: undefined,
        workers: undefined,
        image: undefined,
        imagePullSecret: undefined,
      },
      faults: [],
      warnings: [],
    });
  });

  test('each is read', () => {
    const { settings, faults, warnings } = readPodSettings({
      'lychgate.dev/port': '9443',
      'lychgate.dev/admin-port': '1024',
      'lychgate.dev/probe-port': '65535',
      'lychgate.dev/log-level': 'debug',
      'lychgate.dev/audit': 'all',
      'lychgate.dev/cpu-request': '0.25',
      'lychgate.dev/cpu-limit': '1',
      'lychgate.dev/memory-request': '64Mi',
      'lychgate.dev/memory-limit': '1e9',
      'lychgate.dev/ready-without-policy': 'true',
      'lychgate.dev/shutdown-timeout': '1m30s',
      'lychgate.dev/max-connections': '0',
      'lychgate.dev/workers': 'auto',
      'lychgate.dev/image': 'registry.example.com:5000/lychgate@sha256:0123',
      'lychgate.dev/image-pull-secret': 'pull.secret',
      'lychgate.dev/injected-version': '0.1.0',
    });
    assert.deepEqual([faults, warnings], [[], []]);
    assert.deepEqual(settings, {
      port: 9443,
      adminPort: 1024,
      probePort: 65_535,
      logLevel: 'debug',
      audit: 'all',
      cpuRequest: '0.25',
      cpuLimit: '1',
      memoryRequest: '64Mi',
      memoryLimit: '1e9',
      readyWithoutPolicy: true,
      shutdownTimeoutMs: 90_000,
      maxConnections: 0,
      workers: 'auto',
      image: 'registry.example.com:5000/lychgate@sha256:0123',
      imagePullSecret: 'pull.secret',
    });
  });

  const illegal: Readonly<Record<string, readonly string[]>> = {
    port: ['', '1023', '65536', '08443', '8443 ', '8443.0', '-1', '0x2000'],
    'admin-port': ['80'],
    'probe-port': ['http'],
    'log-level': ['verbose', 'INFO', ''],
    audit: ['none'],
    'cpu-request': ['-1', '0', '1 ', '1,5', '100Mm', '.', '1e', 'Infinity', '1'.repeat(40)],
    'cpu-limit': ['1m'],
    // A lower-case m is thousandths of a byte: Kubernetes takes it, and no container starts with it.
    'memory-request': ['128m', '63Mi'],
    'memory-limit': ['256'],
    'ready-without-policy': ['yes', 'True', ''],
    'shutdown-timeout': ['25', '0s', '999ms', '61m', '-1s'],
    'max-connections': ['-1', '1000001', 'none'],
    workers: ['0', '65', '1.5', 'Auto', ''],
    image: ['', ' lychgate', 'a b', `a${'b'.repeat(512)}`, '$(IMAGE)'],
    'image-pull-secret': ['', 'Upper', 'a_b', '-a', 'a.', 'a'.repeat(254)],
  };
  for (const [name, values] of Object.entries(illegal)) {
    for (const value of values) {
      test(`${name}: ${JSON.stringify(value.slice(0, 30))} is illegal, and the message has the legal values`, () => {
        const annotation = `lychgate.dev/${name}`;
        const setting = Object.values(podSettings).find((one) => one.annotation === annotation);
        assert.ok(setting);
        const { faults } = readPodSettings({ [annotation]: value });
        assert.equal(faults.length, 1);
        const [fault = ''] = faults;
        assert.ok(fault.startsWith(`annotation ${annotation} is "`), fault);
        assert.ok(fault.endsWith(`; legal: ${setting.values}`), fault);
      });
    }
  }

  test('two ports of the same number are a fault, against a default too', () => {
    assert.deepEqual(readPodSettings({ 'lychgate.dev/port': '9845' }).faults, [
      'annotations lychgate.dev/port and lychgate.dev/probe-port are both 9845; give them different ports',
    ]);
  });

  test('every fault is told at once', () => {
    assert.equal(readPodSettings({ 'lychgate.dev/port': 'x', 'lychgate.dev/audit': 'y' }).faults.length, 2);
  });

  const unknown = [
    ['lychgate.dev/ports', 'annotation "lychgate.dev/ports" means nothing; did you mean lychgate.dev/port?'],
    ['lychgate.dev/loglevel', 'annotation "lychgate.dev/loglevel" means nothing; did you mean lychgate.dev/log-level?'],
    ['lychgate.dev/inject', 'annotation lychgate.dev/inject means nothing; it is a label'],
  ] as const;
  for (const [name, message] of unknown) {
    test(`${name} is warned about`, () => assert.deepEqual(readPodSettings({ [name]: 'x' }).warnings, [message]));
  }

  test('an unknown one that resembles nothing lists what is known', () => {
    assert.match(readPodSettings({ 'lychgate.dev/something-else': '' }).warnings.join(), /known: lychgate\.dev\/port,/);
  });
});

suite('the label lychgate.dev/inject', () => {
  const cases = [
    [undefined, 'absent'],
    ['true', 'asked'],
    ['false', 'declined'],
    ['', 'illegal'],
    ['enabled', 'illegal'],
    ['True', 'illegal'],
  ] as const;
  for (const [value, kind] of cases) {
    test(`${value === undefined ? 'none' : JSON.stringify(value)} is ${kind}`, () => {
      assert.equal(readInjectLabel(value === undefined ? {} : { 'lychgate.dev/inject': value }).kind, kind);
    });
  }

  test('an illegal value names the legal ones', () => {
    assert.deepEqual(readInjectLabel({ 'lychgate.dev/inject': 'enabled' }), {
      kind: 'illegal',
      message: 'label lychgate.dev/inject is "enabled"; legal: "true", "false"',
    });
  });
});

suite('quantities', () => {
  const cases = [
    ['1', 1_000_000_000n],
    ['100m', 100_000_000n],
    ['0.1', 100_000_000n],
    ['.5', 500_000_000n],
    ['5.', 5_000_000_000n],
    ['+1k', 1_000_000_000_000n],
    ['1Ki', 1_024_000_000_000n],
    ['1.5Gi', 1_610_612_736_000_000_000n],
    ['1e3', 1_000_000_000_000n],
    ['1E3', 1_000_000_000_000n],
    ['2E', 2_000_000_000_000_000_000_000_000_000n],
    ['15e-1', 1_500_000_000n],
    ['1n', 1n],
    ['0.1n', 1n],
    ['1u', 1000n],
    ['', undefined],
    ['.', undefined],
    ['m', undefined],
    ['-1', undefined],
    ['1ki', undefined],
    ['1KI', undefined],
    ['1 Gi', undefined],
    ['1e', undefined],
  ] as const;
  for (const [text, nano] of cases) {
    test(`"${text}" is ${nano === undefined ? 'none' : `${nano} billionths`}`, () =>
      assert.equal(quantityNano(text), nano));
  }
});
