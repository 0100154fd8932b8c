import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** What the image's entry point has between `node` and the file. @throws where the Dockerfile has no such line. */
export function imageFlags(): readonly string[] {
  const dockerfile = readFileSync(join(import.meta.dirname, '..', '..', 'Dockerfile'), 'utf8');
  const [, text = ''] = /^ENTRYPOINT (\[.*\])$/m.exec(dockerfile) ?? [];
  const words: readonly string[] = JSON.parse(text);
  return words.slice(1, -1);
}
