import type { Mutant } from './mutant.ts';

/** Injection: which pods get a sidecar, and that nothing passes for one. */
export const injectMutants: readonly Mutant[] = [
  {
    name: 'a pod with the label of an injected pod and no sidecar is let through',
    file: 'pkg/inject/decide.ts',
    find: 'if (labels[podLabels.sidecar] !== undefined) {',
    replace: 'if (false as boolean) {',
    tests: ['pkg/inject/inject.test.ts'],
  },
  {
    name: "any container of the sidecar's name passes for it",
    file: 'pkg/inject/decide.ts',
    find: '    token === true &&\n',
    replace: '',
    tests: ['pkg/inject/inject.test.ts'],
  },
  {
    name: 'a label that is neither true nor false is no question',
    file: 'pkg/inject/decide.ts',
    find: "return { kind: 'Deny', message: own.message };",
    replace: "return { kind: 'Skip', why: own.message };",
    tests: ['pkg/inject/inject.test.ts'],
  },
  {
    name: 'a pod on the host network gets a gate that guards nothing',
    file: 'pkg/inject/refusals.ts',
    find: 'if (hostNetwork === true) {',
    replace: 'if (false as boolean) {',
    tests: ['pkg/inject/inject.test.ts'],
  },
  {
    name: "the pod's API token gets into the sidecar",
    file: 'pkg/inject/sidecar.ts',
    find: '      { name: sidecarVolumeNames.ca, mountPath: apiTokenDirectory, readOnly: true },\n',
    replace: '',
    tests: ['pkg/inject/inject.test.ts'],
  },
  {
    name: "everybody who reaches the pod runs an application's hook",
    file: 'pkg/inject/probes.ts',
    find: 'const secret = place.hook ? (context.secret ??= context.newSecret()) : undefined;',
    replace: 'const secret = undefined as string | undefined;',
    tests: ['pkg/inject/inject.test.ts'],
  },
  {
    name: 'a request that cannot be read is allowed',
    file: 'pkg/inject/review.ts',
    find: '      allowed: false,\n',
    replace: '      allowed: true,\n',
    tests: ['pkg/inject/review.test.ts'],
  },
  {
    name: 'where one pod is denied, the others are printed',
    file: 'cmd/lychgate/inject.ts',
    find: 'else if (denied.length > 0) process.exitCode = 1;',
    replace: 'else if (denied.length > 1) process.exitCode = 1;',
    tests: ['cmd/lychgate/inject.test.ts'],
  },
];
