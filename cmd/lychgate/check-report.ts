import { randomBytes } from 'node:crypto';
import { lookup } from 'node:dns/promises';
import { readFileSync } from 'node:fs';
import { compileJudge, type Explanation } from '../../pkg/clientauth/judge.ts';
import type { Presented } from '../../pkg/clientauth/pre-verdict.ts';
import { compileTrust, TrustMalformed } from '../../pkg/clientauth/trust.ts';
import { createCrlChecker } from '../../pkg/crl/checker.ts';
import { createRevocationChecker } from '../../pkg/crl/revocation.ts';
import { createOcspChecker } from '../../pkg/ocsp/checker.ts';
import type { ClientAuth, VerifyingClientAuth } from '../../pkg/policy/policy.ts';
import { toPem } from '../../pkg/x509/certificate.ts';
import { PemMalformed, pemBlocks } from '../../pkg/x509/pem.ts';
import { profileFolder } from './check-folder.ts';
import { type CheckSettingsOptions, checkSettings } from './check-settings.ts';
import { type OpensslWord, opensslWord } from './openssl-word.ts';
import { looksLikePkcs12, Pkcs12Unusable, readPkcs12 } from './pkcs12.ts';
import { UsageFault } from './usage-fault.ts';

/** What is to be judged, by what. */
export interface CheckOptions {
  readonly cert: string;
  readonly ca: string;
  readonly chain?: string;
  readonly profile?: string;
  readonly key?: string;
  /** Of a PKCS #12 file: a file with the password in its first line, or the password itself. */
  readonly passwordFile?: string;
  readonly password?: string;
  /** Unix milliseconds. */
  readonly at?: number;
  readonly ocsp: boolean;
  readonly allowInternal: readonly string[];
}

/** What `lychgate check` found; with `-o json` it is printed as it is. */
export interface CheckReport {
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

/**
 * Reads the files and judges the certificate: asks its responder where revocation is asked for, and OpenSSL where there
 * is a key. @throws UsageFault for a file that cannot be used.
 */
export async function checkCertificate(options: CheckOptions, nowMs: number): Promise<CheckReport> {
  const caPem = readText(options.ca);
  const { certificates, keyPem } = clientOf(options);
  const [leaf, ...sent] = [...certificates, ...(options.chain === undefined ? [] : blocksOf(options.chain))];
  if (leaf === undefined) throw new UsageFault(`${options.cert}: no certificate found`);
  const { profile: profileFile } = options;
  const text = profileFile === undefined ? '' : readText(profileFile);
  const folder = profileFile === undefined ? undefined : await profileFolder(profileFile, text);
  const settings = settingsOf(
    options,
    caPem,
    profileFile === undefined || folder === undefined ? undefined : { file: profileFile, text, folder },
  );
  const faults = (folder?.faults ?? []).map((fault) => `the profile cannot be used as its folder is: ${fault}`);
  const openssl: CheckReport['openssl'] =
    keyPem === undefined
      ? { kind: 'not asked', message: 'give --key to ask OpenSSL by a handshake' }
      : await opensslWord({
          certPem: [leaf, ...sent].map((der) => toPem('CERTIFICATE', der)).join(''),
          keyPem,
          caPem,
          nowMs,
        });
  const at = new Date(options.at ?? nowMs).toISOString();
  if (settings.mode === 'Off' || settings.mode === 'Passthrough') {
    const detail = `mode ${settings.mode}: no certificate is verified, and none vouched for`;
    return { verdict: 'none', reason: null, detail, subject: null, at, checks: [], openssl, notes: faults };
  }
  // OpenSSL knows only today's date, so that its word is no help for another one.
  const heard = openssl.kind === 'refuses' && options.at === undefined ? openssl.code : null;
  const explained = await explain(settings, caPem, { leaf, sent, authorizationError: heard }, options.at ?? nowMs);
  const { verdict } = explained;
  return {
    verdict: verdict.kind,
    reason: verdict.kind === 'refuse' ? verdict.reason : null,
    detail: verdict.kind === 'refuse' ? verdict.detail : '',
    subject: explained.leaf?.subject.text ?? null,
    at,
    checks: explained.checks,
    openssl,
    notes: [...notesOf(settings, options, openssl), ...faults],
  };
}

/** The checks are our own; OpenSSL's word turns the verdict where it alone refuses, as it does in the gate. */
async function explain(
  settings: VerifyingClientAuth,
  caPem: string,
  presented: Presented,
  atMs: number,
): Promise<Explanation> {
  const deps = {
    now: () => Date.now(),
    monotonicNow: () => performance.now(),
    lookup: (host: string) => lookup(host, { all: true }),
    random: randomBytes,
  };
  const ocsp = createOcspChecker(deps);
  const crl = createCrlChecker(deps);
  try {
    const judge = compileJudge(settings, compileTrust([caPem]), createRevocationChecker(ocsp, crl));
    const own = await judge.explain({ ...presented, authorizationError: null }, atMs);
    if (own.verdict.kind !== 'accept' || presented.authorizationError === null) return own;
    return { ...own, verdict: (await judge.explain(presented, atMs)).verdict };
  } finally {
    ocsp.close();
    crl.close();
  }
}

function settingsOf(options: CheckOptions, caPem: string, profile: CheckSettingsOptions['profile']): ClientAuth {
  const { allowInternal, ocsp: askOcsp } = options;
  try {
    return checkSettings({
      caPem,
      profile,
      allowInternal,
      askOcsp,
    });
  } catch (error) {
    if (error instanceof TrustMalformed) throw new UsageFault(`${options.ca}: ${error.message}`, { cause: error });
    throw error;
  }
}

function notesOf(settings: VerifyingClientAuth, options: CheckOptions, openssl: CheckReport['openssl']): string[] {
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
    notes.push(
      `no handshake came about, so OpenSSL said nothing: is ${options.key ?? 'its key'} the key of ${options.cert}?`,
    );
  }
  return notes;
}

