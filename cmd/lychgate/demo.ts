import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { type Control, controls, type Demo, startDemo } from '../../pkg/demo/demo.ts';
import { DemoFailed } from '../../pkg/demo/errors.ts';
import type { PortWish } from '../../pkg/demo/ports.ts';
import { reportRows } from '../../pkg/demo/report.ts';
import { missingRows, type Row } from '../../pkg/demo/rows.ts';
import { withoutUnsafeVariables } from '../../pkg/process/env.ts';

interface Options {
  readonly dir?: string;
  readonly keep?: true;
  readonly once?: true;
  readonly output: 'json' | 'text';
  readonly control?: Control;
  readonly port?: number;
  readonly appPort?: number;
  readonly responderPort?: number;
  readonly adminPort?: number;
}

/** `lychgate demo`: the gate, tried by every kind of client on this machine. */
export function demoCommand(): Command {
  return new Command('demo')
    .description('make a small PKI, start responder, application and gate, and try every client')
    .option('--once', 'exit after the table: 0 if every row is as it should be, else 1')
    .option('--dir <dir>', 'folder for keys, certificates and manifests (default: a fresh temporary one)')
    .option('--keep', 'leave the temporary folder')
    .option('--port <port>', 'port of the gate (default: 8443, or a free one)', readPort)
    .option('--app-port <port>', 'port of the application (default: 8080, or a free one)', readPort)
    .option('--responder-port <port>', 'port of the OCSP responder (default: 8090, or a free one)', readPort)
    .option('--admin-port <port>', "port of the gate's admin pages (default: 9844, or a free one)", readPort)
    .addOption(new Option('--control <name>', 'spoil one thing: the table must then show it').choices(controls))
    .addOption(new Option('-o, --output <format>', 'how to print').choices(['text', 'json']).default('text'))
    .action(run);
}

async function run(options: Options): Promise<void> {
  const json = options.output === 'json';
  const say = (line: string) => process.stderr.write(`${line}\n`);
  const interrupted = firstSignal();
  let demo: Demo;
  try {
    demo = await startDemo({
      wallMs: () => Date.now(),
      directory: options.dir,
      ports: {
        gate: wish(options.port, 8443),
        app: wish(options.appPort, 8080),
        responder: wish(options.responderPort, 8090),
        admin: wish(options.adminPort, 9844),
      },
      gateCommand: sidecarCommand(),
      env: withoutUnsafeVariables(process.env),
      control: options.control,
      say,
    });
  } catch (error) {
    if (!(error instanceof DemoFailed)) throw error;
    say(`lychgate demo: ${error.message}`);
    process.exitCode = 1;
    return;
  }
  try {
    const rows = await Promise.race([demo.tryClients(), interrupted]);
    if (rows === undefined) {
      process.exitCode = 130;
      return;
    }
    const asItShouldBe = missingRows(rows).length === 0 && rows.every(({ differences }) => differences.length === 0);
    process.stdout.write(json ? `${JSON.stringify(document(demo, rows, asItShouldBe), null, 2)}\n` : reportRows(rows));
    for (const name of missingRows(rows)) say(`lychgate demo: no row is about '${name}', which is expected`);
    if (!asItShouldBe) process.exitCode = 1;
    if (options.once === true) return;
    if (!json) process.stdout.write(byHand(demo, options.dir !== undefined || options.keep === true));
    const death = await Promise.race([demo.died, interrupted]);
    if (death !== undefined) {
      say(`lychgate demo: ${death}`);
      process.exitCode = 1;
    }
  } finally {
    await demo.close(options.keep === true);
  }
}

/** For machines: what the table shows, unshortened. */
function document(demo: Demo, rows: readonly Row[], asItShouldBe: boolean): object {
  return {
    asItShouldBe,
    directory: demo.directory,
    gateUrl: `https://localhost:${demo.gatePort}/`,
    appUrl: demo.appUrl,
    responderUrl: demo.responderUrl,
    adminUrl: demo.adminUrl,
    rows: rows.map(({ client, about, outcome, detail, headerValue, differences }) => ({
      client,
      about,
      ...outcome,
      detail,
      headerValue,
      differences,
    })),
  };
}

function byHand(demo: Demo, kept: boolean): string {
  const file = (name: string) => quote(join(demo.directory, name));
  const url = `https://localhost:${demo.gatePort}/`;
  const curl = (client: string) => `  curl -vk ${url} --key ${file(`${client}.key`)} --cert ${file(`${client}.crt`)}`;
  return `
Try it by hand (in another terminal):

  the application shows X-Client-Cert:
${curl('client')}

  the revoked certificate is refused, with the reason:
${curl('revoked')}

  the responder says the same to OpenSSL:
  openssl ocsp -issuer ${file('ca.crt')} -cert ${file('client.crt')} -text -url ${demo.responderUrl}

  in a browser: import this file (empty password), then open ${url}
  openssl pkcs12 -export -in ${file('client.crt')} -inkey ${file('client.key')} -out ${file('client.p12')} -passout pass:

The application without the gate: ${demo.appUrl}
What the gate says of itself:     ${demo.adminUrl}readyz, metrics, config
Its manifests, which may be edited while it runs: ${join(demo.directory, 'manifests')}
Its log:                          ${join(demo.directory, 'sidecar.log')}

Ctrl-C ends everything${kept ? '' : ` and removes ${demo.directory}`}.
`;
}

/** The sidecar beside this program: the source in development, the bundle where this is one. LYCHGATE_RUNTIME names another runtime. */
function sidecarCommand(): [string, string] {
  const source = join(import.meta.dirname, '..', 'sidecar', 'main.ts');
  return [
    process.env['LYCHGATE_RUNTIME'] ?? process.execPath,
    existsSync(source) ? source : join(import.meta.dirname, 'sidecar.js'),
  ];
}

/** Resolves at the first SIGINT, SIGTERM or SIGHUP; the second ends the process as it would without us. */
function firstSignal(): Promise<undefined> {
  return new Promise((resolve) => {
    for (const signal of ['SIGHUP', 'SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve(undefined));
  });
}

function wish(named: number | undefined, otherwise: number): PortWish {
  return named === undefined ? { port: otherwise, named: false } : { port: named, named: true };
}

function readPort(text: string): number {
  const port = Number(text);
  if (!/^\d+$/.test(text) || port > 65_535) throw new InvalidArgumentError('expected 0 (any free one) to 65535');
  return port;
}

/** For a POSIX shell. */
function quote(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
