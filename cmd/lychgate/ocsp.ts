import { randomBytes } from 'node:crypto';
import { lookup } from 'node:dns/promises';
import { writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { Command, Option } from 'commander';
import { durationMs } from '../../pkg/api/duration.ts';
import { askResponders } from '../../pkg/ocsp/ask.ts';
import { parseOcspRequest } from '../../pkg/ocsp/read-request.ts';
import { ocspRequest, targetOf } from '../../pkg/ocsp/request.ts';
import { createTransport } from '../../pkg/ocsp/transport.ts';
import { type Verified, verifyResponse } from '../../pkg/ocsp/verify.ts';
import type { OcspSettings } from '../../pkg/policy/policy.ts';
import { systemClock } from '../../pkg/process/clock.ts';
import type { Certificate } from '../../pkg/x509/certificate.ts';
import { readCertificate, readDerFile, readIssuer, serialFromHex } from './ocsp-input.ts';
import { exitCodeOf, inputFaultJson, type Outcome, type ReportContext, reportJson, reportText } from './ocsp-report.ts';

/** Where a command writes and how it ends; handed in so that it can be run in place. */
export interface CommandOutput {
  write(data: Buffer | string): void;
  exit(code: number): void;
}

/** `lychgate ocsp`: asks a responder and explains; `verify` judges an answer out of a file, `request` writes a question. */
export function ocspCommand(out: CommandOutput = processOutput): Command {
  return new Command('ocsp')
    .description(
      'Ask whether a certificate is revoked, as the gate would. Exit code: 0 good, 1 revoked or unknown, 2 could not tell.',
    )
    .option('--cert <file>', 'the certificate, PEM or DER; of a chain the first')
    .option('--issuer <file>', "its issuer's certificate; of a bundle the one that issued it")
    .option('--url <url>', "ask this responder instead of the certificate's own")
    .option('--allow-internal <cidr...>', 'addresses that are not public but may be asked, such as 127.0.0.1/32', [])
    .option('--timeout <duration>', 'for the whole question', '2s')
    .addOption(new Option('--hash <name>', 'of the CertID').choices(['sha256', 'sha1']).default('sha256'))
    .addOption(new Option('--nonce <mode>', 'send a nonce').choices(['off', 'optional', 'required']).default('off'))
    .option('--allow-sha1-signature', 'accept answers signed with SHA-1', false)
    .addOption(outputOption())
    .action(reported(ask, out))
    .addCommand(verifyCommand(out))
    .addCommand(requestCommand(out));
}

interface AskFlags extends OutputFlags {
  cert?: string;
  issuer?: string;
  url?: string;
  allowInternal: string[];
  timeout: string;
  hash: 'sha1' | 'sha256';
  nonce: 'off' | 'optional' | 'required';
  allowSha1Signature: boolean;
}

async function ask(flags: AskFlags, out: CommandOutput): Promise<void> {
  const certificatePath = needed(flags.cert, '--cert');
  const certificate = readCertificate(certificatePath);
  const issuer = readIssuer(needed(flags.issuer, '--issuer'), certificate);
  const settings = settingsOf(flags);
  const { transport, deps } = network();
  const asked = await askResponders({ certificate, issuer, settings }, deps);
  transport.close();
  const name = basename(certificatePath);
  if (asked.kind === 'responder-missing') {
    const detail = `${asked.detail}: give one with --url`;
    return show(
      { kind: 'error', step: 'responder', cause: 'responder-missing', softenable: false, detail },
      { name, issuer },
      flags,
      out,
    );
  }
  const { attempts } = asked;
  const last = asked.kind === 'answer' ? attempts.at(-1) : attempts.find(({ outcome }) => outcome === asked.fault);
  const outcome: Verified = asked.kind === 'answer' ? asked.answer : { kind: 'error', ...asked.fault };
  show(outcome, { name, issuer, ...(last === undefined ? {} : { asked: last }), hint: hintFor(outcome) }, flags, out);
}

function network() {
  const transport = createTransport({
    lookup: (host) => lookup(host, { all: true }),
    monotonicNow: systemClock.monotonicMs,
    jitter: Math.random,
  });
  const sha1Only = new Set<string>();
  const deps = {
    transport,
    now: systemClock.wallMs,
    monotonicNow: systemClock.monotonicMs,
    random: randomBytes,
    sha1Only,
  };
  return { transport, deps };
}

function settingsOf(flags: AskFlags): OcspSettings {
  return {
    ...(flags.url === undefined ? {} : { responder: { url: flags.url, use: 'Override' } }),
    timeoutMs: timeoutOf(flags.timeout),
    maxAgeMs: 0,
    clockSkewMs,
    nonce: flags.nonce === 'off' ? 'Off' : flags.nonce === 'optional' ? 'Optional' : 'Required',
    certIdHash: flags.hash === 'sha1' ? 'SHA1' : 'SHA256',
    onMissingResponder: 'Deny',
    onUnavailable: 'Deny',
    responderAllowList: [],
    allowInternalAddresses: flags.allowInternal,
    maxAgeWithoutNextUpdateMs: 0,
    sha1Signatures: flags.allowSha1Signature ? 'Allow' : 'Deny',
    scope: 'Leaf',
    trustedResponders: [],
    responderCas: [],
  };
}

function timeoutOf(text: string): number {
  const timeoutMs = durationMs(text);
  if (timeoutMs === undefined || timeoutMs <= 0)
    throw new Error(`--timeout '${text}' is not a duration: write it like 2s`);
  return timeoutMs;
}

function hintFor(outcome: Verified): string | undefined {
  if (outcome.kind !== 'error' || outcome.cause !== 'address-refused') return undefined;
  const cidr = /add '([^']+)' to allowInternalAddresses/.exec(outcome.detail)?.[1];
  return cidr === undefined ? undefined : `here: --allow-internal ${cidr}`;
}

