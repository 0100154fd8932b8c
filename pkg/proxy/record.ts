import type { RejectReason } from '../policy/reason.ts';
import type { Log } from '../process/log.ts';
import type { LogFields } from '../process/log-fields.ts';
import type { Admission } from './admission.ts';
import type { AuditLevel } from './deps.ts';
import type { BackFailure } from './exchange.ts';
import type { Meters } from './meters.ts';
import type { RequestId } from './request-id.ts';

/** What is recorded of the connection that a request came on. */
export interface RecordedConnection {
  readonly gate: { readonly audit: AuditLevel; readonly log: Log };
  readonly profile: { readonly id: string; readonly meters: Meters };
  readonly snapshot: { readonly version: string };
  readonly facts: {
    readonly clientIp: string;
    readonly clientPort: number;
    readonly tls: { readonly serverName: string };
  };
  now(): number;
  nextRequestId(): RequestId;
  verdictKind(): string;
  identity(): LogFields;
}

/**
 * One request as metrics and the audit log see it. Metrics count every request that ends; the audit log writes what
 * `--audit` asks for. Everything a client chose is a JSON string in a field of its own.
 */
export class RequestRecord {
  readonly requestId: RequestId;
  readonly #connection: RecordedConnection;
  readonly #method: string;
  readonly #path: string;
  readonly #protocol: string;
  readonly #beganMs: number;
  #handedOverMs = 0;
  #status = 0;
  #sentBytes = 0;
  #refused: { readonly reason: RejectReason; readonly detail: string } | undefined;
  #reported: RejectReason | undefined;
  #failure: BackFailure | undefined;

  /** `nowMs`, here and below, where the clock has just been read. */
  constructor(
    connection: RecordedConnection,
    method: string,
    path: string,
    protocol: string,
    nowMs: number = connection.now(),
  ) {
    this.#connection = connection;
    this.#method = method;
    this.#path = path;
    this.#protocol = protocol;
    this.#beganMs = nowMs;
    this.requestId = connection.nextRequestId();
  }

  judged(admission: Admission): void {
    if (admission.kind === 'forward') {
      this.#reported = admission.reported;
      return;
    }
    if (admission.refused !== undefined) this.#refused = admission.refused;
  }

  handedOver(nowMs: number = this.#connection.now()): void {
    this.#handedOverMs = nowMs;
  }

  answered(status: number, nowMs: number = this.#connection.now()): void {
    this.#status = status;
    if (this.#handedOverMs > 0 && this.#failure === undefined && status >= 101) {
      this.#connection.profile.meters.backendDuration((nowMs - this.#handedOverMs) / 1000);
      this.#handedOverMs = 0;
    }
  }

  sent(bytes: number): void {
    this.#sentBytes += bytes;
  }

  failed(failure: BackFailure): void {
    this.#failure = failure;
    this.#connection.profile.meters.backendFailed(failure.cause);
  }

  finished(nowMs: number = this.#connection.now()): void {
    this.#write('finished', nowMs);
  }

  /** The client went, or was cut off, before the answer was whole. */
  aborted(): void {
    if (this.#status === 0) this.#status = 499;
    this.#write('aborted', this.#connection.now());
  }

  #write(end: 'aborted' | 'finished', nowMs: number): void {
    const connection = this.#connection;
    const { meters } = connection.profile;
    const seconds = (nowMs - this.#beganMs) / 1000;
    meters.request(this.#protocol, this.#status, seconds);
    if (this.#refused !== undefined) meters.rejected(this.#refused.reason);
    if (this.#reported !== undefined) meters.reported(this.#reported);
    const { audit } = connection.gate;
    if (audit === 'off') return;
    const isRefusal = this.#refused !== undefined || this.#reported !== undefined || this.#status === 421;
    if (audit === 'refusals' && !isRefusal) return;
    connection.gate.log.info(isRefusal ? 'request refused' : 'request', {
      requestId: this.requestId.text,
      profile: connection.profile.id,
      policy: connection.snapshot.version,
      clientIp: connection.facts.clientIp,
      clientPort: connection.facts.clientPort,
      serverName: connection.facts.tls.serverName,
      method: this.#method,
      path: this.#path,
      protocol: this.#protocol,
      status: this.#status,
      seconds,
      sentBytes: this.#sentBytes,
      end,
      verdict:
        this.#refused !== undefined ? 'refuse' : this.#reported !== undefined ? 'report' : connection.verdictKind(),
      reason: this.#refused?.reason ?? this.#reported,
      detail: this.#refused?.detail,
      failure: this.#failure?.detail,
      ...connection.identity(),
    });
  }
}
