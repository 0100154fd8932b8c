import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { ProbesUnreadable, parseProbes } from './probe.ts';

suite('the list of probes', () => {
  test('is read as it was written', () => {
    const probes = [
      {
        id: 'app/readiness',
        timeoutMs: 1000,
        kind: 'httpGet',
        port: 8080,
        scheme: 'HTTP',
        path: '/healthz?full=1',
        host: 'shop.example.test',
        headers: [{ name: 'X-Probe', value: 'yes; please' }],
      },
      { id: 'app/preStop', timeoutMs: 30_000, secret: 'abcdefghijklmnop', kind: 'tcpSocket', port: 1 },
      { id: 'db-0/startup', timeoutMs: 5000, kind: 'grpc', port: 65_535, service: '' },
    ];
    assert.deepEqual(parseProbes(JSON.stringify(probes)), probes);
  });

  const good = { id: 'app/liveness', timeoutMs: 1000, kind: 'tcpSocket', port: 80 };
  const http = { ...good, kind: 'httpGet', scheme: 'HTTP', path: '/', headers: [] };
  const faults: readonly (readonly [name: string, value: unknown, message: RegExp])[] = [
    ['no list', {}, /the whole: .*array/],
    ['a kind that nobody knows', [{ ...good, kind: 'exec' }], /0\.kind/],
    ['a field that nobody knows', [{ ...good, tls: true }], /Unrecognized key: "tls"/],
    ['a named port', [{ ...good, port: 'http' }], /0\.port/],
    ['port 0', [{ ...good, port: 0 }], /0\.port/],
    ['an id that leads elsewhere', [{ ...good, id: 'app/../readiness' }], /0\.id: is not of the form/],
    ['an id of another kind', [{ ...good, id: 'app/metrics' }], /0\.id: is not of the form/],
    ['two probes of one id', [good, good], /two probes have the same id/],
    ['no time at all', [{ ...good, timeoutMs: 0 }], /0\.timeoutMs/],
    ['a short secret', [{ ...good, secret: 'abc' }], /0\.secret/],
    ['a path with a line feed', [{ ...http, path: '/a\r\nX: y' }], /0\.path/],
    ['a path without a slash', [{ ...http, path: 'a' }], /0\.path/],
    ['a host with a path', [{ ...http, host: 'a/b' }], /0\.host/],
    ['a header name with a colon', [{ ...http, headers: [{ name: 'A:', value: '' }] }], /0\.headers\.0\.name/],
    [
      'a header value with a line feed',
      [{ ...http, headers: [{ name: 'A', value: 'b\r\nC: d' }] }],
      /headers\.0\.value/,
    ],
    ['a scheme in small letters', [{ ...http, scheme: 'http' }], /0\.scheme/],
  ];
  for (const [name, value, message] of faults) {
    test(`is refused with ${name}`, () => {
      assert.throws(
        () => parseProbes(JSON.stringify(value)),
        (error) => error instanceof ProbesUnreadable && message.test(error.message),
      );
    });
  }

  test('is refused where it is no JSON', () => {
    assert.throws(() => parseProbes('['), /the list of probes is not JSON/);
  });
});
