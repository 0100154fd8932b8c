/** One protection taken away, and the tests of which at least one must then fail. */
export interface Mutant {
  /** What is missing in it, as a sentence: `an expired certificate is accepted`. */
  readonly name: string;
  /** The file that is changed, from the repository's root. */
  readonly file: string;
  /** Source text that occurs exactly once in the file. */
  readonly find: string;
  /** What stands in its place; must still be TypeScript. */
  readonly replace: string;
  /** Test files, from the repository's root; the fastest that should notice. */
  readonly tests: readonly [string, ...string[]];
}

export const mutants: readonly Mutant[] = [
  {
    name: 'a process with NODE_EXTRA_CA_CERTS starts',
    file: 'pkg/process/env.ts',
    find: "if (value !== undefined && value !== '') faults",
    replace: "if (value !== undefined && value !== '' && name !== 'NODE_EXTRA_CA_CERTS') faults",
    tests: ['pkg/process/env.test.ts'],
  },
  {
    name: 'the configuration is shown to peers that are not on loopback',
    file: 'pkg/process/admin.ts',
    find: '!isLoopback(request.socket.remoteAddress) || ',
    replace: '',
    tests: ['pkg/process/admin.test.ts'],
  },
  {
    name: 'the configuration is shown under any name (DNS rebinding)',
    file: 'pkg/process/admin.ts',
    find: ' || !namesLoopback(request.headers.host)',
    replace: '',
    tests: ['pkg/process/admin.test.ts'],
  },
  {
    name: 'a private key in a log field is printed',
    file: 'pkg/process/redact.ts',
    find: 'privateKeyLabel.test(text) ? redacted : text',
    replace: 'text',
    tests: ['pkg/process/log.test.ts'],
  },
  {
    name: 'a fault that nobody caught leaves the process running',
    file: 'pkg/process/lifecycle.ts',
    find: "source.on('uncaughtException', (fault: unknown) => onFault('uncaught exception', fault));",
    replace: "source.on('uncaughtException', () => undefined);",
    tests: ['pkg/process/lifecycle.test.ts'],
  },
];
