/** What was asked cannot be done as it was asked: a file that cannot be read, a value that makes no sense. Exit code 2. */
export class UsageFault extends Error {
  readonly code = 'USAGE';
}
