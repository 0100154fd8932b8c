import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, suite, test } from 'node:test';
import { ocspRequest, targetOf } from '../../pkg/ocsp/request.ts';
import { type AnswerSingle, buildOcspError } from '../../pkg/ocsp/respond.ts';
import {
  answer,
  ca,
  client,
  dayMs,
  delegate,
  nonce,
  nowMs,
  rsa,
  rsaSingles,
  single,
  twin,
} from '../../test/support/ocsp-answers.ts';
import {
  at,
  certDer,
  certPem,
  directory,
  file,
  issuerDer,
  issuerPem,
  json,
  lychgate,
  pem,
  removeFiles,
  serial,
} from '../../test/support/ocsp-command.ts';

/* `lychgate ocsp verify` from outside: files, flags, what it prints and how it exits. */
after(removeFiles);

const status = (value: AnswerSingle['status']) => ({ singles: [single({ status: value })] });
const goodDer = file('good.der', answer());
const byDelegate = delegate();

suite('lychgate ocsp verify', () => {
  const rows: readonly {
    readonly name: string;
    readonly args: readonly string[];
    readonly code: number;
    readonly report: Record<string, unknown>;
  }[] = [
    {
      name: 'good, all files DER',
      args: ['--response', goodDer, '--issuer', issuerDer, '--cert', certDer, ...at],
      code: 0,
      report: {
        status: 'good',
        reason: null,
        detail: 'signed by CN=Test Intermediate,O=Lychgate, the CA that issued the certificate',
        signer: 'CN=Test Intermediate,O=Lychgate',
        signedBy: 'issuer',
        producedAt: '2026-11-20T09:59:00Z',
        thisUpdate: '2026-11-20T09:59:00Z',
        nextUpdate: '2026-11-20T11:00:00Z',
        usableUntil: '2026-11-20T11:00:00Z',
      },
    },
    {
      name: 'good, all files PEM, by a delegate',
      args: [
        ...['--response', file('delegate.pem', pem('OCSP RESPONSE', answer({ signer: byDelegate })))],
        ...['--issuer', issuerPem, '--cert', certPem, ...at],
      ],
      code: 0,
      report: {
        status: 'good',
        reason: null,
        detail: 'signed by CN=responder, which CN=Test Intermediate,O=Lychgate authorised for OCSP',
        signer: 'CN=responder',
        signedBy: 'delegate',
        producedAt: '2026-11-20T09:59:00Z',
        thisUpdate: '2026-11-20T09:59:00Z',
        nextUpdate: '2026-11-20T11:00:00Z',
        usableUntil: '2026-11-20T11:00:00Z',
      },
    },
    {
      name: 'revoked, by serial in lower case with colons',
      args: [
        ...[
          '--response',
          file('revoked.der', answer(status({ kind: 'revoked', atMs: nowMs - dayMs, reason: 'keyCompromise' }))),
        ],
        ...['--issuer', issuerPem, '--serial', serial.toLowerCase().replace(/(..)(?=.)/g, '$1:'), ...at],
      ],
      code: 1,
      report: {
        status: 'revoked',
        reason: 'keyCompromise',
        detail:
          'since 2026-11-19T10:00:00Z, keyCompromise; signed by CN=Test Intermediate,O=Lychgate, the CA that issued the certificate',
        revokedAt: '2026-11-19T10:00:00Z',
        signer: 'CN=Test Intermediate,O=Lychgate',
        signedBy: 'issuer',
        producedAt: '2026-11-20T09:59:00Z',
        thisUpdate: '2026-11-20T09:59:00Z',
        nextUpdate: '2026-11-20T11:00:00Z',
        usableUntil: '2026-11-20T11:00:00Z',
      },
    },
    {
      name: 'without nextUpdate where that is accepted for a while',
      args: [
        ...['--response', file('no-next.der', answer({ singles: [single({ nextUpdateMs: undefined })] }))],
        ...['--issuer', issuerPem, '--cert', certPem, '--max-age-without-next-update', '120', ...at],
      ],
      code: 0,
      report: {
        status: 'good',
        reason: null,
        detail: 'signed by CN=Test Intermediate,O=Lychgate, the CA that issued the certificate',
        signer: 'CN=Test Intermediate,O=Lychgate',
        signedBy: 'issuer',
        producedAt: '2026-11-20T09:59:00Z',
        thisUpdate: '2026-11-20T09:59:00Z',
        nextUpdate: null,
        usableUntil: '2026-11-20T10:01:00Z',
      },
    },
  ];
  for (const { name, args, code, report } of rows) {
    test(name, async () => assert.deepEqual(await json('verify', ...args), { code, report }));
  }

  const sha1 = file('sha1.der', answer({ signer: rsa, singles: rsaSingles, certificates: [], hash: 'sha1' }));
  const rsaCa = file('rsa-ca.crt', rsa.certificate.pem);
  const rsaTarget = rsaSingles[0]?.target;
  const rsaSerial = rsaTarget !== undefined && 'der' in rsaTarget ? rsaTarget.serialHex : '';
  const ours = ['--issuer', issuerPem, '--cert', certPem, ...at];
  const errors: readonly (readonly [string, readonly string[], number, string, string, string?])[] = [
    ['unknown', ['--response', file('unknown.der', answer(status({ kind: 'unknown' }))), ...ours], 1, 'unknown', ''],
    [
      'a forged answer',
      ['--response', file('twin.der', answer({ signer: twin })), ...ours],
      2,
      'error',
      'untrusted-signer',
    ],
    [
      'an error answer',
      ['--response', file('later.der', buildOcspError('tryLater')), ...ours],
      2,
      'error',
      'responder-error',
    ],
    ['no DER', ['--response', file('text.der', 'hello'), ...ours], 2, 'error', 'malformed'],
    ['64 KiB and a byte', ['--response', file('huge.der', Buffer.alloc(65_537)), ...ours], 2, 'error', 'too-large'],
    [
      'a stale answer, now',
      ['--response', goodDer, '--issuer', issuerPem, '--cert', certPem, '--at', '2027-01-01T00:00:00+01:00'],
      2,
      'error',
      'stale',
    ],
    [
      'another serial',
      ['--response', goodDer, '--issuer', issuerPem, '--serial', '4711', ...at],
      2,
      'error',
      'wrong-certificate',
    ],
    [
      'another issuer',
      ['--response', goodDer, '--issuer', file('twin.crt', twin.certificate.pem), '--cert', certPem, ...at],
      2,
      'error',
      'wrong-certificate',
    ],
    ['no nextUpdate', ['--response', join(directory, 'no-next.der'), ...ours], 2, 'error', 'stale'],
    ['SHA-1', ['--response', sha1, '--issuer', rsaCa, '--serial', rsaSerial, ...at], 2, 'error', 'untrusted-signer'],
    [
      'SHA-1 where that is allowed',
      ['--response', sha1, '--issuer', rsaCa, '--serial', rsaSerial, '--allow-sha1-signature', ...at],
      0,
      'good',
      '',
    ],
    [
      'another nonce than the request has',
      [
        ...['--response', file('nonce.der', answer({ nonce: Buffer.alloc(32, 9) })), ...ours],
        ...[
          '--request',
          file('request.der', ocspRequest(targetOf(client.certificate), ca.certificate, { hash: 'sha256', nonce })),
        ],
      ],
      2,
      'error',
      'wrong-nonce',
    ],
    [
      'the nonce of the request, which is PEM',
      [
        ...['--response', file('echo.der', answer({ nonce })), ...ours],
        ...[
          '--request',
          file(
            'request.pem',
            pem('OCSP REQUEST', ocspRequest(targetOf(client.certificate), ca.certificate, { hash: 'sha256', nonce })),
          ),
        ],
      ],
      0,
      'good',
      '',
    ],
    [
      'both --cert and --serial',
      ['--response', goodDer, ...ours, '--serial', '1'],
      2,
      'error',
      'bad-input',
      'give one of --cert and --serial',
    ],
    [
      'neither',
      ['--response', goodDer, '--issuer', issuerPem],
      2,
      'error',
      'bad-input',
      'give one of --cert and --serial',
    ],
    ['no --response', ours, 2, 'error', 'bad-input', 'missing --response FILE'],
    [
      'a serial that is none',
      ['--response', goodDer, '--issuer', issuerPem, '--serial', 'xyz', ...at],
      2,
      'error',
      'bad-input',
    ],
    [
      'a time without a zone',
      ['--response', goodDer, '--issuer', issuerPem, '--cert', certPem, '--at', '2026-11-20'],
      2,
      'error',
      'bad-input',
    ],
    [
      'an age that is none',
      ['--response', goodDer, ...ours, '--max-age-without-next-update', 'Infinity'],
      2,
      'error',
      'bad-input',
    ],
    ['a file that is not there', ['--response', join(directory, 'absent'), ...ours], 2, 'error', 'bad-input'],
    [
      'a certificate that is none',
      ['--response', goodDer, '--issuer', goodDer, '--cert', certPem, ...at],
      2,
      'error',
      'bad-input',
    ],
    ['a request that is none', ['--response', goodDer, ...ours, '--request', goodDer], 2, 'error', 'bad-input'],
  ];
  for (const [name, args, code, want, reason, detail] of errors) {
    test(`${name}: ${want} ${reason}, exit code ${code}`, async () => {
      const { code: got, report } = await json('verify', ...args);
      assert.deepEqual(
        { got, status: report['status'], reason: report['reason'] ?? '' },
        { got: code, status: want, reason },
      );
      assert.equal(typeof report['detail'], 'string');
      if (detail !== undefined) assert.equal(report['detail'], detail);
    });
  }

  test('as text it says who signed by which right, and until when that counts', async () => {
    const response = file('delegate.der', answer({ signer: byDelegate }));
    const { code, stdout } = await lychgate(
      'verify',
      '--response',
      response,
      '--issuer',
      issuerPem,
      '--cert',
      certPem,
      ...at,
    );
    assert.equal(code, 0);
    assert.equal(
      stdout.toString(),
      [
        'Response verify OK',
        'client.crt: good',
        '\tThis Update: Nov 20 09:59:00 2026 GMT',
        '\tNext Update: Nov 20 11:00:00 2026 GMT',
        'Signed by CN=responder, which CN=Test Intermediate,O=Lychgate authorised for OCSP; fresh until 2026-11-20T11:00:00Z',
        `Produced at 2026-11-20T09:59:00Z, serial of the signer's certificate ${byDelegate.certificate.serialHex}`,
        '',
      ].join('\n'),
    );
  });

  test('as text it says why an answer does not count, and what is wrong with flags goes to standard error', async () => {
    const forged = await lychgate('verify', '--response', join(directory, 'twin.der'), ...ours);
    assert.match(
      forged.stdout.toString(),
      /^client\.crt: could not tell\n\tReason: untrusted-signer \(at signer\)\n\tDetail: .+\n$/,
    );
    const wrong = await lychgate('verify', '--response', goodDer, '--issuer', issuerPem);
    assert.deepEqual(
      [wrong.code, wrong.stdout.toString(), wrong.stderr],
      [2, '', 'lychgate: give one of --cert and --serial\n'],
    );
    assert.equal((await lychgate('verify', '--nonsense')).code, 2);
  });
});