function verifyCommand(out: CommandOutput): Command {
  return new Command('verify')
    .description('Judge an OCSP answer out of a file. Exit code: 0 good, 1 revoked or unknown, 2 it does not count.')
    .option('--response <file>', 'the answer, DER or PEM')
    .option('--issuer <file>', 'the certificate of the CA')
    .option('--cert <file>', 'the certificate that it should be about')
    .option('--serial <hex>', 'its serial, where there is no certificate')
    .option('--request <file>', 'the request, for its nonce')
    .option('--at <time>', 'judge as of this time, such as 2026-11-20T10:00:00Z')
    .option('--allow-sha1-signature', 'accept an answer signed with SHA-1', false)
    .option('--max-age-without-next-update <seconds>', 'accept an answer without nextUpdate for so long', '0')
    .addOption(outputOption())
    .action(reported(verify, out));
}

interface VerifyFlags extends OutputFlags {
  response?: string;
  issuer?: string;
  cert?: string;
  serial?: string;
  request?: string;
  at?: string;
  allowSha1Signature: boolean;
  maxAgeWithoutNextUpdate: string;
}

function verify(flags: VerifyFlags, out: CommandOutput): void {
  if ((flags.cert === undefined) === (flags.serial === undefined)) throw new Error('give one of --cert and --serial');
  const responsePath = needed(flags.response, '--response');
  const issuerPath = needed(flags.issuer, '--issuer');
  const nowMs = flags.at === undefined ? systemClock.wallMs() : timeOf(flags.at);
  const seconds = flags.maxAgeWithoutNextUpdate;
  if (!/^\d{1,9}$/.test(seconds)) {
    throw new Error(`--max-age-without-next-update '${seconds}' is not a number of seconds: write it like 3600`);
  }
  const certificate = flags.cert === undefined ? undefined : readCertificate(flags.cert);
  const issuer = readIssuer(issuerPath, certificate);
  const outcome = verifyResponse({
    response: readDerFile(responsePath),
    target: certificate === undefined ? bySerial(issuer, flags.serial ?? '') : targetOf(certificate),
    certificate,
    issuer,
    nowMs,
    sentNonce: flags.request === undefined ? undefined : parseOcspRequest(readDerFile(flags.request)).nonce,
    options: {
      clockSkewMs,
      maxAgeWithoutNextUpdateMs: Number(seconds) * 1000,
      nonce: 'Off',
      sha1Signatures: flags.allowSha1Signature ? 'Allow' : 'Deny',
      trustedResponders: [],
    },
  });
  show(
    outcome,
    { name: flags.cert === undefined ? `serial ${flags.serial}` : basename(flags.cert), issuer },
    flags,
    out,
  );
}

/** With its zone: a time of no zone would be another one on another machine. */
function timeOf(text: string): number {
  const ms = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)$/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(ms)) throw new Error(`--at '${text}' is not a time with a zone: write it like 2026-11-20T10:00:00Z`);
  return ms;
}

function bySerial(issuer: Certificate, hex: string) {
  return { issuerName: issuer.subject.der, serial: serialFromHex(hex) };
}

function requestCommand(out: CommandOutput): Command {
  return new Command('request')
    .description('Write the exact request that would be sent, as DER.')
    .requiredOption('--cert <file>', 'the certificate')
    .requiredOption('--issuer <file>', "its issuer's certificate")
    .addOption(new Option('--hash <name>', 'of the CertID').choices(['sha256', 'sha1']).default('sha256'))
    .option('--nonce <hex>', 'with this nonce')
    .option('--out <file>', 'to this file instead of standard output')
    .action((flags: { cert: string; issuer: string; hash: 'sha1' | 'sha256'; nonce?: string; out?: string }) => {
      if (flags.nonce !== undefined && !/^([0-9a-f]{2}){1,128}$/i.test(flags.nonce)) {
        throw new Error(`--nonce '${flags.nonce}' is not hexadecimal of 1 to 128 octets`);
      }
      const certificate = readCertificate(flags.cert);
      const issuer = readIssuer(flags.issuer, certificate);
      const nonce = flags.nonce === undefined ? undefined : Buffer.from(flags.nonce, 'hex');
      const request = ocspRequest(targetOf(certificate), issuer, { hash: flags.hash, nonce });
      if (flags.out === undefined) out.write(request);
      else writeFileSync(flags.out, request);
    });
}

interface OutputFlags {
  output: 'json' | 'text';
}

function outputOption(): Option {
  return new Option('-o, --output <form>', 'how to print it').choices(['text', 'json']).default('text');
}

function show(outcome: Outcome, context: ReportContext, { output }: OutputFlags, out: CommandOutput): void {
  out.write(`${output === 'json' ? reportJson(outcome, context) : reportText(outcome, context)}\n`);
  out.exit(exitCodeOf(outcome));
}

/** What goes wrong before there is an outcome is reported in the form that was asked for too. */
function reported<Flags extends OutputFlags>(
  action: (flags: Flags, out: CommandOutput) => Promise<void> | void,
  out: CommandOutput,
) {
  return async (flags: Flags): Promise<void> => {
    try {
      await action(flags, out);
    } catch (error) {
      if (flags.output !== 'json') throw error;
      out.write(`${inputFaultJson(error)}\n`);
      out.exit(2);
    }
  };
}

function needed(value: string | undefined, flag: string): string {
  if (value === undefined) throw new Error(`missing ${flag} FILE`);
  return value;
}

const clockSkewMs = 300_000;
const processOutput: CommandOutput = {
  write: (data) => void process.stdout.write(data),
  exit: (code) => {
    process.exitCode = code;
  },
};
