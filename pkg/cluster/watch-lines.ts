import { parse, shown } from './ask.ts';
import { isKubernetesObject, isRecord, type KubernetesObject } from './object.ts';

/** One line of a watch. */
export type WatchLine =
  | { readonly kind: 'Bookmark'; readonly version: string }
  | { readonly kind: 'Changed' | 'Deleted'; readonly object: KubernetesObject; readonly version: string }
  /** The server ends the watch with a Status object. */
  | { readonly kind: 'Error'; readonly code: number; readonly status: unknown }
  | { readonly kind: 'Malformed'; readonly why: string };

/** Cuts a byte stream into lines and reads each as a watch event. */
export interface WatchLines {
  /** The lines that this chunk completes. After a Malformed one nothing may be pushed any more. */
  push(chunk: Buffer): readonly WatchLine[];
}

/** Makes one for a new watch. A line of more than `maxBytes` is Malformed. */
export function createWatchLines(maxBytes: number): WatchLines {
  let kept: Buffer[] = [];
  let keptBytes = 0;
  return {
    push: (chunk) => {
      const lines: WatchLine[] = [];
      let start = 0;
      for (let end = chunk.indexOf(lineFeed); end >= 0; end = chunk.indexOf(lineFeed, start)) {
        const line = Buffer.concat([...kept, chunk.subarray(start, end)]);
        kept = [];
        keptBytes = 0;
        start = end + 1;
        lines.push(line.length > maxBytes ? tooLong(maxBytes) : readLine(line.toString()));
      }
      if (start < chunk.length) {
        kept.push(chunk.subarray(start));
        keptBytes += chunk.length - start;
      }
      if (keptBytes > maxBytes) lines.push(tooLong(maxBytes));
      return lines;
    },
  };
}

function readLine(line: string): WatchLine {
  const event = parse(line);
  if (!isRecord(event)) return { kind: 'Malformed', why: `no JSON object: ${shown(line)}` };
  const { type, object } = event as { readonly type?: unknown; readonly object?: unknown };
  if (type === 'ERROR') {
    const code = isRecord(object) ? object['code'] : undefined;
    return { kind: 'Error', code: typeof code === 'number' ? code : 0, status: object };
  }
  const version = isRecord(object) && isRecord(object['metadata']) ? object['metadata']['resourceVersion'] : undefined;
  if (typeof version !== 'string' || version === '') {
    return { kind: 'Malformed', why: `no resourceVersion: ${shown(line)}` };
  }
  if (type === 'BOOKMARK') return { kind: 'Bookmark', version };
  if (!isKubernetesObject(object)) return { kind: 'Malformed', why: `no metadata.name: ${shown(line)}` };
  if (type === 'ADDED' || type === 'MODIFIED') return { kind: 'Changed', object, version };
  if (type === 'DELETED') return { kind: 'Deleted', object, version };
  return { kind: 'Malformed', why: `event type ${JSON.stringify(type)} is none of the API: ${shown(line)}` };
}

function tooLong(maxBytes: number): WatchLine {
  return { kind: 'Malformed', why: `a line of more than ${maxBytes} bytes` };
}

const lineFeed = 0x0a;
