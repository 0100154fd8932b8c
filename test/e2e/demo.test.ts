import assert from 'node:assert/strict';
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import expected from '../../pkg/demo/expected.json' with { type: 'json' };
import { withoutUnsafeVariables } from '../../pkg/process/env.ts';

/** What the demo prints with `-o json`, as far as it is looked at here. */
interface Document {
  readonly asItShouldBe: boolean;
  readonly directory: string;
  readonly gateUrl: string;
  readonly appUrl: string;
  readonly responderUrl: string;
  readonly adminUrl: string;
  readonly rows: readonly {
    readonly client: string;
    readonly status: number | null;
    readonly verdict: string;
    readonly reason: string | null;
    readonly requests: number;
    readonly header: string;
    readonly verification: string | null;
    readonly differences: readonly string[];
  }[];
}

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

suite('lychgate demo --once', () => {
  test('shows every client as it should be, exits 0 and leaves nothing behind', async () => {
    const { code, stdout, stderr } = await demo('--once', '-o', 'json');
    assert.equal(stderr, '');
    const document = parse(stdout);
    assert.deepEqual(
      Object.fromEntries(
        document.rows.map(({ client, status, verdict, reason, requests, header, verification }) => [
          client,
          { status, verdict, reason, requests, header, verification },
        ]),
      ),
      expected,
    );
    assert.deepEqual(
      document.rows.flatMap(({ differences }) => differences),
      [],
    );
    assert.equal(document.asItShouldBe, true);
    assert.equal(code, 0);
    assert.equal(existsSync(document.directory), false);
    await assert.rejects(fetch(document.adminUrl));
    await assert.rejects(fetch(document.appUrl));
    await assert.rejects(fetch(document.responderUrl));
  });

  const all = Object.keys(expected);
  const controls: readonly { readonly control: string; readonly name: string; readonly wrong: readonly string[] }[] = [
    { control: 'good-responder', name: 'a responder that calls everything good', wrong: ['revoked', 'unknown'] },
    { control: 'no-header-rule', name: 'a missing header rule', wrong: ['client', 'delegated', 'forging'] },
    { control: 'pass-through', name: 'a pass-through in place of the gate', wrong: all },
  ];
  for (const { control, name, wrong } of controls) {
    test(`finds ${name}: exits 1 and names exactly the rows that are wrong`, async () => {
      const { code, stdout } = await demo('--once', '--control', control, '-o', 'json');
      const document = parse(stdout);
      assert.deepEqual(
        document.rows.filter(({ differences }) => differences.length > 0).map(({ client }) => client),
        wrong,
      );
      assert.equal(document.asItShouldBe, false);
      assert.equal(code, 1);
    });
  }

  test('as text names the wrong rows and what differs', async () => {
    const { code, stdout } = await demo('--once', '--control', 'no-header-rule');
    assert.match(stdout, /^client +good, says the CA +200 +accepted +– +none +NO$/m);
    assert.match(stdout, /^ {2}client: X-Client-Cert at the application is absent, should be certificate$/m);
    assert.equal(code, 1);
  });
});

