import assert from 'node:assert/strict';
import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { suite, test } from 'node:test';
import { createLog, type Log, type LogLevel, silentLog } from './log.ts';
import type { LogFields } from './log-fields.ts';

const clock = { wallMs: () => Date.UTC(2026, 10, 25, 12, 0, 0, 7), monotonicMs: () => 0 };
const time = '2026-11-25T12:00:00.007Z';

function capture(level: LogLevel = 'info'): { log: Log; lines: string[] } {
  const lines: string[] = [];
  return { log: createLog({ level, clock, write: (line) => lines.push(line) }), lines };
}

suite('a log line', () => {
  test('is one line of JSON with level, time, fields and message', () => {
    const { log, lines } = capture();
    log.info('started', { port: 8443, tags: ['a', 'b'], none: null, big: 12n });
    assert.deepEqual(lines, [
      `{"level":"info","time":"${time}","port":8443,"tags":["a","b"],"none":null,"big":"12","msg":"started"}\n`,
    ]);
  });

  test('below the level is not written', () => {
    const { log, lines } = capture('warn');
    log.debug('a');
    log.info('b');
    log.warn('c');
    log.error('d');
    assert.deepEqual(
      lines.map((line) => JSON.parse(line).msg),
      ['c', 'd'],
    );
  });

  test('carries the fields of every child above it', () => {
    const { log, lines } = capture();
    log.child({ part: 'proxy', key: 'k' }).child({ port: 1 }).info('x', { a: 1 });
    assert.deepEqual(JSON.parse(lines[0] ?? ''), {
      level: 'info',
      time,
      part: 'proxy',
      key: '[redacted]',
      port: 1,
      a: 1,
      msg: 'x',
    });
  });

  test('cannot be forged by what a client chose', () => {
    const { log, lines } = capture();
    const subject = 'CN=a\n{"level":"info"}\r\u001b[2J\u0085\u009b2K\u2028\u202egood\u200b\ufeff"\\';
    log.info('refused', { subject });
    assert.equal(lines.length, 1);
    assert.match(lines[0] ?? '', /^[\x20-\x7e]*\n$/);
    assert.equal(JSON.parse(lines[0] ?? '').subject, subject);
  });

  test('keeps other letters readable', () => {
    const { log, lines } = capture();
    log.info('ok', { subject: 'CN=Zoë 東京' });
    assert.match(lines[0] ?? '', /CN=Zoë 東京/);
  });

  test('is never thrown out of, and says what could not be printed', () => {
    const { log, lines } = capture();
    const fields: LogFields = {
      get bad(): string {
        throw new Error('no value');
      },
    };
    log.info('event', fields);
    assert.deepEqual(JSON.parse(lines[0] ?? ''), {
      level: 'error',
      time,
      event: 'event',
      msg: 'log line could not be written: Error: no value',
    });
  });

  test('of the silent log is nowhere', () => {
    assert.equal(silentLog.child({}), silentLog);
    assert.equal(silentLog.error('x'), undefined);
  });
});

suite('a log field', () => {
  const { privateKey } = generateKeyPairSync('ed25519');
  const pem = privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();
  const cycle: Record<string, LogFields> = {};
  cycle['again'] = cycle;
  const cases: readonly { readonly name: string; readonly fields: LogFields; readonly want: unknown }[] = [
    {
      name: 'that speaks of a private key is kept',
      fields: { rule: 'the private key does not belong to the certificate' },
      want: { rule: 'the private key does not belong to the certificate' },
    },
    { name: 'with a private key is redacted', fields: { text: `see ${pem}` }, want: { text: '[redacted]' } },
    {
      name: 'with a percent-encoded private key is redacted',
      fields: { text: encodeURIComponent(pem) },
      want: { text: '[redacted]' },
    },
    {
      name: 'with the head of a private key is redacted',
      fields: { text: '-----BEGIN EC PRIVATE KEY-----\nMHcC' },
      want: { text: '[redacted]' },
    },
    {
      name: 'named like a credential is redacted, at any depth',
      fields: {
        secret: { 'tls.key': 'x', 'tls.crt': 'y' },
        a: [{ Authorization: 'Bearer x', token: 'y', password: 'z' }],
      },
      want: { secret: '[redacted]', a: [{ Authorization: '[redacted]', token: '[redacted]', password: '[redacted]' }] },
    },
    {
      name: 'that only counts or tells about a key stays',
      fields: { key: 2048, token: false, secret: null, keyType: 'rsa' },
      want: { key: 2048, token: false, secret: null, keyType: 'rsa' },
    },
    { name: 'of bytes becomes their number', fields: { der: new Uint8Array(3) }, want: { der: '[3 bytes]' } },
    {
      name: 'that is too long is cut, visibly',
      fields: { text: 'a'.repeat(8193) },
      want: { text: `${'a'.repeat(8192)}… (8193 characters)` },
    },
    {
      name: 'that holds itself ends',
      fields: { deep: { a: { b: { c: { d: { e: { f: { g: { h: 1 } } } } } } } } },
      want: { deep: { a: { b: { c: { d: { e: { f: { g: '[too deep]' } } } } } } } },
    },
    { name: 'named __proto__ is left out', fields: JSON.parse('{"__proto__": {"a": 1}, "b": 2}'), want: { b: 2 } },
  ];
  for (const { name, fields, want } of cases) {
    test(name, () => {
      const { log, lines } = capture();
      log.info('x', fields);
      assert.deepEqual(JSON.parse(lines[0] ?? ''), { level: 'info', time, ...Object(want), msg: 'x' });
    });
  }

  test('that is a circle is written to a limited depth', () => {
    const { log, lines } = capture();
    log.info('x', cycle);
    assert.match(lines[0] ?? '', /too deep/);
  });

  test('that is an error shows type, message, code and causes, and no key', () => {
    const { log, lines } = capture();
    let thrown: unknown;
    try {
      createPrivateKey(`${pem}garbage`.slice(0, 60));
    } catch (cause) {
      thrown = new TypeError(`cannot read ${pem}`, { cause });
    }
    assert.ok(thrown instanceof TypeError);
    log.error('x', { err: Object.assign(thrown, { code: 'BAD_KEY' }) });
    const { err } = JSON.parse(lines[0] ?? '');
    assert.deepEqual(
      [err.type, err.message, err.code, err.cause.type],
      ['TypeError', '[redacted]', 'BAD_KEY', 'Error'],
    );
    assert.doesNotMatch(lines[0] ?? '', /PRIVATE KEY/);
  });
});
