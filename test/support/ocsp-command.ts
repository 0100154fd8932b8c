import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ocspCommand } from '../../cmd/lychgate/ocsp.ts';
import { ca, client, nowMs } from './ocsp-answers.ts';

/* `lychgate ocsp` as tests run it, with files about the client certificate of ocsp-answers.ts. */

/** Where its files are. */
export const directory = mkdtempSync(join(tmpdir(), 'lychgate-ocsp-'));
const main = join(import.meta.dirname, '..', '..', 'cmd', 'lychgate', 'main.ts');
/** The time of the answers. */
export const at = ['--at', new Date(nowMs).toISOString()];
/** Of the client. */
export const serial = client.certificate.serialHex;

/** Writes a file; its path. */
export function file(name: string, content: Buffer | string): string {
  const path = join(directory, name);
  writeFileSync(path, content);
  return path;
}

/** PEM of any label. */
export function pem(label: string, bytes: Buffer): string {
  return `-----BEGIN ${label}-----\n${bytes.toString('base64').replace(/(.{64})/g, '$1\n')}\n-----END ${label}-----\n`;
}

/** The client's certificate and its issuer's, in both forms. */
export const certPem = file('client.crt', client.certificate.pem);
export const certDer = file('client.der', client.certificate.der);
export const issuerPem = file('ca.crt', ca.certificate.pem);
export const issuerDer = file('ca.der', ca.certificate.der);

/** What came of running it. */
export interface Ran {
  readonly code: number | null;
  readonly stdout: Buffer;
  readonly stderr: string;
}

/** Runs the command in place, as main.ts does: what it throws goes to standard error, with exit code 2. */
export async function lychgate(...args: readonly string[]): Promise<Ran> {
  const parts: Buffer[] = [];
  let code = 0;
  let stderr = '';
  const command = ocspCommand({
    write: (data) => parts.push(Buffer.from(data)),
    exit: (given) => {
      code = given;
    },
  });
  for (const one of [command, ...command.commands]) one.exitOverride().configureOutput({ writeErr: () => {} });
  command.enablePositionalOptions();
  try {
    await command.parseAsync([...args], { from: 'user' });
  } catch (error) {
    stderr = `lychgate: ${error instanceof Error ? error.message : String(error)}\n`;
    code = 2;
  }
  return { code, stdout: Buffer.concat(parts), stderr };
}

/** The same as a process of its own. */
export function asProcess(...args: readonly string[]): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [main, 'ocsp', ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    const parts: Buffer[] = [];
    let stderr = '';
    child.stdout.on('data', (part: Buffer) => parts.push(part));
    child.stderr.on('data', (part: Buffer) => {
      stderr += part.toString();
    });
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, stdout: Buffer.concat(parts), stderr }));
  });
}

/** Runs with `-o json`: the exit code and the object. */
export async function json(
  ...args: readonly string[]
): Promise<{ code: number | null; report: Record<string, unknown> }> {
  const { code, stdout, stderr } = await lychgate(...args, '-o', 'json');
  assert.equal(stderr, '');
  assert.equal(stdout.toString().trimEnd().includes('\n'), false, 'one line');
  return { code, report: JSON.parse(stdout.toString()) as Record<string, unknown> };
}

/** Takes the files away. */
export function removeFiles(): void {
  rmSync(directory, { recursive: true, force: true });
}