suite('lychgate demo refuses', () => {
  let directory: string;
  before(() => {
    directory = mkdtempSync(join(tmpdir(), 'lychgate-demo-test-'));
    writeFileSync(join(directory, 'mine.txt'), 'mine');
  });
  after(() => rmSync(directory, { recursive: true, force: true }));

  test('a named port that is taken', async () => {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    try {
      const address = server.address();
      assert.ok(typeof address === 'object' && address !== null);
      const { code, stdout, stderr } = await demo('--once', '--port', String(address.port));
      assert.equal(stdout, '');
      assert.match(stderr, new RegExp(`^lychgate demo: port ${address.port} for the gate is taken: name another one`));
      assert.equal(code, 1);
    } finally {
      server.close();
    }
  });

  test("a folder with somebody's files in it", async () => {
    const { code, stderr } = await demo('--once', '--dir', directory);
    assert.match(stderr, /is not empty and not an earlier demo's/);
    assert.equal(code, 1);
    assert.equal(readFileSync(join(directory, 'mine.txt'), 'utf8'), 'mine');
    assert.equal(existsSync(join(directory, 'ca.crt')), false);
  });

  test('a gate that does not start, and shows what it wrote', async () => {
    const { code, stderr } = await run(start(['--once'], { LYCHGATE_RUNTIME: '/bin/ls' }));
    assert.match(
      stderr,
      /^lychgate demo: the gate ended with exit code \d\. The end of what it wrote:\n {2}\/bin\/ls: /,
    );
    assert.match(stderr, /^It was started as: \/bin\/ls \S+ --manifests /m);
    assert.equal(code, 1);
  });

  test('a port that is none', async () => {
    const { code, stderr } = await demo('--port', '70000');
    assert.match(stderr, /expected 0 \(any free one\) to 65535/);
    assert.equal(code, 2);
  });
});

suite('while lychgate demo runs', () => {
  let running: ChildProcess;
  let document: Document;
  let ended: Promise<Ended>;
  let directory: string;

  before(async () => {
    directory = join(mkdtempSync(join(tmpdir(), 'lychgate-demo-test-')), 'made');
    running = start(['-o', 'json', '--dir', directory]);
    ended = run(running);
    document = parse(await Promise.race([firstDocument(running), ended.then(({ stderr }) => stderr)]));
  });
  after(async () => {
    // Not SIGKILL: the gate is a child of it.
    running.kill('SIGTERM');
    await ended;
    rmSync(join(directory, '..'), { recursive: true, force: true });
  });

  const file = (name: string) => join(document.directory, name);
  const curl = (client: string, ...more: string[]) =>
    command('curl', [
      ...['-vk', document.gateUrl, '--key', file(`${client}.key`), '--cert', file(`${client}.crt`), ...more],
    ]);

  test('curl -vk with the good certificate reaches the application, which shows X-Client-Cert', async () => {
    const { code, stdout, stderr } = await curl('client');
    assert.equal(code, 0, stderr);
    const pem = readFileSync(file('client.crt'), 'utf8');
    assert.ok(stdout.includes(`\nX-Client-Cert: ${encodeURIComponent(pem)}\n`), stdout);
    assert.match(stdout, /^ {2}Subject +CN=client, O=Lychgate Demo$/m);
  });

  test('a browser gets a page', async () => {
    const { stdout } = await curl('client', '-H', 'Accept: text/html');
    assert.match(stdout, /^<!doctype html>/);
    assert.match(stdout, /<td>CN=client, O=Lychgate Demo<\/td>/);
  });

  test('a rewrite rule changes the path', async () => {
    const { stdout } = await command('curl', [
      ...['-sk', `${document.gateUrl}v1/orders?open=1`, '--key', file('client.key'), '--cert', file('client.crt')],
    ]);
    assert.match(stdout, /^GET \/v2\/orders\?open=1$/m);
  });

  test('curl with the revoked certificate gets 400 and a body that names the reason', async () => {
    const { code, stdout, stderr } = await curl('revoked');
    assert.equal(code, 0, stderr);
    assert.match(stderr, /^< HTTP\/(1\.1|2) 400/m);
    assert.match(
      stdout,
      /^client certificate refused: Revoked \(since \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ, keyCompromise\)$/m,
    );
  });

  const statuses = [
    { client: 'client', want: /client\.crt: good\n/ },
    { client: 'revoked', want: /revoked\.crt: revoked\n[^]*Reason: keyCompromise\n/ },
    { client: 'unknown', want: /unknown\.crt: unknown\n/ },
  ] as const;
  for (const { client, want } of statuses) {
    test(`openssl ocsp says the same of ${client}.crt, and Response verify OK`, async () => {
      const { code, stdout, stderr } = await command('openssl', [
        ...['ocsp', '-issuer', file('ca.crt'), '-cert', file(`${client}.crt`), '-text', '-url', document.responderUrl],
      ]);
      assert.equal(code, 0, stderr);
      assert.match(stderr, /^Response verify OK$/m);
      assert.match(stdout, want);
    });
  }

  test('an interrupt ends the gate too, exits 0, and keeps a folder that was named', async () => {
    running.kill('SIGINT');
    const { code, stderr } = await ended;
    assert.equal(stderr, '');
    assert.equal(code, 0);
    await assert.rejects(fetch(document.adminUrl));
    assert.equal(existsSync(file('client.crt')), true);
  });
});

function start(args: readonly string[], env: Readonly<Record<string, string>> = {}): ChildProcess {
  // Ports that are named on the command line again win over these.
  const ports = ['--port', '--app-port', '--responder-port', '--admin-port'].flatMap((name) => [name, '0']);
  return spawn(process.execPath, [main, 'demo', ...ports, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...withoutUnsafeVariables(process.env), ...env },
  });
}

function demo(...args: string[]): Promise<Ended> {
  return run(start(args));
}

async function run(child: ChildProcess): Promise<Ended> {
  let stdout = '';
  let stderr = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  await once(child, 'close');
  return { code: child.exitCode, stdout, stderr };
}

/** The text up to the end of the first JSON document. */
function firstDocument(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    let text = '';
    child.stdout?.on('data', (part) => {
      text += String(part);
      if (text.endsWith('\n}\n')) resolve(text);
    });
  });
}

function parse(text: string): Document {
  const document: Document = JSON.parse(text);
  return document;
}

function command(program: string, args: readonly string[]): Promise<Ended> {
  return new Promise((resolve) => {
    execFile(program, args, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : null;
      resolve({ code, stdout, stderr });
    });
  });
}

const main = join(import.meta.dirname, '..', '..', 'cmd', 'lychgate', 'main.ts');
