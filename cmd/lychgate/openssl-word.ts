import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer, type TLSSocket } from 'node:tls';
import { issueCertificate } from '../../pkg/x509/issue.ts';

/** What OpenSSL made of a client certificate in a handshake. */
export type OpensslWord =
  | { readonly kind: 'agrees' }
  /** Node's name of OpenSSL's X509_V_ERR code, such as CERT_HAS_EXPIRED. */
  | { readonly kind: 'refuses'; readonly code: string }
  /** There was no handshake: a key that is not the certificate's, bytes that OpenSSL does not read. */
  | { readonly kind: 'failed'; readonly message: string };

/**
 * Presents the certificate in a real handshake on 127.0.0.1, to a server that trusts `caPem` and lets everybody in, as
 * the gate does. OpenSSL judges by today's date. Never throws.
 */
export async function opensslWord(options: {
  /** The certificate first, then its chain. */
  readonly certPem: string;
  readonly keyPem: string;
  readonly caPem: string;
  readonly nowMs: number;
}): Promise<OpensslWord> {
  const { certPem, keyPem, caPem, nowMs } = options;
  const serverKey = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
  const serverCert = issueCertificate({
    subject: 'CN=localhost',
    key: serverKey,
    notBeforeMs: nowMs - 3_600_000,
    notAfterMs: nowMs + 3_600_000,
    san: { dns: ['localhost'] },
  });
  const server = createServer({
    cert: serverCert.pem,
    key: serverKey.export({ type: 'pkcs8', format: 'pem' }),
    ca: caPem,
    requestCert: true,
    rejectUnauthorized: false,
    handshakeTimeout: handshakeMs,
  });
  let client: TLSSocket | undefined;
  try {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('the server has no port');
    const word = new Promise<OpensslWord>((resolve) => {
      server.on('secureConnection', (socket) => {
        socket.on('error', () => {});
        // Node's types call it an Error; in fact it is the code as text.
        const code: unknown = socket.authorizationError;
        resolve(socket.authorized ? { kind: 'agrees' } : { kind: 'refuses', code: String(code) });
        socket.destroy();
      });
      server.on('tlsClientError', (error) => resolve({ kind: 'failed', message: error.message }));
    });
    client = connect({
      port: address.port,
      host: '127.0.0.1',
      servername: 'localhost',
      ca: serverCert.pem,
      cert: certPem,
      key: keyPem,
    });
    client.on('error', () => {});
    return await word;
  } catch (error) {
    return { kind: 'failed', message: error instanceof Error ? error.message : String(error) };
  } finally {
    client?.destroy();
    server.close();
  }
}

const handshakeMs = 5_000;
