import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { demoManifests } from '../../pkg/demo/manifests.ts';
import { makeDemoPki, pkiFiles } from '../../pkg/demo/pki.ts';
import { answersOf, type Responder, startResponder } from '../../pkg/demo/responder.ts';
import { type CheckOptions, type CheckReport, checkCertificate, exitCodeOf } from './check-report.ts';
import { UsageFault } from './usage-fault.ts';

suite('lychgate check', () => {
  const nowMs = Math.floor(Date.now() / 1000) * 1000;
  let directory: string;
  let responder: Responder;

  before(async () => {
    directory = mkdtempSync(join(tmpdir(), 'lychgate-check-'));
    responder = await startResponder(0);
    const pki = makeDemoPki({ nowMs, responderUrl: `http://127.0.0.1:${responder.port}` });
    responder.serve(answersOf(pki, { wallMs: () => Date.now(), everythingIsGood: false }));
    for (const [name, text] of pkiFiles(pki)) writeFileSync(file(name), text);
    writeFileSync(file('both.pem'), pki.twin.certificate.pem + pki.issuing.certificate.pem + pki.root.certificate.pem);
    for (const [name, text] of demoManifests({
      ...{ port: 8443, appPort: 8080, serverCertPem: 'x', serverKeyPem: 'x', caPem: 'x', certificateHeader: true },
    })) {
      writeFileSync(file(name), text);
    }
    for (const folder of ['alias', 'broken', 'lenient', 'off', 'twice']) mkdirSync(file(folder));
    writeFileSync(file('broken/broken.yaml'), profileWith('verifyClientRevokation: OCSP'));
    writeFileSync(file('alias/alias.yaml'), profileWith('allow: *nobody'));
    writeFileSync(
      file('twice/twice.yaml'),
      `${profileWith('')}---
{kind: Secret, stringData: {tls.key: word, tls.key: word}}
`,
    );
    writeFileSync(file('off/off.yaml'), profileWith('verifyClientAuthMode: Off'));
    writeFileSync(
      file('lenient/lenient.yaml'),
      profileWith('enforcement: Report, ocsp: {onMissingResponder: Allow}, allow: [{dnsName: other.example.test}]'),
    );
    const caText = JSON.stringify(pki.root.certificate.pem);
    writeFileSync(
      file('lenient/ca.yaml'),
      `{apiVersion: v1, kind: ConfigMap, metadata: {name: partner-ca}, data: {ca.crt: ${caText}}}`,
    );
  });
  after(async () => {
    await responder.close();
    rmSync(directory, { recursive: true, force: true });
  });

  function file(name: string): string {
    return join(directory, name);
  }

  function check(client: string, change: Partial<CheckOptions> = {}): Promise<CheckReport> {
    const options = {
      cert: file(`${client}.crt`),
      ca: file('ca.crt'),
      ocsp: true,
      allowInternal: ['127.0.0.1/32'],
      ...change,
    };
    return checkCertificate(options, nowMs);
  }

  const verdicts: readonly {
    readonly client: string;
    readonly openssl: string;
    readonly reason: string | null;
    readonly failed: readonly string[];
    readonly exitCode: number;
  }[] = [
    { client: 'client', openssl: 'agrees', reason: null, failed: [], exitCode: 0 },
    { client: 'delegated', openssl: 'agrees', reason: null, failed: [], exitCode: 0 },
    { client: 'revoked', openssl: 'agrees', reason: 'Revoked', failed: ['notRevoked'], exitCode: 1 },
    { client: 'unknown', openssl: 'agrees', reason: 'RevocationUnknown', failed: ['notRevoked'], exitCode: 1 },
    { client: 'impostor', openssl: 'agrees', reason: 'RevocationUnavailable', failed: ['notRevoked'], exitCode: 2 },
    { client: 'no-aia', openssl: 'agrees', reason: 'ResponderMissing', failed: ['notRevoked'], exitCode: 1 },
    { client: 'expired', openssl: 'CERT_HAS_EXPIRED', reason: 'Expired', failed: ['withinValidity'], exitCode: 1 },
    {
      client: 'not-yet-valid',
      openssl: 'CERT_NOT_YET_VALID',
      reason: 'NotYetValid',
      failed: ['withinValidity'],
      exitCode: 1,
    },
    {
      client: 'server-only',
      openssl: 'INVALID_PURPOSE',
      reason: 'WrongPurpose',
      failed: ['purposeIsClientAuth'],
      exitCode: 1,
    },
    {
      client: 'stranger',
      openssl: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
      reason: 'UntrustedIssuer',
      failed: ['pathTrusted'],
      exitCode: 1,
    },
    {
      client: 'twin',
      openssl: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
      reason: 'UntrustedIssuer',
      failed: ['pathTrusted'],
      exitCode: 1,
    },
  ];
  for (const { client, openssl, reason, failed, exitCode } of verdicts) {
    test(`${client}: ${reason ?? 'accepted'}, OpenSSL's word is ${openssl}`, async () => {
      const report = await check(client, { key: file(`${client}.key`) });
      assert.deepEqual(
        {
          openssl: report.openssl.kind === 'refuses' ? report.openssl.code : report.openssl.kind,
          verdict: report.verdict,
          reason: report.reason,
          failed: report.checks.filter(({ outcome }) => outcome === 'fail').map(({ check: name }) => name),
          exitCode: exitCodeOf(report),
        },
        { openssl, verdict: reason === null ? 'accept' : 'refuse', reason, failed, exitCode },
      );
    });
  }

  const settings: readonly {
    readonly name: string;
    readonly client: string;
    readonly change: () => Partial<CheckOptions>;
    readonly want: Partial<CheckReport>;
    readonly exitCode: number;
  }[] = [
    {
      name: 'without a key OpenSSL is not asked, and that is said',
      client: 'client',
      change: () => ({}),
      want: {
        verdict: 'accept',
        openssl: { kind: 'not asked', message: 'give --key to ask OpenSSL by a handshake' },
        notes: [],
      },
      exitCode: 0,
    },
    {
      name: 'a loopback responder is not asked unless it is allowed',
      client: 'client',
      change: () => ({ allowInternal: [] }),
      want: { verdict: 'refuse', reason: 'RevocationUnavailable' },
      exitCode: 2,
    },
    {
      name: "a profile's settings apply",
      client: 'client',
      change: () => ({ allowInternal: [], profile: file('ssl-profile.yaml') }),
      want: { verdict: 'accept' },
      exitCode: 0,
    },
    {
      name: "a profile's allow list applies, and Report is told",
      client: 'client',
      change: () => ({ profile: file('lenient/lenient.yaml') }),
      want: {
        verdict: 'refuse',
        reason: 'NotAllowed',
        notes: [
          'enforcement is Report: the gate refuses nobody, it counts, logs and forwards without a proof',
          // The ConfigMap of its CAs is beside it.
          'the profile cannot be used as its folder is: lenient.yaml:6: SslProfile default/shop: spec.certificateRefs[0]: Secret default/shop-tls does not exist; create it or correct the name',
        ],
      },
      exitCode: 1,
    },
    {
      name: 'mode Off verifies nothing',
      client: 'revoked',
      change: () => ({ profile: file('off/off.yaml') }),
      want: { verdict: 'none', detail: 'mode Off: no certificate is verified, and none vouched for', checks: [] },
      exitCode: 0,
    },
    {
      name: 'without OCSP the revoked one passes, and that is said',
      client: 'revoked',
      change: () => ({ ocsp: false }),
      want: { verdict: 'accept', notes: ['revocation was not asked for'] },
      exitCode: 0,
    },
    {
      name: 'another date is for certificates only',
      client: 'client',
      change: () => ({ at: nowMs + 31 * 86_400_000, key: file('client.key'), ocsp: false }),
      want: {
        verdict: 'refuse',
        reason: 'Expired',
        openssl: { kind: 'agrees' },
        notes: [
          '--at moves the dates of certificates only: revocation is asked, and OpenSSL judges, as of now',
          'revocation was not asked for',
        ],
      },
      exitCode: 1,
    },
    {
      name: 'the expired one passes at a time when it was valid',
      client: 'expired',
      change: () => ({ at: nowMs - 7_200_000, key: file('expired.key') }),
      want: { verdict: 'accept', openssl: { kind: 'refuses', code: 'CERT_HAS_EXPIRED' } },
      exitCode: 0,
    },
    {
      name: "a twin sent along does not mislead; our path and OpenSSL's agree",
      client: 'client',
      change: () => ({ chain: file('both.pem'), key: file('client.key') }),
      want: { verdict: 'accept', openssl: { kind: 'agrees' } },
      exitCode: 0,
    },
  ];
  for (const { name, client, change, want, exitCode } of settings) {
    test(name, async () => {
      const report = await check(client, change());
      assert.deepEqual({ ...report, ...want }, report);
      assert.equal(exitCodeOf(report), exitCode);
    });
  }

  test("a key that is not the certificate's is told, and nothing is concluded", async () => {
    const report = await check('client', { key: file('revoked.key') });
    assert.equal(report.openssl.kind, 'failed');
    assert.match(report.notes.join(), /is .*revoked\.key the key of .*client\.crt\?$/);
    assert.equal(exitCodeOf(report), 2);
  });

  const faults: readonly {
    readonly name: string;
    readonly change: () => Partial<CheckOptions>;
    readonly want: RegExp;
  }[] = [
    { name: 'a file that is not there', change: () => ({ cert: file('nobody.crt') }), want: /ENOENT.*nobody\.crt/ },
    {
      name: 'a file without a certificate',
      change: () => ({ cert: file('off/off.yaml') }),
      want: /off\.yaml: no certificate found/,
    },
    {
      name: 'a key in place of a certificate',
      change: () => ({ cert: file('client.key') }),
      want: /a private key .* remove it/,
    },
    { name: 'a CA file without a CA', change: () => ({ ca: file('client.crt') }), want: /client\.crt: .* is not a CA/ },
    { name: 'a CA file without a root', change: () => ({ ca: file('server.crt') }), want: /server\.crt: / },
    {
      name: 'an unknown field of the profile, with the nearest known one',
      change: () => ({ profile: file('broken/broken.yaml') }),
      want: /broken\.yaml: spec\.clientAuthConfiguration\.verifyClientRevokation: .*verifyClientRevocation/,
    },
    {
      name: 'YAML that cannot be read, by file and line, without what stands there: it may be a key',
      change: () => ({ profile: file('twice/twice.yaml') }),
      want: /^\S*twice\.yaml:11: [^\n]*unique$/,
    },
    {
      name: 'an alias of nothing',
      change: () => ({ profile: file('alias/alias.yaml') }),
      want: /alias\.yaml:\d+: .*alias/i,
    },
    {
      name: 'a file without a profile',
      change: () => ({ profile: file('rewrite-set.yaml') }),
      want: /rewrite-set\.yaml: expected one SslProfile, found 0/,
    },
    {
      name: 'an address that is none',
      change: () => ({ allowInternal: ['here'] }),
      want: /allowInternalAddresses\[0\]: .*here/,
    },
  ];
  for (const { name, change, want } of faults) {
    test(`tells of ${name}`, async () => {
      await assert.rejects(check('client', change()), (error) => {
        assert.ok(error instanceof UsageFault);
        assert.match(error.message, want);
        return true;
      });
    });
  }
});

function profileWith(configuration: string): string {
  return `apiVersion: lychgate.dev/v1alpha1
kind: SslProfile
metadata: {name: shop}
spec:
  selector: {matchLabels: {app: shop}}
  certificateRefs: [{name: shop-tls}]
  trustedClientCertificates: [{kind: ConfigMap, name: partner-ca}]
  clientAuthConfiguration: {${configuration}}
  backend: {port: 8080}
`;
}
