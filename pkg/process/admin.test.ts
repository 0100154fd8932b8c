import assert from 'node:assert/strict';
import { request } from 'node:http';
import { connect } from 'node:net';
import { networkInterfaces } from 'node:os';
import { after, before, suite, test } from 'node:test';
import { Counter, Registry } from 'prom-client';
import { type Admin, AdminListenFailed, startAdmin } from './admin.ts';
import { createLog, silentLog } from './log.ts';

interface Answer {
  readonly status: number;
  readonly type: string | undefined;
  readonly body: string;
}

function ask(
  port: number,
  path: string,
  options: { method?: string; headers?: Record<string, string>; host?: string } = {},
): Promise<Answer & { readonly headers: NodeJS.Dict<string | string[]> }> {
  return new Promise((resolve, reject) => {
    const asked = request(
      { host: options.host ?? '127.0.0.1', port, path, agent: false, ...pick(options) },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            type: response.headers['content-type'],
            body: Buffer.concat(chunks).toString(),
            headers: response.headers,
          }),
        );
      },
    );
    asked.on('error', reject);
    asked.end();
  });
}

function pick({ method, headers }: { method?: string; headers?: Record<string, string> }): {
  method?: string;
  headers?: Record<string, string>;
} {
  return { ...(method === undefined ? {} : { method }), ...(headers === undefined ? {} : { headers }) };
}

const text = 'text/plain; charset=utf-8';

