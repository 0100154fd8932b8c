import { join } from 'node:path';
import { startApp } from './app.ts';
import { attempt } from './attempt.ts';
import { openDirectory } from './directory.ts';
import { startGate } from './gate.ts';
import { demoManifests } from './manifests.ts';
import { startPassThrough } from './pass-through.ts';
import { type DemoPki, makeDemoPki, pkiFiles } from './pki.ts';
import { onWishedPort, type PortWish, probePort } from './ports.ts';
import type { ReceivedRequest } from './received-request.ts';
import { answersOf, startResponder } from './responder.ts';
import { judgeRow, type Row } from './rows.ts';

/** What is spoiled on purpose; with each the demo must find rows that are not as they should be. */
export const controls = ['good-responder', 'no-header-rule', 'pass-through'] as const;
export type Control = (typeof controls)[number];

/** What the demo is given; nothing is taken from the environment. */
export interface DemoOptions {
  /** Unix milliseconds. */
  readonly wallMs: () => number;
  /** A folder that the user named; a fresh temporary one when undefined. */
  readonly directory: string | undefined;
  readonly ports: Readonly<Record<'admin' | 'app' | 'gate' | 'responder', PortWish>>;
  /** How the sidecar is started: program and first arguments. */
  readonly gateCommand: readonly [string, ...string[]];
  /** The whole environment of the sidecar. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly control: Control | undefined;
  /** One line for the user: a port that was taken, and the like. */
  readonly say: (line: string) => void;
}

/** A running demo. */
export interface Demo {
  readonly directory: string;
  readonly gatePort: number;
  readonly appUrl: string;
  readonly responderUrl: string;
  readonly adminUrl: string;
  /** Tries every client, one after the other. Never throws. */
  tryClients(): Promise<readonly Row[]>;
  /** Resolves with what is to be told when the gate ends by itself. */
  readonly died: Promise<string>;
  /** Ends everything that was started and removes a folder that was made, unless it shall be kept. */
  close(keep: boolean): Promise<void>;
}

/** Makes the PKI and starts responder, application and gate. @throws DemoFailed, and then nothing is left running. */
export async function startDemo(options: DemoOptions): Promise<Demo> {
  const directory = openDirectory(options.directory);
  const open: { close(): Promise<void> }[] = [];
  const close = async (keep: boolean) => {
    for (const part of open.splice(0).reverse()) await part.close();
    if (!keep) directory.remove();
  };
  try {
    return { ...(await startParts(options, directory, open)), close };
  } catch (error) {
    await close(false);
    throw error;
  }
}

async function startParts(
  options: DemoOptions,
  directory: ReturnType<typeof openDirectory>,
  open: { close(): Promise<void> }[],
): Promise<Omit<Demo, 'close'>> {
  const { wallMs, ports, control, say } = options;
  const inbox: ReceivedRequest[] = [];
  const app = await onWishedPort('the application', ports.app, (port) => startApp({ port, onRequest }), say);
  open.push(app);
  function onRequest(request: ReceivedRequest): void {
    // Only the demo's own tries are remembered; what is asked by hand may be anything.
    if (request.target.startsWith('/try/') && inbox.length < maxRemembered) inbox.push(request);
  }

  // The certificates name the responder's port, so it listens before they are made.
  const responder = await onWishedPort('the responder', ports.responder, startResponder, say);
  open.push(responder);
  const responderUrl = `http://127.0.0.1:${responder.port}`;
  const pki = makeDemoPki({ nowMs: wallMs(), responderUrl });
  responder.serve(answersOf(pki, { wallMs, everythingIsGood: control === 'good-responder' }));

  const gatePort = (await onWishedPort('the gate', ports.gate, probePort, say)).port;
  const adminPort = (await onWishedPort("the gate's admin pages", ports.admin, probePort, say)).port;
  const files = pkiFiles(pki);
  directory.write('.', files);
  const serverPem = { certPem: files.get('server.crt') ?? '', keyPem: files.get('server.key') ?? '' };
  directory.write(
    'manifests',
    demoManifests({
      port: gatePort,
      appPort: app.port,
      serverCertPem: serverPem.certPem,
      serverKeyPem: serverPem.keyPem,
      caPem: files.get('ca.crt') ?? '',
      certificateHeader: control !== 'no-header-rule',
    }),
  );

  let died: Promise<string> = new Promise(() => {});
  if (control === 'pass-through') {
    open.push(await startPassThrough({ port: gatePort, appPort: app.port, ...serverPem }));
  } else {
    const gate = await startGate({
      command: options.gateCommand,
      manifests: join(directory.path, 'manifests'),
      adminPort,
      logFile: join(directory.path, 'sidecar.log'),
      env: options.env,
      startDeadlineMs: 20_000,
    });
    died = gate.died;
    open.push({ close: gate.stop });
  }
  return {
    directory: directory.path,
    gatePort,
    appUrl: `http://127.0.0.1:${app.port}/`,
    responderUrl: `${responderUrl}/`,
    adminUrl: `http://127.0.0.1:${adminPort}/`,
    died,
    tryClients: () => tryClients(pki, gatePort, inbox),
  };
}

async function tryClients(pki: DemoPki, port: number, inbox: ReceivedRequest[]): Promise<readonly Row[]> {
  const rootPem = pki.root.certificate.pem;
  const forgedHeader = encodeURIComponent(pki.impostor.certificate.pem);
  const rows: Row[] = [];
  for (const client of pki.clients) {
    rows.push(judgeRow(await attempt({ port, rootPem, client, forgedHeader, inbox })));
  }
  return rows;
}

const maxRemembered = 1000;
