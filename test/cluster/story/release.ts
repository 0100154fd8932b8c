import type { TestCluster } from '../cluster.ts';

/** What helm installs: a chart and the images in the node. */
export interface Release {
  /** Folder of the chart. */
  readonly chart: string;
  /** `--set` and what follows it. */
  readonly values: readonly string[];
}

/** Runs helm inside the node. @throws with what it said. */
export async function helm(cluster: TestCluster, args: readonly string[], program = 'helm'): Promise<string> {
  const { code, stdout, stderr } = await cluster.run(program, args, { timeoutMs: 180_000 });
  if (code !== 0) throw new Error(`${program} ${args.join(' ')}: exit code ${code}: ${stderr}`);
  return stdout;
}

/** Restarts every operator replica and waits until the new ones are ready. */
export async function restartOperators(cluster: TestCluster): Promise<void> {
  await cluster.kubectl(['-n', 'lychgate-system', 'rollout', 'restart', 'deployment/lychgate']);
  await operatorsReady(cluster);
}

export async function operatorsReady(cluster: TestCluster): Promise<void> {
  await cluster.kubectl(['-n', 'lychgate-system', 'rollout', 'status', 'deployment/lychgate', '--timeout=120s'], {
    timeoutMs: 130_000,
  });
}

/** Sets the number of operator replicas and waits for it; 0 waits until the last one is gone. */
export async function scaleOperators(cluster: TestCluster, replicas: number): Promise<void> {
  await cluster.kubectl(['-n', 'lychgate-system', 'scale', 'deployment/lychgate', `--replicas=${replicas}`]);
  if (replicas > 0) return operatorsReady(cluster);
  await cluster.kubectl([
    ...['-n', 'lychgate-system', 'wait', '--for=delete', 'pod', '-l', 'app.kubernetes.io/component=operator'],
    '--timeout=60s',
  ]);
}
