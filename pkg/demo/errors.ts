/** The demo could not be started; the message says what to do. */
export class DemoFailed extends Error {
  readonly code = 'DEMO_FAILED';
}
