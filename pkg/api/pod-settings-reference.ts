import { injectedLabelValue, injectedVersionAnnotation, podLabels } from './pod-names.ts';
import { podSettings } from './pod-settings.ts';

/** The reference page of labels and annotations in Markdown. */
export function podSettingsPage(): string {
  return `${[
    '<!-- Made by npm run generate from pkg/api. -->',
    '# Labels and annotations of pods',
    '',
    'What injection reads and writes; [injection.md](../injection.md) tells the rest. Annotations stand on the pod, so in a',
    'Deployment on its `spec.template`. Values are strings: quote numbers and `true`. An illegal value is denied; an unknown',
    'annotation with our prefix is warned about.',
    '',
    '## Labels',
    '',
    '| label | on | values | meaning |',
    '|---|---|---|---|',
    `| \`${podLabels.inject}\` | pod, namespace | \`"true"\`, \`"false"\` | whether pods get a sidecar; the pod's wins |`,
    `| \`${podLabels.sidecar}\` | pod | \`${injectedLabelValue}\` | set by injection: selects the pods that have a sidecar. Denied on a pod without one |`,
    '',
    '## Annotations',
    '',
    '| annotation | legal values | default | meaning |',
    '|---|---|---|---|',
    ...Object.values(podSettings).map(
      ({ annotation, values, default: byDefault, meaning }) =>
        `| \`${annotation}\` | ${values} | ${byDefault} | ${meaning} |`,
    ),
    '',
    `\`${injectedVersionAnnotation}\` is set by injection: the version that made the pod.`,
  ].join('\n')}\n`;
}
