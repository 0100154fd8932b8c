import { stringify } from 'yaml';
import { customResourceDefinitions, resourceKinds } from '../../pkg/api/crd.ts';
import { podSettingsPage } from '../../pkg/api/pod-settings-reference.ts';
import { referencePage } from '../../pkg/api/reference.ts';
import { chartFiles } from '../chart/chart-files.ts';

/** A file that is made, not written by hand. */
export interface GeneratedFile {
  /** From the repository's root. */
  readonly path: string;
  readonly text: string;
}

/** Every file that `npm run generate` writes; what is checked in must be the same. */
export function generatedFiles(): readonly GeneratedFile[] {
  return [
    ...customResourceDefinitions().map((definition) => ({
      path: `crds/${definition.spec.names.plural}.yaml`,
      text: `# Made by npm run generate from pkg/api.\n${stringify(definition, { version: '1.1', lineWidth: 0, aliasDuplicateObjects: false })}`,
    })),
    ...resourceKinds().map((kind) => ({
      path: `docs/reference/${kind.kind.toLowerCase()}.md`,
      text: referencePage(kind),
    })),
    { path: 'docs/reference/annotations.md', text: podSettingsPage() },
    ...chartFiles(customResourceDefinitions()),
  ];
}
