import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../support/free-port.ts';
import { startOcspResponder } from '../support/ocsp-responder.ts';
import { makePki, testKey, writePki } from '../support/pki.ts';
import { loadProgram } from './load.ts';
import { cores, startPinned } from './machine.ts';
import type { Ground } from './peers.ts';

/** Starts what all proxies of a run share: certificates, their OCSP responder, the application. `rsa`: the server's key is RSA-2048. */
export async function openGround(
  nodeArgs: readonly string[],
  rsa = false,
): Promise<Ground & { close(): Promise<void> }> {
  const directory = mkdtempSync(join(tmpdir(), 'lychgate-bench-'));
  const responderPort = await freePort();
  const pki = makePki({
    nowMs: Date.now(),
    ocspUrl: `http://127.0.0.1:${responderPort}`,
    ...(rsa ? { serverKey: testKey('server-rsa', 2048) } : {}),
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
    const app = await startPinned(
      cores.load,
      [loadProgram, '-mode=app', `-addr=127.0.0.1:${appPort}`],
      appPort,
      join(directory, 'app.log'),
    );
    return {
      ...{ directory, pki: files, appPort, appPid: app.pid, nodeArgs },
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
