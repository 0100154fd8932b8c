import { dirname } from 'node:path';
import type { SslProfile } from '../../pkg/api/ssl-profile.ts';
import { readDocuments } from '../../pkg/manifests/documents.ts';
import { FolderUnreadable } from '../../pkg/manifests/files.ts';
import { faultText, loadFolder } from '../../pkg/manifests/load.ts';
import { readObject } from '../../pkg/manifests/objects.ts';
import { type Files, indexFiles } from '../../pkg/translate/references.ts';
import { translate } from '../../pkg/translate/translate.ts';
import { type Resource, resourceKey } from '../../pkg/translate/world.ts';
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
  const profile = profileIn(text);
  const namespace = profile?.namespace ?? 'default';
  const sets = (profile?.parsed.value?.spec.rewriteSets ?? []).map(({ name }) => `RewriteSet ${namespace}/${name}`);
  const meant = ['', ...(profile === undefined ? [] : [resourceKey(profile)]), ...sets];
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

/** That there is one and no more, whoever reads its settings finds. */
function profileIn(text: string): Resource<SslProfile> | undefined {
  for (const { value } of readDocuments(text).objects) {
    const read = readObject(value);
    if (read.kind === 'sslProfile') return read.object;
  }
  return undefined;
}
