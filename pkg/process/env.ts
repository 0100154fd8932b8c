/** The environment carries a setting that could change whom this process trusts. */
export class UnsafeEnvironment extends Error {
  readonly code = 'UNSAFE_ENVIRONMENT';
  override readonly name = 'UnsafeEnvironment';
  /** The variables at fault, in the order of the message. */
  readonly variables: readonly string[];

  constructor(faults: ReadonlyMap<string, string>) {
    super([...faults.values()].join('\n'));
    this.variables = [...faults.keys()];
  }
}

/**
 * Refuses an environment that could weaken or widen TLS behind the configuration's back. An empty variable counts as
 * unset. Values are never printed. @throws UnsafeEnvironment with one line for every variable at fault.
 */
export function requireSafeEnvironment(environment: Readonly<Record<string, string | undefined>>): void {
  const faults = new Map<string, string>();
  for (const [name, advice] of unsafeVariables) {
    const value = environment[name];
    if (value !== undefined && value !== '') faults.set(name, `refusing to start with ${name} set: ${advice}`);
  }
  if (faults.size > 0) throw new UnsafeEnvironment(faults);
}

/** The same environment without the variables that `requireSafeEnvironment` refuses: for a process that is started from here. */
export function withoutUnsafeVariables(
  environment: Readonly<Record<string, string | undefined>>,
): Record<string, string | undefined> {
  const unsafe = new Set(unsafeVariables.map(([name]) => name));
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !unsafe.has(name)));
}

const nameTheCa = 'unset it, and name every trusted CA in trustedClientCertificates';
const unsafeVariables: readonly (readonly [name: string, advice: string])[] = [
  ['NODE_EXTRA_CA_CERTS', `it adds certificate authorities that no profile names; ${nameTheCa}`],
  ['NODE_OPTIONS', 'it can load code and change TLS defaults; unset it, and pass flags on the command line'],
  ['NODE_TLS_REJECT_UNAUTHORIZED', 'it can switch certificate verification off; unset it'],
  ['NODE_USE_SYSTEM_CA', `it adds the machine's certificate authorities; ${nameTheCa}`],
  ['SSL_CERT_DIR', `it adds certificate authorities that no profile names; ${nameTheCa}`],
  ['SSL_CERT_FILE', `it adds certificate authorities that no profile names; ${nameTheCa}`],
];
