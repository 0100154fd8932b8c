import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { after, before, suite, test } from 'node:test';
import { succeed } from '../support/command.ts';
import { startEchoApp } from '../support/echo-app.ts';
import { imageFlags } from '../support/image-flags.ts';
import { openShop, type Shop } from '../support/shop.ts';

const root = join(import.meta.dirname, '..', '..');
const size = 1_073_741_824;
const limitMib = 150;
const block = randomBytes(1_048_576);

/**
 * A GiB each way with curl; the sidecar must not hold more than a fixed part of it. It is started as in the image: the
 * bundle, under the same flags. Linux: reads /proc.
 */
suite('a body of 1 GiB', { skip: process.platform === 'linux' ? false : 'reads /proc' }, () => {
  let shop: Shop;
  let want: string;
  let uploaded: { readonly bytes: number; readonly sha256: string } | undefined;
  before(async () => {
    want = await hashOf(Readable.from(gibibyte())).then(({ sha256 }) => sha256);
    const app = await startEchoApp((request, response) => {
      if (request.method === 'GET') {
        if (request.url === '/length') response.setHeader('content-length', size);
        pipeline(Readable.from(gibibyte()), response).catch(() => undefined);
        return;
      }
      hashOf(request).then(
        (result) => {
          uploaded = result;
          response.end(result.sha256);
        },
        () => response.destroy(),
      );
    });
    await succeed(process.execPath, [join(root, 'build.ts')], { cwd: root });
    shop = await openShop({ app, program: [...imageFlags(), join(root, 'dist', 'sidecar.js')] });
  });
  after(() => shop?.close());

  const curl = (http: string, path: string, more: readonly string[]) =>
    spawn(
      'curl',
      [
        ...['-sSk', '--max-time', '300', `--http${http}`, '--cert', shop.client.chain, '--key', shop.client.key],
        ...[...more, `https://127.0.0.1:${shop.sidecar.port}${path}`],
      ],
      { stdio: ['pipe', 'pipe', 'inherit'] },
    );

  for (const http of ['1.1', '2'] as const) {
    for (const path of ['/length', '/chunked']) {
      test(`HTTP/${http}: is downloaded whole, ${path.slice(1)}, below ${limitMib} MiB`, async (context) => {
        const child = curl(http, path, []);
        child.stdin.end();
        const closed = once(child, 'close');
        assert.deepEqual(await hashOf(child.stdout), { bytes: size, sha256: want });
        await closed;
        assert.equal(child.exitCode, 0);
        memory(context);
      });
    }

    for (const length of [true, false]) {
      test(`HTTP/${http}: is uploaded whole, ${length ? 'with' : 'without'} a length, below ${limitMib} MiB`, async (context) => {
        uploaded = undefined;
        const header = length ? ['-H', `Content-Length: ${size}`, '-H', 'Transfer-Encoding:'] : [];
        const child = curl(http, '/upload', ['-T', '-', '-H', 'Expect:', ...header]);
        const closed = once(child, 'close');
        const answer = new PassThrough();
        child.stdout.pipe(answer);
        await pipeline(Readable.from(gibibyte()), child.stdin);
        await closed;
        assert.equal(child.exitCode, 0);
        assert.deepEqual(uploaded, { bytes: size, sha256: want });
        assert.equal(String(answer.read()), want);
        memory(context);
      });
    }
  }

  function memory(context: { diagnostic(message: string): void }): void {
    const text = readFileSync(`/proc/${shop.sidecar.pid}/status`, 'utf8');
    const mib = Number(/^VmHWM:\s+(\d+) kB$/m.exec(text)?.[1]) / 1024;
    context.diagnostic(`the sidecar's peak so far: ${mib.toFixed(1)} MiB`);
    assert.ok(mib > 20 && mib < limitMib, `${mib} MiB`);
  }
});

/** Never the same MiB twice, so that a lost or doubled part changes the hash. */
function* gibibyte(): Generator<Buffer> {
  for (let i = 0; i < size / block.length; i += 1) {
    const part = Buffer.from(block);
    part.writeUInt32BE(i, 0);
    yield part;
  }
}

async function hashOf(stream: Readable): Promise<{ readonly bytes: number; readonly sha256: string }> {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const chunk of stream) {
    const part = chunk as Buffer;
    hash.update(part);
    bytes += part.length;
  }
  return { bytes, sha256: hash.digest('hex') };
}
