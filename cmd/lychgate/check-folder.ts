import { dirname } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { isRecord } from '../../pkg/api/raw.ts';
import { FolderUnreadable } from '../../pkg/manifests/files.ts';
import { faultText, loadFolder } from '../../pkg/manifests/load.ts';
import { readObject } from '../../pkg/manifests/objects.ts';
import { type Files, indexFiles } from '../../pkg/translate/references.ts';
import { translate } from '../../pkg/translate/translate.ts';
import { resourceKey } from '../../pkg/translate/world.ts';
import { UsageFault } from './usage-fault.ts';

/** What `kubectl apply` of a profile's folder would mean for the profile. */
export interface ProfileFolder {
  readonly namespace: string;
  /** Secrets and ConfigMaps of the folder, by which its references are resolved. */
  readonly files: Files;
  /** Of the profile and the rewrite sets it names, and of files that cannot be read; a line each. */
  readonly faults: readonly string[];
}

/** Reads the folder in which the file of a profile stands. @throws UsageFault where it cannot be read. */
export async function profileFolder(file: string, text: string): Promise<ProfileFolder> {
  const { world, faults, locate } = await load(dirname(file));
  const key = keyOf(text);
  const profile = world.sslProfiles.find((resource) => resourceKey(resource) === key);
  const namespace = profile?.namespace ?? 'default';
  const sets = (profile?.parsed.value?.spec.rewriteSets ?? []).map(({ name }) => `RewriteSet ${namespace}/${name}`);
  const meant = ['', key, ...sets];
  const all = [...faults, ...translate(world).faults.map(locate)];
  return {
    namespace,
    files: indexFiles(world),
    faults: all
      .filter(({ object, severity }) => severity === 'error' && meant.includes(object))
      .map((fault) => faultText(fault)),
  };
}

async function load(folder: string) {
  try {
    return await loadFolder(folder);
  } catch (error) {
    if (error instanceof FolderUnreadable) throw new UsageFault(error.message, { cause: error });
    throw error;
  }
}

/** Of the SslProfile in the text; that there is one and no more, whoever reads its settings finds. */
function keyOf(text: string): string {
  for (const document of parseAllDocuments(text)) {
    const value: unknown = 'toJS' in document ? document.toJS({ maxAliasCount: 100 }) : undefined;
    if (!isRecord(value) || value['kind'] !== 'SslProfile') continue;
    const read = readObject(value);
    if (read.kind !== 'none') return resourceKey(read.object);
  }
  return '';
}
