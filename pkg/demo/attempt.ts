import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import type { DemoClient } from './pki.ts';
import type { ReceivedRequest } from './received-request.ts';

/** What came of one client's try. */
export interface Attempt {
  readonly client: DemoClient;
  /** Undefined where there was no HTTP answer at all. */
  readonly status: number | undefined;
  readonly body: string;
  /** The connection's fault where there was no answer: its code or message. */
  readonly fault: string | undefined;
  /** What reached the application. */
  readonly received: readonly ReceivedRequest[];
}

export interface AttemptOptions {
  readonly port: number;
  /** Whom the client trusts: the server's certificate is verified. */
  readonly rootPem: string;
  readonly client: DemoClient;
  /** What a forging client sends in X-Client-Cert. */
  readonly forgedHeader: string;
  /** Where the application's `onRequest` puts what it received. */
  readonly inbox: ReceivedRequest[];
}

/** Tries one client with real TLS: a connection of its own, one GET. Never throws. */
export async function attempt(options: AttemptOptions): Promise<Attempt> {
  const { client, inbox } = options;
  const path = `/try/${client.name}`;
  const arrived = () => inbox.filter(({ target }) => target === path);
  const before = arrived().length;
  const answer = await ask(options, path);
  return { client, ...answer, received: arrived().slice(before) };
}

type Answer = Pick<Attempt, 'body' | 'fault' | 'status'>;

function ask({ port, rootPem, client, forgedHeader }: AttemptOptions, path: string): Promise<Answer> {
  return new Promise((resolve) => {
    const fail = (error: NodeJS.ErrnoException) =>
      resolve({ status: undefined, body: '', fault: error.code ?? error.message });
    const outgoing = request(
      {
        host: '127.0.0.1',
        port,
        servername: 'localhost',
        path,
        agent: false,
        timeout: answerDeadlineMs,
        ca: rootPem,
        ...credentials(client),
        headers: {
          host: `localhost:${port}`,
          accept: 'text/plain',
          connection: 'close',
          ...(client.forges ? { 'x-client-cert': forgedHeader, x_client_cert: forgedHeader } : {}),
        },
      },
      (response) => {
        void bodyOf(response).then((body) => resolve({ status: response.statusCode, body, fault: undefined }), fail);
      },
    );
    outgoing.on('timeout', () => outgoing.destroy(new Error(`no answer within ${answerDeadlineMs / 1000} s`)));
    outgoing.on('error', fail);
    outgoing.end();
  });
}

function credentials({ identity }: DemoClient): { cert?: string; key?: string } {
  if (identity === undefined) return {};
  return { cert: identity.certificate.pem, key: identity.key.export({ type: 'pkcs8', format: 'pem' }).toString() };
}

async function bodyOf(response: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of response) parts.push(Buffer.from(part));
  return Buffer.concat(parts).toString('utf8');
}

const answerDeadlineMs = 10_000;
