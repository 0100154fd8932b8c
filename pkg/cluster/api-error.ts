/**
 * The API server refused, or could not be asked. The message names method, path, status and the next step.
 * `status` is 0 where no answer came: `reason` is then Unreachable, Timeout, TooLarge, Malformed or Closed; otherwise
 * it is the reason of the server's Status object (NotFound, Conflict, Forbidden, …).
 */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly status: number;
  readonly reason: string;
  /** How long the server asked to wait, if it did. */
  readonly retryAfterMs: number | undefined;

  constructor(status: number, reason: string, message: string, retryAfterMs?: number) {
    super(message);
    this.status = status;
    this.reason = reason;
    this.retryAfterMs = retryAfterMs;
  }
}