suite('the admin port', () => {
  const state = { alive: [] as string[], ready: [] as string[] };
  const logged: string[] = [];
  let admin: Admin;
  before(async () => {
    const registry = new Registry();
    new Counter({ name: 'lychgate_things_total', help: 'Things.', registers: [registry] }).inc(2);
    admin = await startAdmin({
      port: 0,
      registry,
      alive: () => state.alive,
      ready: () => {
        if (state.ready.includes('throw')) throw new Error('no policy object');
        return state.ready;
      },
      config: () => ({ listeners: [{ port: 8443, key: '[redacted]' }] }),
      log: createLog({
        level: 'info',
        clock: { wallMs: () => 0, monotonicMs: () => 0 },
        write: (line) => logged.push(JSON.parse(line).err.message),
      }),
    });
  });
  after(() => admin.close());

  const prometheus = 'text/plain; version=0.0.4; charset=utf-8';
  const openMetrics = 'application/openmetrics-text; version=1.0.0; charset=utf-8';
  const plainText =
    '# HELP lychgate_things_total Things.\n# TYPE lychgate_things_total counter\nlychgate_things_total 2\n';
  const openText = '# HELP lychgate_things Things.\n# TYPE lychgate_things counter\nlychgate_things_total 2\n# EOF\n';
  const config = `${JSON.stringify({ listeners: [{ port: 8443, key: '[redacted]' }] }, undefined, 2)}\n`;
  const notFound = 'not found: the pages are /livez, /readyz, /metrics and /config\n';
  const forbidden = 'only for loopback: kubectl port-forward to the admin port, then ask 127.0.0.1\n';

  const cases: readonly {
    readonly name: string;
    readonly path: string;
    readonly method?: string;
    readonly headers?: Record<string, string>;
    readonly alive?: string[];
    readonly ready?: string[];
    readonly want: Answer;
  }[] = [
    { name: 'says that it is alive', path: '/livez', want: { status: 200, type: text, body: 'alive\n' } },
    {
      name: 'says why it should be restarted',
      path: '/livez',
      alive: ['the log is stuck'],
      want: { status: 503, type: text, body: 'not alive:\n- the log is stuck\n' },
    },
    { name: 'says that it is ready', path: '/readyz', want: { status: 200, type: text, body: 'ready\n' } },
    { name: 'ignores a query', path: '/readyz?verbose', want: { status: 200, type: text, body: 'ready\n' } },
    {
      name: 'says every reason why it is not ready',
      path: '/readyz',
      ready: ['no policy yet', 'port 8443 is taken'],
      want: { status: 503, type: text, body: 'not ready:\n- no policy yet\n- port 8443 is taken\n' },
    },
    {
      name: 'is not ready when the question itself fails',
      path: '/readyz',
      ready: ['throw'],
      want: { status: 500, type: text, body: 'the page could not be made; the log says why\n' },
    },
    {
      name: 'answers HEAD without a body',
      path: '/readyz',
      method: 'HEAD',
      want: { status: 200, type: text, body: '' },
    },
    { name: 'gives Prometheus text', path: '/metrics', want: { status: 200, type: prometheus, body: plainText } },
    {
      name: 'gives OpenMetrics where that is preferred, as Prometheus 3 asks',
      path: '/metrics',
      headers: {
        accept:
          'application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,text/plain;version=0.0.4;q=0.5,*/*;q=0.1',
      },
      want: { status: 200, type: openMetrics, body: openText },
    },
    {
      name: 'gives Prometheus text again after OpenMetrics, with the same names',
      path: '/metrics',
      headers: { accept: 'text/plain' },
      want: { status: 200, type: prometheus, body: plainText },
    },
    {
      name: 'gives Prometheus text where OpenMetrics is refused',
      path: '/metrics',
      headers: { accept: 'application/openmetrics-text;q=0' },
      want: { status: 200, type: prometheus, body: plainText },
    },
    {
      name: 'shows the configuration on loopback',
      path: '/config',
      want: { status: 200, type: 'application/json', body: config },
    },
    {
      name: 'shows the configuration under the name localhost',
      path: '/config',
      headers: { host: 'LOCALHOST:9844' },
      want: { status: 200, type: 'application/json', body: config },
    },
    {
      name: 'shows the configuration on the IPv6 loopback',
      path: '/config',
      headers: { host: '[::1]:9844' },
      want: { status: 200, type: 'application/json', body: config },
    },
    {
      name: 'hides the configuration from a page that rebound its own name to loopback',
      path: '/config',
      headers: { host: 'localhost.evil.example:9844' },
      want: { status: 403, type: text, body: forbidden },
    },
    {
      name: 'takes no other method',
      path: '/readyz',
      method: 'POST',
      want: { status: 405, type: text, body: 'only GET and HEAD\n' },
    },
    { name: 'has no other page', path: '/', want: { status: 404, type: text, body: notFound } },
    { name: 'has no page by prefix', path: '/config/', want: { status: 404, type: text, body: notFound } },
    { name: 'decodes no path', path: '/%63onfig', want: { status: 404, type: text, body: notFound } },
    {
      name: 'has no page for an absolute address',
      path: 'http://x/config',
      want: { status: 404, type: text, body: notFound },
    },
  ];
  for (const { name, path, alive = [], ready = [], want, ...options } of cases) {
    test(name, async () => {
      state.alive = alive;
      state.ready = ready;
      const { status, type, body } = await ask(admin.port, path, options);
      assert.deepEqual({ status, type, body }, want);
    });
  }

  test('logs a page that failed', () => assert.deepEqual(logged, ['no policy object']));

  test('names the methods it takes, and forbids caching and sniffing', async () => {
    const { headers } = await ask(admin.port, '/livez', { method: 'DELETE' });
    assert.deepEqual(
      [headers['allow'], headers['cache-control'], headers['x-content-type-options']],
      ['GET, HEAD', 'no-store', 'nosniff'],
    );
  });

  const outside = Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .find(({ family, internal }) => family === 'IPv4' && !internal)?.address;
  test('hides the configuration from every address but loopback', {
    skip: outside === undefined ? 'no other address' : false,
  }, async () => {
    const { status, body } = await ask(admin.port, '/config', { host: outside ?? '', headers: { host: '127.0.0.1' } });
    assert.deepEqual({ status, body }, { status: 403, body: forbidden });
    assert.equal((await ask(admin.port, '/livez', { host: outside ?? '' })).status, 200);
  });

  test('lets a new question in while others hold every connection', async () => {
    const held = await Promise.all(
      Array.from(
        { length: 80 },
        () =>
          new Promise<ReturnType<typeof connect>>((resolve) => {
            const socket = connect(admin.port, '127.0.0.1', () => resolve(socket));
            socket.on('error', () => undefined);
          }),
      ),
    );
    state.alive = [];
    assert.equal((await ask(admin.port, '/livez')).status, 200);
    for (const socket of held) socket.destroy();
  });

  test('that is taken is refused with its address', async () => {
    const options = { registry: new Registry(), alive: () => [], ready: () => [], config: () => ({}), log: silentLog };
    await assert.rejects(startAdmin({ ...options, host: '127.0.0.1', port: admin.port }), (error: unknown) => {
      assert.ok(error instanceof AdminListenFailed);
      assert.equal(error.code, 'ADMIN_LISTEN_FAILED');
      assert.match(
        error.message,
        new RegExp(`^admin port cannot be opened on 127\\.0\\.0\\.1, port ${admin.port}: .*EADDRINUSE`),
      );
      return true;
    });
  });
});
