/** In which the number of a request is written. */
export const idBase = 36;

/** The name of one request, by which logs of client, sidecar and application find each other. */
export class RequestId {
  /** Of the client's connection. */
  readonly connection: string;
  /** Of the request on it, from 1. */
  readonly number: number;

  constructor(connection: string, number: number) {
    this.connection = connection;
    this.number = number;
  }

  /** The connection's name, a hyphen, the number. */
  get text(): string {
    return `${this.connection}-${this.number.toString(idBase)}`;
  }
}
