import type { AddressInfo, Server } from 'node:net';

export interface ListenAddress {
  /** Every address of the machine, both families, when absent. */
  readonly host?: string;
  /** 0 takes a free port. */
  readonly port: number;
}

/**
 * Opens a server's port. Rejects with what `fault` makes of the place (`every address, port 9844`) and the cause.
 */
export function listen(
  server: Server,
  { host, port }: ListenAddress,
  fault: (where: string, cause: Error) => Error,
): Promise<AddressInfo> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause) => reject(fault(`${host ?? 'every address'}, port ${port}`, cause)));
    server.listen({ port, ...(host === undefined ? {} : { host }) }, () => {
      const address = server.address();
      if (address !== null && typeof address === 'object') resolve(address);
    });
  });
}
