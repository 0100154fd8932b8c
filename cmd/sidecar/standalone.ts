import { folderSignature } from '../../pkg/manifests/files.ts';
import { faultText, loadFolder, type ManifestFault } from '../../pkg/manifests/load.ts';
import { watchFolder } from '../../pkg/manifests/watch.ts';
import type { PodPolicy } from '../../pkg/policy/policy.ts';
import type { Log } from '../../pkg/process/log.ts';
import type { DataPlane } from '../../pkg/proxy/data-plane.ts';
import { translate } from '../../pkg/translate/translate.ts';
import { defaultPort, type Pod, podKey, standalonePod } from '../../pkg/translate/world.ts';
import type { Source } from './source.ts';

/** A folder of manifests, and which of its profiles are for this process. */
export interface StandaloneSource {
  readonly kind: 'standalone';
  readonly folder: string;
  readonly namespace: string | undefined;
  readonly labels: Readonly<Record<string, string>> | undefined;
  /** Of profiles that name none. */
  readonly port: number | undefined;
}

/** A folder that cannot be started from; the message has every fault, a line each. */
export class FolderUnusable extends Error {
  readonly code = 'FOLDER_UNUSABLE';
}

/**
 * Serves what a folder of manifests says, and goes on serving it while it changes: a change that is in order takes
 * effect without a restart, a broken one is logged and what worked stays. @throws FolderUnusable at the start only.
 */
export async function startStandalone(source: StandaloneSource, gate: DataPlane, log: Log): Promise<Source> {
  const { folder, namespace, labels, port = defaultPort } = source;
  const pod = { ...standalonePod, namespace, labels, port };
  const signature = await folderSignature(folder);
  const first = await read(folder, pod);
  const errors = first.faults.filter(({ severity }) => severity === 'error');
  if (errors.length > 0) {
    throw new FolderUnusable(
      `${folder} cannot be served:\n${errors.map((fault) => `  ${faultText(fault)}`).join('\n')}`,
    );
  }
  if (first.policy.listeners.length === 0) {
    throw new FolderUnusable(`${folder} has no SslProfile for this pod; add one, or check --namespace and --labels`);
  }
  report(log, first.faults);
  await gate.apply(first.policy);
  const watch = watchFolder(folder, () => reload(folder, pod, gate, log), { debounceMs: 100, signature });
  return { notReady: () => gate.notReady(), close: () => watch.close() };
}

async function reload(folder: string, pod: Pod, gate: DataPlane, log: Log): Promise<void> {
  try {
    const { policy, faults } = await read(folder, pod);
    report(log, faults);
    if (faults.some(({ severity, object }) => severity === 'error' && object === '')) {
      // What the unreadable part held cannot be told: to go on without it could take down what works.
      log.error('change not applied: the last good configuration serves on', { folder });
      return;
    }
    const before = gate.inForce?.version;
    const { version } = await gate.apply(policy);
    if (version !== before)
      log.info('configuration applied', {
        policy: version,
        held: policy.holds.map(({ namespace, name }) => `${namespace}/${name}`),
      });
  } catch (error) {
    log.error('change not applied: the last good configuration serves on', {
      folder,
      error: error instanceof Error ? error.message : String(error),
    });
  }
}

async function read(
  folder: string,
  pod: Pod,
): Promise<{ readonly policy: PodPolicy; readonly faults: readonly ManifestFault[] }> {
  const loaded = await loadFolder(folder, [pod]);
  const translation = translate(loaded.world);
  return {
    policy: translation.policies.get(podKey(pod)) ?? { schema: 1, listeners: [], holds: [] },
    faults: [...loaded.faults, ...translation.faults.map((fault) => loaded.locate(fault))],
  };
}

function report(log: Log, faults: readonly ManifestFault[]): void {
  for (const { file, line, object, field, message, severity } of faults) {
    const fields = { file, line, object, field, rule: message };
    if (severity === 'error') log.error('manifest fault', fields);
    else log.warn('manifest warning', fields);
  }
}
