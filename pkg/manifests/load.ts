import type { RewriteSet } from '../api/rewrite-set.ts';
import type { SslProfile } from '../api/ssl-profile.ts';
import type { Fault } from '../translate/fault.ts';
import {
  type FileObject,
  type Pod,
  type Resource,
  resourceKey,
  standalonePod,
  type World,
} from '../translate/world.ts';
import { type RawObject, readDocuments } from './documents.ts';
import { manifestFiles } from './files.ts';
import { readObject } from './objects.ts';

/** Something wrong in a folder of manifests: where, and what to do. */
export interface ManifestFault {
  /** Name in the folder; empty where the fault is of no file. */
  readonly file: string;
  /** Document in the file, from 1; 0 for the whole file. */
  readonly document: number;
  /** From 1. */
  readonly line: number;
  /** `SslProfile shop/partners`; empty where it cannot be told which object is meant, so that one may be missing from the world. */
  readonly object: string;
  readonly field: string;
  /** The rule that is broken, with the value and the next step. */
  readonly message: string;
  readonly severity: 'error' | 'warning';
}

/** A folder, read. */
export interface LoadedFolder {
  readonly world: World;
  /** Of files and objects; what is wrong inside profiles and rewrite sets, the translation finds. */
  readonly faults: readonly ManifestFault[];
  /** Gives a fault of the translation its file and line. */
  locate(fault: Fault): ManifestFault;
}

/** Reads a folder of manifests as `kubectl apply -f FOLDER` takes it into the world of these pods. @throws FolderUnreadable. */
export async function loadFolder(folder: string, pods: readonly Pod[] = [standalonePod]): Promise<LoadedFolder> {
  const faults: ManifestFault[] = [];
  const sslProfiles: Resource<SslProfile>[] = [];
  const rewriteSets: Resource<RewriteSet>[] = [];
  const secrets: FileObject[] = [];
  const configMaps: FileObject[] = [];
  const places = new Map<string, { readonly file: string; readonly raw: RawObject }>();
  for (const file of await manifestFiles(folder)) {
    const whole = { file: file.name, object: '', field: '', severity: 'error' } as const;
    if (file.text === undefined) {
      faults.push({ ...whole, document: 0, line: 1, message: `the file ${file.message}` });
      continue;
    }
    const { objects, faults: textFaults } = readDocuments(file.text);
    faults.push(...textFaults.map((fault) => ({ ...whole, ...fault })));
    for (const raw of objects) {
      const read = readObject(raw.value);
      const object = read.kind === 'none' ? '' : resourceKey(read.object);
      const at = (field: string) => ({
        file: file.name,
        document: raw.document,
        line: raw.lineOf(field),
        object,
        field,
      });
      faults.push(...read.faults.map(({ field, message, severity }) => ({ ...at(field), message, severity })));
      if (read.kind === 'none') continue;
      const twin = places.get(object);
      if (twin !== undefined) {
        const where = `${twin.file}, line ${twin.raw.lineOf('')}`;
        // Which of the two is meant cannot be told, so the fault is of none of them.
        const message = `${object} is already in ${where}; remove one`;
        faults.push({ ...at('metadata.name'), object: '', message, severity: 'error' });
        continue;
      }
      places.set(object, { file: file.name, raw });
      if (read.kind === 'sslProfile') sslProfiles.push(read.object);
      else if (read.kind === 'rewriteSet') rewriteSets.push(read.object);
      else if (read.object.kind === 'Secret') secrets.push(read.object);
      else configMaps.push(read.object);
    }
  }
  return {
    world: { sslProfiles, rewriteSets, secrets, configMaps, pods },
    faults,
    locate({ object, field, message, severity }) {
      const place = places.get(object);
      return {
        file: place?.file ?? '',
        document: place?.raw.document ?? 0,
        line: place?.raw.lineOf(field) ?? 1,
        object,
        field,
        message,
        severity,
      };
    },
  };
}

/** One line for people: `shop.yaml:12: SslProfile shop/partners: spec.hostnames[0]: message`. */
export function faultText({ file, line, object, field, message }: ManifestFault): string {
  const place = file === '' ? '' : `${file}:${line}`;
  return [place, object, field, message].filter((part) => part !== '').join(': ');
}
