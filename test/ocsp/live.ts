import { createPrivateKey, randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createOcspChecker } from '../../pkg/ocsp/checker.ts';
import { type Certificate } from '../../pkg/x509/certificate.ts';
import { oids } from '../../pkg/x509/extensions.ts';
import { issueCertificate } from '../../pkg/x509/issue.ts';
import { certificatesFromPem } from '../../pkg/x509/pem.ts';
import { command } from '../support/command.ts';
import { freePort } from '../support/free-port.ts';
import { ocspSettings } from '../support/judging.ts';
import { makeOpensslCa, responderExtensions, startOpensslResponder } from '../support/openssl.ts';
import { type Certomancer, startCertomancer } from './certomancer.ts';

/*
 * node test/ocsp/live.ts: responders of others, `openssl ocsp -index` and certomancer, asked by us and by `openssl ocsp`
 * as a client. Prints a line a disagreement, then `N passed, N failed`; exits 1 if any failed. What cannot be installed
 * is skipped with a notice.
 */

interface Subject {
  readonly name: string;
  readonly url: string;
  readonly certificate: Certificate;
  readonly issuer: Certificate;
  /** What both clients must say. */
  readonly want: 'good' | 'malformed' | 'revoked' | 'unauthorized' | 'unknown';
}

const directory = mkdtempSync(join(tmpdir(), 'lychgate-live-'));
const checker = createOcspChecker({
  now: () => Date.now(),
  monotonicNow: () => performance.now(),
  lookup: () => Promise.resolve([]),
  random: randomBytes,
});
let passed = 0;
let failed = 0;
const stops: (() => Promise<void>)[] = [];
try {
  const certomancer = await startCertomancer(directory);
  if (certomancer === undefined) print('certomancer cannot be installed (python3, venv and pip are needed): skipped');
  else stops.push(certomancer.stop);
  const subjects = [
    ...(await opensslSubjects()),
    ...(certomancer === undefined ? [] : certomancerSubjects(certomancer)),
  ];
  for (const subject of subjects) await compare(subject);
} finally {
  for (const stop of stops) await stop();
  checker.close();
  rmSync(directory, { recursive: true, force: true });
}
print(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;

async function compare(subject: Subject): Promise<void> {
  for (const certIdHash of ['SHA1', 'SHA256'] as const) {
    for (const nonce of ['Off', 'Required'] as const) {
      const status = await checker.check(subject.certificate, subject.issuer, {
        ...ocspSettings,
        ...{ certIdHash, nonce, timeoutMs: 5000, allowInternalAddresses: ['127.0.0.1/32'] },
        responder: { url: subject.url, use: 'Override' },
      });
      const got = status.kind === 'unavailable' ? status.cause : status.kind;
      const detail = status.kind === 'unavailable' ? status.detail : '';
      count(`${subject.name}, ${certIdHash}, nonce ${nonce}`, got, subject.want, detail);
    }
    // OpenSSL takes times that DER does not have.
    if (subject.want !== 'malformed') {
      count(
        `${subject.name}, ${certIdHash}, asked by openssl`,
        await askedByOpenssl(subject, certIdHash),
        subject.want,
      );
    }
  }
}

function count(name: string, got: string, want: string, detail = ''): void {
  if (got === want) passed += 1;
  else {
    failed += 1;
    print(`FAIL ${name}: expected ${want}, got ${got}${detail === '' ? '' : `: ${detail}`}`);
  }
}

async function askedByOpenssl({ certificate, issuer, url }: Subject, hash: 'SHA1' | 'SHA256'): Promise<string> {
  const issuerFile = join(directory, 'asked-issuer.crt');
  const certFile = join(directory, 'asked.crt');
  writeFileSync(issuerFile, issuer.pem);
  writeFileSync(certFile, certificate.pem);
  const { stdout, stderr } = await command('openssl', [
    ...['ocsp', '-issuer', issuerFile, `-${hash.toLowerCase()}`, '-cert', certFile, '-url', url],
    ...['-CAfile', issuerFile, '-partial_chain', '-timeout', '5'],
  ]);
  const error = /Responder Error: (\w+)/.exec(stdout + stderr)?.[1];
  if (error !== undefined) return error;
  if (!`${stdout}${stderr}`.includes('Response verify OK')) return `not verified: ${stderr.slice(0, 300)}`;
  return /asked\.crt: (\w+)/.exec(stdout)?.[1] ?? `nothing: ${stdout}`;
}

async function opensslSubjects(): Promise<Subject[]> {
  const subjects: Subject[] = [];
  for (const algorithm of ['EC', 'RSA'] as const) {
    const ca = await makeOpensslCa(directory, `live-${algorithm.toLowerCase()}`, algorithm);
    const prefix = algorithm.toLowerCase();
    const good = await ca.issue(`${prefix}-good`);
    const revoked = await ca.issue(`${prefix}-revoked`);
    const unknown = await ca.issue(`${prefix}-unknown`, { listed: false });
    ca.revoke(revoked);
    const signer = await ca.issue(`${prefix}-responder`, { extensions: responderExtensions });
    const direct = await startOpensslResponder(ca, await freePort());
    const delegated = await startOpensslResponder(ca, await freePort(), signer, ['-resp_key_id']);
    stops.push(direct.stop, delegated.stop);
    const issuer = read(readFileSync(ca.crt, 'utf8'));
    for (const [how, { url }] of [['direct', direct] as const, ['delegated', delegated] as const]) {
      for (const [want, { pem }] of [
        ['good', good] as const,
        ['revoked', revoked] as const,
        ['unknown', unknown] as const,
      ]) {
        subjects.push({ name: `openssl ${algorithm} ${how} ${want}`, url, certificate: read(pem), issuer, want });
      }
    }
  }
  return subjects;
}

function certomancerSubjects(certomancer: Certomancer): Subject[] {
  const subjects: Subject[] = [];
  for (const architecture of ['ec', 'rsa'] as const) {
    const issuer = read(certomancer.certificate(architecture, 'ca'));
    const key = createPrivateKey(certomancer.caKey(architecture));
    const stranger = issueCertificate({
      ...{ subject: 'CN=never seen', key, issuer: { certificate: issuer, key }, extendedKeyUsage: [oids.clientAuth] },
      ...{ notBeforeMs: Date.now() - 86_400_000, notAfterMs: Date.now() + 86_400_000 },
    });
    for (const how of ['direct', 'delegated'] as const) {
      const url = certomancer.url(architecture, how);
      const name = `certomancer ${architecture} ${how}`;
      const good = read(certomancer.certificate(architecture, 'client-good'));
      const revoked = read(certomancer.certificate(architecture, 'client-revoked'));
      subjects.push({ name: `${name} good`, url, certificate: good, issuer, want: 'good' });
      subjects.push({ name: `${name} revoked`, url, certificate: revoked, issuer, want: 'revoked' });
      // It answers as pre-signing responders do (RFC 9919 3.2.3).
      subjects.push({ name: `${name} unknown`, url, certificate: stranger, issuer, want: 'unauthorized' });
      // RFC 6960 4.2.2.1 and RFC 5280 4.1.2.5.2 have no fractions of seconds.
      const own = certomancer.url(architecture, how, '/fractions');
      subjects.push({ name: `${name} with fractions`, url: own, certificate: good, issuer, want: 'malformed' });
    }
  }
  return subjects;
}

function read(pem: string): Certificate {
  const [certificate] = certificatesFromPem(pem);
  if (certificate === undefined) throw new Error('no certificate in the PEM');
  return certificate;
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
