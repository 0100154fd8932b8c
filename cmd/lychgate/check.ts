import { Command, InvalidArgumentError, Option } from 'commander';
import { type CheckOptions, type CheckReport, checkCertificate, exitCodeOf } from './check-report.ts';
import { UsageFault } from './usage-fault.ts';

/**
 * `lychgate check`: a certificate's verdict, check by check. Exit code 0 accept, 1 refuse, 2 could not tell. `password`
 * is that of a PKCS #12 file, from the environment.
 */
export function checkCommand(password: string | undefined): Command {
  return new Command('check')
    .description(
      'judge a client certificate as the gate would, check by check; exit code 0 accept, 1 refuse, 2 could not tell',
    )
    .requiredOption(
      '--cert <file>',
      'PEM of the client certificate, what follows counts as sent along; or a PKCS #12 file',
    )
    .requiredOption('--ca <file>', 'PEM of the trusted CAs: at least one self-signed root, with its intermediates')
    .option('--chain <file>', 'PEM of further certificates that the client sends')
    .option(
      '--profile <file>',
      'SslProfile whose clientAuthConfiguration applies, with what it refers to in the same folder (default: the strict defaults)',
    )
    .option('--key <file>', "PEM of the client's key: asks OpenSSL too, by a handshake on 127.0.0.1")
    .option(
      '--password-file <file>',
      'password of a PKCS #12 file, the first line of this one (default: LYCHGATE_PASSWORD of the environment)',
    )
    .option('--at <time>', 'judge dates at this time, such as 2026-11-20T10:00:00Z (default: now)', readTime)
    .option('--no-ocsp', 'leave revocation out')
    .option('--allow-internal <cidr...>', 'non-public addresses that responders may have, such as 127.0.0.1/32', [])
    .addOption(new Option('-o, --output <format>', 'how to print').choices(['text', 'json']).default('text'))
    .action((options: Options) => run(password === undefined ? options : { password, ...options }));
}

type Options = CheckOptions & { readonly output: 'json' | 'text' };

async function run(options: Options): Promise<void> {
  try {
    const report = await checkCertificate(options, Date.now());
    process.stdout.write(options.output === 'json' ? `${JSON.stringify(report, null, 2)}\n` : textOf(report));
    process.exitCode = exitCodeOf(report);
  } catch (error) {
    if (!(error instanceof UsageFault)) throw error;
    process.stderr.write(`lychgate check: ${error.message}\n`);
    process.exitCode = 2;
  }
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

function readTime(text: string): number {
  const atMs = Date.parse(text);
  // Without a zone the result would depend on the machine.
  if (Number.isNaN(atMs) || !/(Z|[+-]\d\d:\d\d)$/i.test(text)) {
    throw new InvalidArgumentError('expected ISO 8601 with a zone, such as 2026-11-20T10:00:00Z');
  }
  return atMs;
}

const checkWidth = 'purposeIsClientAuth'.length;
