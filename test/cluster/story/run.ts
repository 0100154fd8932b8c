import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { succeed } from '../../support/command.ts';
import { root } from '../../support/source-files.ts';
import { startCluster, type TestCluster } from '../cluster.ts';
import { requireHostPrograms } from '../host-programs.ts';
import { buildImage, imageNames, imageValues } from '../images.ts';
import { buildTools, usedTools } from '../tools.ts';
import { admission } from './admission.ts';
import { audit, type Span } from './audit.ts';
import { changes } from './changes.ts';
import { install } from './install.ts';
import { buildNextImage, nextImage } from './next-image.ts';
import { observe } from './observe.ts';
import { outage } from './outage.ts';
import { makeShop, type Shop } from './shop.ts';
import { tell } from './steps.ts';
import { upgrade } from './upgrade.ts';

const help = `usage: npm run test:cluster -- [options]

Builds what is missing, starts a Kubernetes node in namespaces of its own, installs the chart on it and tries what is
promised, a line a step. Needs root. Exits 0 if every step passed.

  --only PATTERN  only the chapters whose name matches, after the first
  --keep          keeps the node's folder with its logs
  --help          this text
`;

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      only: { type: 'string', default: '' },
      keep: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false, short: 'h' },
    },
  });
  if (values.help) {
    process.stdout.write(help);
    return 0;
  }
  await requireHostPrograms(print);
  await buildTools(usedTools, print);
  const begun = performance.now();
  const part = (name: string) => print(`${name} (${((performance.now() - begun) / 1000).toFixed(0)} s)`);
  const folder = mkdtempSync(join(tmpdir(), 'lychgate-story-'));
  await succeed(process.execPath, ['build.ts'], { cwd: root });
  const images = [await buildImage('app', print), await buildImage('lychgate', print), await buildNextImage(print)];
  part('images');
  const cluster = await startCluster({ images, keep: values.keep, log: print });
  part('node');
  try {
    const shop = await makeShop(cluster, folder, imageNames.app);
    const responder = startResponder(shop);
    const chart = join(root, 'charts/lychgate');
    const release = { chart, values: imageValues(imageNames.lychgate) };
    const next = { chart, values: imageValues(nextImage) };
    const denied: Span[] = [];
    const all = [
      changes(shop, denied),
      admission(shop, release),
      outage(shop),
      observe(shop, chart),
      audit(cluster, denied),
      upgrade(shop, release, next),
    ];
    const only = new RegExp(values.only, 'i');
    const chapters = [install(shop, release), ...all.filter(({ name }) => only.test(name))];
    const { passed, failed } = await tell(chapters, print, () => explain(cluster));
    await responder.stop('SIGKILL');
    part('\nall');
    print(`\n${passed} passed, ${failed} failed`);
    return failed === 0 ? 0 : 1;
  } finally {
    await cluster.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** `openssl ocsp` for the clients' CA, where pods reach it. */
function startResponder({ cluster, ca, responder, ocspUrl }: Shop) {
  const running = cluster.serve('openssl', [
    ...['ocsp', '-index', ca.index, '-CA', ca.crt, '-rsigner', responder.crt, '-rkey', responder.key],
    ...['-port', new URL(ocspUrl).port, '-nmin', '5', '-ignore_err'],
  ]);
  running.process.stdout.resume();
  running.process.stderr.resume();
  return running;
}

/** What helps to find out why a step failed. */
async function explain(cluster: TestCluster): Promise<void> {
  const look = async (title: string, args: readonly string[]) => {
    const { stdout, stderr } = await cluster.run('kubectl', args);
    print(`      -- ${title}\n${`${stdout}${stderr}`.trimEnd().replace(/^/gm, '      ')}`);
  };
  await look('pods', ['get', 'pods', '-A', '-o', 'wide']);
  await look('profiles', ['-n', 'shop', 'get', 'sslp,rws', '-o', 'yaml']);
  await look('events', ['get', 'events', '-A', '--sort-by=.lastTimestamp', '-o', 'wide']);
  await look('operators', [
    ...['-n', 'lychgate-system', 'logs', '-l', 'app.kubernetes.io/component=operator', '--tail=30', '--prefix'],
  ]);
  await look('sidecars', ['-n', 'shop', 'logs', '-l', 'app=shop', '-c', 'lychgate', '--tail=15', '--prefix']);
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

process.exit(await main());
