/** A request as the application received it. */
export interface ReceivedRequest {
  readonly method: string;
  readonly target: string;
  /** In order, with the names as they came. */
  readonly headers: readonly (readonly [name: string, value: string])[];
}
