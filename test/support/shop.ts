import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type EchoApp, startEchoApp } from './echo-app.ts';
import { freePort } from './free-port.ts';
import { caConfigMap, sslProfile, tlsSecret, writeManifests } from './manifests.ts';
import {
  makeOpensslCa,
  type OpensslCa,
  type OpensslIdentity,
  type OpensslResponder,
  serverExtensions,
  startOpensslResponder,
} from './openssl.ts';
import { type Sidecar, startSidecar } from './sidecar.ts';

export interface ShopOptions {
  /** Block YAML below `clientAuthConfiguration:`, indented by four; OCSP of loopback responders by default. */
  readonly auth?: string;
  /** Block YAML below `backend:`, beside the port, indented by four. */
  readonly backend?: string;
  /** Whether `openssl ocsp` answers; true by default. */
  readonly responder?: boolean;
  readonly app?: EchoApp;
  /** The application's port where it is none of `app`. */
  readonly appPort?: number;
  /** As startSidecar takes it. */
  readonly program?: readonly string[];
  /** Further arguments of the sidecar. */
  readonly args?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** False where the sidecar is started by the test, or is not to become ready. */
  readonly start?: boolean;
}

/** What most black-box tests need: openssl's CA and responder, an application, and a sidecar with one profile before it. */
export interface Shop {
  readonly directory: string;
  /** Of the manifests: `shop.yaml`. */
  readonly folder: string;
  readonly ca: OpensslCa;
  readonly server: OpensslIdentity;
  readonly ocspUrl: string;
  readonly app: EchoApp;
  /** Listed as good, with the responder in its AIA. */
  readonly client: OpensslIdentity;
  readonly sidecar: Sidecar;
  readonly responder: OpensslResponder;
  /** The documents of `shop.yaml`: profile, secret, bundle. */
  documents(changes?: Pick<ShopOptions, 'auth' | 'backend'>): readonly [string, string, string];
  write(documents: readonly string[]): void;
  startAgain(): Promise<Sidecar>;
  close(): Promise<void>;
}

/** Starts all of it. */
export async function openShop(options: ShopOptions = {}): Promise<Shop> {
  const directory = mkdtempSync(join(tmpdir(), 'lychgate-e2e-'));
  const folder = join(directory, 'manifests');
  const ca = await makeOpensslCa(directory, 'ca');
  const responderPort = await freePort();
  const ocspUrl = `http://127.0.0.1:${responderPort}/`;
  const server = await ca.issue('server', { extensions: serverExtensions });
  const client = await ca.issue('client', { ocspUrl });
  const app = options.app ?? (await startEchoApp());
  let responder: OpensslResponder | undefined;
  if (options.responder !== false) responder = await startOpensslResponder(ca, responderPort);
  const documents = ({ auth, backend }: Pick<ShopOptions, 'auth' | 'backend'> = {}) =>
    [
      sslProfile({
        spec: `
  certificateRefs: [{name: shop-tls}]
  trustedClientCertificates: [{kind: ConfigMap, name: partner-ca}]
  clientAuthConfiguration:
${auth ?? options.auth ?? '    ocsp: {allowInternalAddresses: [127.0.0.1/32]}'}
  backend:
    port: ${options.appPort ?? app.port}
${backend ?? options.backend ?? ''}`,
      }),
      tlsSecret('shop-tls', server.chain, server.key),
      caConfigMap('partner-ca', [ca.bundle]),
    ] as const;
  writeManifests(folder, 'shop.yaml', documents());
  let sidecar: Sidecar | undefined;
  const start = async (port?: number) => {
    sidecar = await startSidecar(folder, {
      ...(port === undefined ? {} : { port }),
      ...(options.args === undefined ? {} : { args: options.args }),
      ...(options.environment === undefined ? {} : { environment: options.environment }),
      ...(options.program === undefined ? {} : { program: options.program }),
    });
    return sidecar;
  };
  const shop: Shop = {
    directory,
    folder,
    ca,
    server,
    ocspUrl,
    app,
    client,
    get sidecar() {
      if (sidecar === undefined) throw new Error('the sidecar has not been started');
      return sidecar;
    },
    get responder() {
      if (responder === undefined) throw new Error('the responder has not been started');
      return responder;
    },
    documents,
    write: (texts) => writeManifests(folder, 'shop.yaml', texts),
    startAgain: () => start(sidecar?.port),
    close: async () => {
      await sidecar?.stop();
      await responder?.stop();
      await app.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
  if (options.start !== false) {
    try {
      await start();
    } catch (error) {
      await shop.close();
      throw error;
    }
  }
  return shop;
}
