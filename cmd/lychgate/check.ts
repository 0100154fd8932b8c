import { randomBytes } from 'node:crypto';
import { lookup } from 'node:dns/promises';
import { readFileSync } from 'node:fs';
import { Command, InvalidArgumentError, Option } from 'commander';
import { compileJudge, type Explanation, type Presented } from '../../pkg/clientauth/judge.ts';
import { compileTrust, TrustMalformed } from '../../pkg/clientauth/trust.ts';
import { createOcspChecker } from '../../pkg/ocsp/checker.ts';
import type { ClientAuth, VerifyingClientAuth } from '../../pkg/policy/policy.ts';
import { toPem } from '../../pkg/x509/certificate.ts';
import { PemMalformed, pemBlocks } from '../../pkg/x509/pem.ts';
import { checkSettings } from './check-settings.ts';
import { type OpensslWord, opensslWord } from './openssl-word.ts';
import { UsageFault } from './usage-fault.ts';

interface Options {
  readonly cert: string;
  readonly ca: string;
  readonly chain?: string;
  readonly profile?: string;
  readonly key?: string;
  /** Unix milliseconds. */
  readonly at?: number;
  readonly ocsp: boolean;
  readonly allowInternal: readonly string[];
  readonly output: 'json' | 'text';
}

/** What `lychgate check` found; with `-o json` it is printed as it is. */
interface CheckReport {
  readonly verdict: 'accept' | 'none' | 'refuse';
  readonly reason: string | null;
  readonly detail: string;
  readonly subject: string | null;
  /** ISO 8601. */
  readonly at: string;
  readonly checks: Explanation['checks'];
  readonly openssl: OpensslWord | { readonly kind: 'not asked'; readonly message: string };
  readonly notes: readonly string[];
}

/** `lychgate check`: a certificate's verdict, check by check. Exit code 0 accept, 1 refuse, 2 could not tell. */
export function checkCommand(): Command {
  return new Command('check')
    .description(
      'judge a client certificate as the gate would, check by check; exit code 0 accept, 1 refuse, 2 could not tell',
    )
    .requiredOption('--cert <file>', 'PEM of the client certificate; what follows it counts as sent along')
    .requiredOption('--ca <file>', 'PEM of the trusted CAs: at least one self-signed root, with its intermediates')
    .option('--chain <file>', 'PEM of further certificates that the client sends')
    .option('--profile <file>', 'SslProfile whose clientAuthConfiguration applies (default: the strict defaults)')
    .option('--key <file>', "PEM of the client's key: asks OpenSSL too, by a handshake on 127.0.0.1")
    .option('--at <time>', 'judge dates at this time, such as 2026-11-20T10:00:00Z (default: now)', readTime)
    .option('--no-ocsp', 'leave revocation out')
    .option('--allow-internal <cidr>', 'non-public addresses that responders may have (repeatable)', collect, [])
    .addOption(new Option('-o, --output <format>', 'how to print').choices(['text', 'json']).default('text'))
    .action(run);
}

async function run(options: Options): Promise<void> {
  try {
    const report = await check(options, Date.now());
    process.stdout.write(options.output === 'json' ? `${JSON.stringify(report, null, 2)}\n` : textOf(report));
    process.exitCode = exitCodeOf(report);
  } catch (error) {
    if (!(error instanceof UsageFault)) throw error;
    process.stderr.write(`lychgate check: ${error.message}\n`);
    process.exitCode = 2;
  }
}

async function check(options: Options, nowMs: number): Promise<CheckReport> {
  const caPem = readText(options.ca);
  const [leaf, ...sent] = [...blocksOf(options.cert), ...(options.chain === undefined ? [] : blocksOf(options.chain))];
  if (leaf === undefined) throw new UsageFault(`${options.cert}: no certificate found`);
  const settings = settingsOf(options, caPem);
  const openssl: CheckReport['openssl'] =
    options.key === undefined
      ? { kind: 'not asked', message: 'give --key to ask OpenSSL by a handshake' }
      : await opensslWord({
          certPem: [leaf, ...sent].map((der) => toPem('CERTIFICATE', der)).join(''),
          keyPem: readText(options.key),
          caPem,
          nowMs,
        });
  const base = { openssl, at: new Date(options.at ?? nowMs).toISOString() };
  if (settings.mode === 'Off' || settings.mode === 'Passthrough') {
    const detail = `mode ${settings.mode}: no certificate is verified, and none vouched for`;
    return { ...base, verdict: 'none', reason: null, detail, subject: null, checks: [], notes: [] };
  }
  // OpenSSL knows only today's date, so that its word is no help for another one.
  const heard = openssl.kind === 'refuses' && options.at === undefined ? openssl.code : null;
  const explained = await explain(settings, caPem, { leaf, sent, authorizationError: heard }, options.at ?? nowMs);
  const { verdict } = explained;
  return {
    ...base,
    verdict: verdict.kind,
    reason: verdict.kind === 'refuse' ? verdict.reason : null,
    detail: verdict.kind === 'refuse' ? verdict.detail : '',
    subject: explained.leaf?.subject.text ?? null,
    checks: explained.checks,
    notes: notesOf(settings, options, openssl),
  };
}

