/** Something wrong with an object: where, and what to do. */
export interface Fault {
  /** `SslProfile shop/partners`. */
  readonly object: string;
  /** `spec.certificateRefs[0].name`; empty for the whole object. */
  readonly field: string;
  readonly message: string;
  /** An error makes the object unusable; a warning does not. */
  readonly severity: 'error' | 'warning';
  /** The reason of the condition that tells it. */
  readonly reason: FaultReason;
}

export type FaultReason =
  | 'Conflicted'
  | 'Invalid'
  | 'InvalidRewriteSet'
  | 'InvalidServerCertificate'
  | 'InvalidTrustedClientCertificate'
  | 'PortNotDeclared'
  | 'RefNotFound'
  | 'RefUnknown'
  | 'WeakerSibling';

/** One condition of a resource's status. */
export interface Condition {
  readonly type: 'Accepted' | 'ResolvedRefs';
  readonly status: 'False' | 'True' | 'Unknown';
  readonly reason: FaultReason | 'Accepted' | 'NotReferenced' | 'ResolvedRefs' | 'Unreadable';
  readonly message: string;
}

/** Takes the faults of one object while it is looked at. */
export class FaultList {
  readonly object: string;
  readonly #faults: Fault[] = [];

  constructor(object: string) {
    this.object = object;
  }

  get all(): readonly Fault[] {
    return this.#faults;
  }

  get hasErrors(): boolean {
    return this.#faults.some(({ severity }) => severity === 'error');
  }

  error(field: string, message: string, reason: FaultReason = 'Invalid'): void {
    this.#faults.push({ object: this.object, field, message, severity: 'error', reason });
  }

  warn(field: string, message: string, reason: FaultReason = 'Invalid'): void {
    this.#faults.push({ object: this.object, field, message, severity: 'warning', reason });
  }

  /** Something that may be wrong on each of a thousand pods: the first one is named, the others are the same. */
  onPod(severity: Fault['severity'], field: string, message: string, reason: FaultReason): void {
    const told = this.#faults.some((fault) => fault.field === field && fault.reason === reason);
    if (!told) this.#faults.push({ object: this.object, field, message, severity, reason });
  }
}

/** The conditions Accepted and ResolvedRefs of a resource with these faults. */
export function conditionsOf(faults: readonly Fault[], readable: boolean, accepted: Condition): readonly Condition[] {
  const errors = faults.filter(({ severity }) => severity === 'error');
  const references = errors
    .filter(({ reason }) => referenceReasons.has(reason))
    // What is known to be wrong comes before what is not known.
    .sort((left, right) => Number(left.reason === 'RefUnknown') - Number(right.reason === 'RefUnknown'));
  const others = errors.filter(({ reason }) => !referenceReasons.has(reason));
  const warning = faults.find(({ severity, reason }) => severity === 'warning' && reason === 'PortNotDeclared');
  const usable: Condition =
    warning === undefined ? accepted : { ...accepted, reason: warning.reason, message: sentences([warning]) };
  return [
    others[0] === undefined
      ? usable
      : { type: 'Accepted', status: 'False', reason: others[0].reason, message: sentences(others) },
    references[0] !== undefined
      ? {
          type: 'ResolvedRefs',
          status: references[0].reason === 'RefUnknown' ? 'Unknown' : 'False',
          reason: references[0].reason,
          message: sentences(references),
        }
      : readable
        ? { type: 'ResolvedRefs', status: 'True', reason: 'ResolvedRefs', message: 'All references are resolved.' }
        : {
            type: 'ResolvedRefs',
            status: 'Unknown',
            reason: 'Unreadable',
            message: 'References are looked up once the resource can be read.',
          },
  ];
}

/** Condition messages are sentences; at most the 32768 characters that Kubernetes takes. */
function sentences(faults: readonly Fault[]): string {
  const text = faults.map(({ field, message }) => `${field === '' ? '' : `${field}: `}${message}.`).join(' ');
  return text.length > maxMessage ? `${text.slice(0, maxMessage - 3)}...` : text;
}

const maxMessage = 32_768;
const referenceReasons: ReadonlySet<string> = new Set([
  'InvalidRewriteSet',
  'InvalidServerCertificate',
  'InvalidTrustedClientCertificate',
  'RefNotFound',
  'RefUnknown',
]);
