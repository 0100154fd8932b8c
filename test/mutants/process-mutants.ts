import type { Mutant } from './mutant.ts';

/** The process: its environment, its log, its admin port, its end. */
export const processMutants: readonly Mutant[] = [
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
