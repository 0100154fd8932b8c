import type { Socket } from 'node:net';
import type { TestContext } from 'node:test';
import type { ConnectionOptions, TLSSocket } from 'node:tls';
import type { ClientAuth, OcspSettings, ProfilePolicy } from '../../pkg/policy/policy.ts';
import {
  connectTo,
  okApp,
  type ProfileChanges,
  profileOf,
  type RawApp,
  startGate,
  startRawApp,
  strictAuth,
  type TestGate,
  type TestGateOptions,
  until,
} from './gate.ts';
import { type Identity, makePki, type Pki } from './pki.ts';

/** Bytes to and from a gate, as Latin-1 text. */
export class Talk {
  readonly socket: TLSSocket;
  /** Everything that came so far. */
  text = '';
  closed = false;
  /** The peer has said, in TLS's own words, that nothing more comes. */
  ended = false;

  constructor(socket: TLSSocket) {
    this.socket = socket;
    socket.on('data', (chunk: Buffer) => {
      this.text += chunk.toString('latin1');
    });
    socket.on('end', () => {
      this.ended = true;
    });
    socket.on('close', () => {
      this.closed = true;
    });
  }

  send(bytes: string): void {
    this.socket.write(bytes, 'latin1');
  }

  /** Waits for `part` behind what was taken before; returns up to its end and takes it. */
  async take(part: string): Promise<string> {
    await until(`${JSON.stringify(part)} in ${JSON.stringify(this.text)}`, () => this.text.includes(part));
    const end = this.text.indexOf(part) + part.length;
    const taken = this.text.slice(0, end);
    this.text = this.text.slice(end);
    return taken;
  }

  /** Waits for the end of the connection; returns what came and was not taken. */
  async rest(): Promise<string> {
    await until(`the end of the connection; so far ${JSON.stringify(this.text.slice(-300))}`, () => this.closed);
    return this.text;
  }
}

export const pki: Pki = makePki({ nowMs: Date.now() });

export interface World {
  readonly app: RawApp;
  readonly gate: TestGate;
  readonly profile: ProfilePolicy;
  /** With the good client's certificate unless told otherwise; `null` for none. */
  talk(identity?: Identity | null, options?: ConnectionOptions): Promise<Talk>;
}

export interface WorldOptions extends TestGateOptions {
  readonly respond?: (text: string, socket: Socket) => string | undefined;
  readonly profile?: ProfileChanges;
}

/** An application and a gate before it for one test; both end with it. */
export async function startWorld(t: TestContext, options: WorldOptions = {}): Promise<World> {
  const app = await startRawApp(options.respond ?? okApp);
  const profile = profileOf(pki, app.port, options.profile);
  const gate = await startGate([profile], options);
  const talks: Talk[] = [];
  t.after(async () => {
    for (const talk of talks) talk.socket.destroy();
    await gate.close();
    await app.close();
  });
  return {
    app,
    gate,
    profile,
    talk: async (identity, more) => {
      const shown = identity === null ? undefined : (identity ?? pki.client('good'));
      const talk = new Talk(await connectTo(gate.port, pki, shown, more));
      talks.push(talk);
      return talk;
    },
  };
}

/** A request without a body. */
export function get(path: string, fields = ''): string {
  return `GET ${path} HTTP/1.1\r\nHost: localhost\r\n${fields}\r\n`;
}

/** An answer with a body of that length. */
export function answer(body: string, fields = '', status = '200 OK'): string {
  return `HTTP/1.1 ${status}\r\n${fields}Content-Length: ${body.length}\r\n\r\n${body}`;
}

/** What the application received, without what the sidecar says of the client on every request. */
export function withoutFacts(received: string): string {
  return received.replace(/^(?:X-Forwarded-[A-Za-z]+|X-Real-IP|X-Request-Id|X-Client-Cert): .*\r\n/gim, '');
}

/** Field lines of that folded name in the head of what was received. */
export function linesNamed(received: string, folded: string): string[] {
  const head = received.split('\r\n\r\n', 1)[0] ?? '';
  return head
    .split('\r\n')
    .slice(1)
    .filter((line) => (line.split(':', 1)[0] ?? '').toLowerCase().replace(/[^a-z0-9]/g, '-') === folded);
}

/** Strict, with every certificate asked at the test's own checker. */
export function askingOcsp(changes: Parameters<typeof strictAuth>[1] = {}): ClientAuth {
  return strictAuth(pki, { revocation: { kind: 'ocsp', ocsp: ocspSettings }, ...changes });
}

export const ocspSettings: OcspSettings = {
  scope: 'Leaf',
  timeoutMs: 2000,
  maxAgeMs: 60_000,
  clockSkewMs: 300_000,
  nonce: 'Off',
  certIdHash: 'SHA256',
  onMissingResponder: 'Deny',
  onUnavailable: 'Deny',
  responderAllowList: [],
  trustedResponders: [],
  responderCas: [],
  allowInternalAddresses: [],
  maxAgeWithoutNextUpdateMs: 0,
  sha1Signatures: 'Deny',
};