async function explain(
  settings: VerifyingClientAuth,
  caPem: string,
  presented: Presented,
  atMs: number,
): Promise<Explanation> {
  const ocsp = createOcspChecker({
    now: () => Date.now(),
    monotonicNow: () => performance.now(),
    lookup: (host) => lookup(host, { all: true }),
    random: randomBytes,
  });
  try {
    return await compileJudge(settings, compileTrust([caPem]), ocsp).explain(presented, atMs);
  } finally {
    ocsp.close();
  }
}

function settingsOf(options: Options, caPem: string): ClientAuth {
  const { profile, allowInternal, ocsp: askOcsp } = options;
  try {
    return checkSettings({
      caPem,
      profile: profile === undefined ? undefined : { file: profile, text: readText(profile) },
      allowInternal,
      askOcsp,
    });
  } catch (error) {
    if (error instanceof TrustMalformed) throw new UsageFault(`${options.ca}: ${error.message}`, { cause: error });
    throw error;
  }
}

function notesOf(settings: VerifyingClientAuth, options: Options, openssl: CheckReport['openssl']): string[] {
  const notes: string[] = [];
  if (options.at !== undefined) {
    notes.push('--at moves the dates of certificates only: revocation is asked, and OpenSSL judges, as of now');
  }
  if (settings.revocation.kind === 'none') notes.push('revocation was not asked for');
  if (settings.enforcement === 'Report') {
    notes.push('enforcement is Report: the gate refuses nobody, it counts, logs and forwards without a proof');
  }
  if (settings.publicPaths.length > 0) notes.push('publicPaths need no certificate; this is the verdict on all others');
  if (openssl.kind === 'failed') {
    notes.push(`no handshake came about, so OpenSSL said nothing: is ${options.key} the key of ${options.cert}?`);
  }
  return notes;
}

function exitCodeOf({ verdict, reason, openssl }: CheckReport): 0 | 1 | 2 {
  if (openssl.kind === 'failed') return 2;
  if (verdict !== 'refuse') return 0;
  // The gate refuses, but whether the certificate is revoked is not known.
  return reason === 'RevocationUnavailable' ? 2 : 1;
}

function textOf({ verdict, reason, detail, subject, at, checks, openssl, notes }: CheckReport): string {
  const words = detail === '' ? '' : ` (${detail})`;
  const lines = [
    verdict === 'refuse' ? `refuse: ${reason}${words}` : `${verdict}${words}`,
    '',
    `certificate  ${subject ?? '–'}`,
    `judged at    ${at}`,
    '',
  ];
  if (checks.length > 0) {
    lines.push('our own path:');
    for (const { check: name, outcome, detail: found } of checks) {
      lines.push(`  ${outcome}  ${name.padEnd(checkWidth)}  ${found}`.trimEnd());
    }
    lines.push('');
  }
  lines.push(`OpenSSL (by a handshake): ${opensslText(openssl)}`);
  for (const note of notes) lines.push(`note: ${note}`);
  return `${lines.join('\n')}\n`;
}

function opensslText(openssl: CheckReport['openssl']): string {
  switch (openssl.kind) {
    case 'agrees':
      return 'trusted';
    case 'refuses':
      return openssl.code;
    default:
      return `${openssl.kind}: ${openssl.message}`;
  }
}

function blocksOf(file: string): Buffer[] {
  try {
    return pemBlocks(readText(file)).map(({ label, der }) => {
      if (label !== 'CERTIFICATE') throw new UsageFault(`${file}: expected CERTIFICATE, found ${label}`);
      return der;
    });
  } catch (error) {
    if (error instanceof PemMalformed) throw new UsageFault(`${file}: ${error.message}`, { cause: error });
    throw error;
  }
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new UsageFault(error instanceof Error ? error.message : String(error), { cause: error });
  }
}

function readTime(text: string): number {
  const atMs = Date.parse(text);
  // Without a zone the result would depend on the machine.
  if (Number.isNaN(atMs) || !/(Z|[+-]\d\d:\d\d)$/i.test(text)) {
    throw new InvalidArgumentError('expected ISO 8601 with a zone, such as 2026-11-20T10:00:00Z');
  }
  return atMs;
}

function collect(value: string, before: readonly string[]): readonly string[] {
  return [...before, value];
}

const checkWidth = 'purposeIsClientAuth'.length;
