import { connect } from 'node:net';
import { createServer } from 'node:tls';
import { type Listening, listen } from './listen.ts';

/**
 * What stands in place of the gate in one of the demo's controls: asks for a certificate, checks nothing, and passes
 * the bytes on to the application. @throws the listening error (EADDRINUSE, EACCES).
 */
export function startPassThrough(options: {
  readonly port: number;
  readonly appPort: number;
  readonly certPem: string;
  readonly keyPem: string;
}): Promise<Listening> {
  const { port, appPort, certPem, keyPem } = options;
  const server = createServer(
    { cert: certPem, key: keyPem, requestCert: true, rejectUnauthorized: false },
    (client) => {
      const app = connect(appPort, '127.0.0.1');
      for (const [one, other] of [
        [client, app],
        [app, client],
      ] as const) {
        one.on('error', () => other.destroy());
        one.on('close', () => other.destroy());
        one.pipe(other);
      }
    },
  );
  return listen(server, port);
}
