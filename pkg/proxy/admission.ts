import type { RejectReason } from '../policy/reason.ts';
import type { BoundRewrite, ResponseEdits, ResponseView } from '../rewrite/rewrite.ts';

/** Whether and how one request goes on. Only `Connection.admit` makes a Forward, and no back begins without one. */
export type Admission =
  | Forward
  | {
      readonly kind: 'answer';
      readonly answer: OwnAnswer;
      /** Set where the client certificate is the cause: for metrics and the audit log, whatever the client is told. */
      readonly refused?: { readonly reason: RejectReason; readonly detail: string };
    };

export interface Forward {
  readonly kind: 'forward';
  readonly bound: Bound;
  /** Path with query, after rewriting. */
  readonly target: string;
  /** Fields of the request, cleaned already where rules read them; flat list. */
  readonly fields: readonly string[];
  /** Lower-case names that rules remove or replace, beyond what is the same for the whole connection. */
  readonly remove: readonly string[];
  /** Flat name, value list that rules set for this request. */
  readonly set: readonly string[];
  readonly response: ((view: ResponseView) => ResponseEdits) | undefined;
  /** Set under `enforcement: Report`: what it would have been refused for. */
  readonly reported: RejectReason | undefined;
}

/** What is the same for every request of a connection under one verdict: serialised once. */
export interface Bound {
  readonly rewrite: BoundRewrite;
  /** Lower-case names that the constant fields replace or the rules remove on every request. */
  readonly remove: ReadonlySet<string>;
  /** Flat name, value list, and the same as the end of an HTTP/1.1 head, empty line included. */
  readonly fields: readonly string[];
  readonly rest: Buffer;
  /** Said too, but for the requests where a rule says otherwise. */
  readonly unlessRuled: readonly string[];
  /** What a rule puts in the place of the request's authority. */
  readonly authority: string | undefined;
}

/** An answer of the sidecar's own. */
export interface OwnAnswer {
  readonly status: number;
  /** One line: what went wrong, in words. */
  readonly message: string;
  /** Why the client certificate was refused. */
  readonly reason?: RejectReason;
  /** One line of printable ASCII about the reason. */
  readonly detail?: string;
  /** Whether the connection ends with this answer. */
  readonly close: boolean;
}
