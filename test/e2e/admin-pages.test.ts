import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, suite, test } from 'node:test';
import { command } from '../support/command.ts';
import { curl } from '../support/curl.ts';
import { openShop, type Shop } from '../support/shop.ts';
import { until } from '../support/until.ts';

suite('on the admin port', () => {
  let shop: Shop;
  before(async () => {
    shop = await openShop();
  });
  after(() => shop?.close());

  test('/livez and /readyz say that all is well', async () => {
    assert.deepEqual(await shop.sidecar.admin('/livez'), { status: 200, body: 'alive\n' });
    assert.deepEqual(await shop.sidecar.admin('/readyz'), { status: 200, body: 'ready\n' });
  });

  test('/config shows the policy in force without a private key', async () => {
    const { status, body } = await shop.sidecar.admin('/config');
    assert.equal(status, 200);
    const { version, policy } = JSON.parse(body) as { version: string; policy: { listeners: { port: number }[] } };
    assert.match(version, /^[0-9a-f]{64}$/);
    assert.deepEqual(
      policy.listeners.map(({ port }) => port),
      [shop.sidecar.port],
    );
    const key = readFileSync(shop.server.key, 'utf8');
    assert.doesNotMatch(body, /PRIVATE KEY/);
    for (const line of key.split('\n').filter((text) => /^[A-Za-z0-9+/=]{20,}$/.test(text))) {
      assert.ok(!body.includes(line), 'a line of the private key');
    }
  });

  test('series move as they should', async () => {
    const unknown = await shop.ca.issue('unknown', { ocspUrl: shop.ocspUrl, listed: false });
    const count = (series: string) => shop.sidecar.metric(`lychgate_proxy_${series}`);
    const series = [
      'requests_total{profile="shop/partners",protocol="HTTP/1.1",code_class="2xx"}',
      'requests_total{profile="shop/partners",protocol="HTTP/2.0",code_class="2xx"}',
      'requests_total{profile="shop/partners",protocol="HTTP/1.1",code_class="4xx"}',
      'client_certificate_rejections_total{profile="shop/partners",reason="NoCertificate"}',
      'client_certificate_rejections_total{profile="shop/partners",reason="RevocationUnknown"}',
      'tls_handshakes_total{result="completed",version="TLSv1.3"}',
      'ocsp_answers_total{result="good",reason="",cached="false"}',
      'ocsp_answers_total{result="good",reason="",cached="true"}',
      'ocsp_answers_total{result="unknown",reason="",cached="false"}',
      'request_duration_seconds_count{profile="shop/partners"}',
    ];
    const before = await Promise.all(series.map(count));
    await curl(shop.sidecar.port, { client: shop.client });
    await curl(shop.sidecar.port, { client: shop.client, http: '2' });
    await curl(shop.sidecar.port);
    await curl(shop.sidecar.port, { client: unknown });
    const moved = await until(async () => {
      const now = await Promise.all(series.map(count));
      const difference = now.map((value, i) => value - (before[i] ?? 0));
      return difference.at(-1) === 4 ? difference : undefined;
    }, 'four requests counted');
    assert.deepEqual(
      Object.fromEntries(series.map((name, i) => [name, moved[i]])),
      Object.fromEntries(series.map((name, i) => [name, [1, 1, 2, 1, 1, 4, 1, 1, 1, 4][i]])),
    );
    assert.equal(await count('connections{protocol="http/1.1"}'), 0);
    assert.equal(await count('backend_exposed{profile="shop/partners"}'), 0);
  });

  test('/metrics is clean to promtool', async (context) => {
    const { body } = await shop.sidecar.admin('/metrics');
    let result: Awaited<ReturnType<typeof command>>;
    try {
      result = await command('promtool', ['check', 'metrics'], { input: body });
    } catch {
      context.diagnostic('promtool is not installed (Debian: prometheus); .ci/run installs it');
      context.skip('promtool is not installed');
      return;
    }
    assert.deepEqual(result, { code: 0, stdout: '', stderr: '' });
  });

  test('/metrics in OpenMetrics form ends with # EOF', async () => {
    const { body } = await shop.sidecar.admin('/metrics', 'application/openmetrics-text');
    assert.match(body, /\n# EOF\n$/);
  });

  test('nothing of a client is a label', async () => {
    const { body } = await shop.sidecar.admin('/metrics');
    assert.doesNotMatch(body, /CN=|127\.0\.0\.1|localhost|\/over/);
  });
});
