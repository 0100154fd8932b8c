import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../support/free-port.ts';
import { startOcspResponder } from '../support/ocsp-responder.ts';
import { makePki, testKey, writePki } from '../support/pki.ts';
import { loadProgram } from './load.ts';
import { startPinned } from './machine.ts';
import type { Setting } from './setting.ts';

/** What all proxies of a setting share. */
export interface Ground {
  readonly setting: Setting;
  /** Of the run's own files. */
  readonly directory: string;
  /** With ca.crt, server.crt, server.key, good.crt, good.key. */
  readonly pki: string;
  readonly appPort: number;
  /** Where the proxies are to reach the application over a Unix socket. */
  readonly appSocket: string | undefined;
  readonly appPid: number;
  /** Given to Node before Lychgate's bundle. */
  readonly nodeArgs: readonly string[];
}

/** Starts it: certificates, their OCSP responder, the application. */
export async function openGround(
  setting: Setting,
  nodeArgs: readonly string[],
): Promise<Ground & { close(): Promise<void> }> {
  const directory = mkdtempSync(join(tmpdir(), 'lychgate-bench-'));
  const responderPort = await freePort();
  const pki = makePki({
    nowMs: Date.now(),
    ocspUrl: `http://127.0.0.1:${responderPort}`,
    ...(setting.rsaServerKey ? { serverKey: testKey('server-rsa', 2048) } : {}),
  });
  const responder = await startOcspResponder({
    issuer: pki.intermediate.certificate,
    signer: { certificate: pki.intermediate.certificate, key: pki.intermediate.key },
    now: () => Date.now(),
    port: responderPort,
  });
  responder.verdicts.set(pki.client('good').certificate.serialHex, { kind: 'good' });
  const close = async () => {
    await responder.close();
    rmSync(directory, { recursive: true, force: true });
  };
  try {
    const files = join(directory, 'pki');
    writePki(pki, files, ['good']);
    const appPort = await freePort();
    const socket = join(directory, 'app.sock');
    const app = await startPinned(
      setting.cores.load,
      [loadProgram, '-mode=app', `-addr=127.0.0.1:${appPort}`, `-socket=${socket}`],
      appPort,
      join(directory, 'app.log'),
    );
    return {
      ...{ setting, directory, pki: files, appPort, appPid: app.pid, nodeArgs },
      appSocket: setting.unixSocket ? socket : undefined,
      close: async () => {
        await app.stop();
        await close();
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
}