/** 0 accept, 1 refuse, 2 could not tell. */
export function exitCodeOf({ verdict, reason, openssl }: CheckReport): 0 | 1 | 2 {
  if (openssl.kind === 'failed') return 2;
  if (verdict !== 'refuse') return 0;
  // The gate refuses, but whether the certificate is revoked is not known.
  return reason === 'RevocationUnavailable' ? 2 : 1;
}

/** The certificates that the client presents, and its key where there is one: of PEM files, or of a PKCS #12 file. */
function clientOf(options: CheckOptions): {
  readonly certificates: readonly Buffer[];
  readonly keyPem: string | undefined;
} {
  const { cert, key, passwordFile } = options;
  const bytes = readBytes(cert);
  if (bytes.includes('-----BEGIN ') || !looksLikePkcs12(bytes)) {
    if (passwordFile !== undefined) throw new UsageFault(`${cert}: --password-file is for PKCS #12, which this is not`);
    return { certificates: blocksOf(cert), keyPem: key === undefined ? undefined : readText(key) };
  }
  if (key !== undefined) throw new UsageFault(`${cert}: a PKCS #12 file has its own key; leave --key out`);
  try {
    const password =
      passwordFile === undefined ? options.password : (/^[^\r\n]*/.exec(readText(passwordFile))?.[0] ?? '');
    const { leaf, chain, keyPem } = readPkcs12(bytes, password);
    return { certificates: [leaf, ...chain], keyPem };
  } catch (error) {
    if (error instanceof Pkcs12Unusable) throw new UsageFault(`${cert}: ${error.message}`, { cause: error });
    throw error;
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
  return readBytes(file).toString('utf8');
}

function readBytes(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    throw new UsageFault(error instanceof Error ? error.message : String(error), { cause: error });
  }
}
