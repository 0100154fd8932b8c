import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, suite, test } from 'node:test';
import { ocspRequest, targetOf } from '../../pkg/ocsp/request.ts';
import { succeed } from '../../test/support/command.ts';
import { answer, ca, client, delegate, nonce, nowMs } from '../../test/support/ocsp-answers.ts';
import {
  asProcess,
  at,
  certDer,
  certPem,
  directory,
  file,
  issuerDer,
  issuerPem,
  json,
  lychgate,
  type Ran,
  removeFiles,
  serial,
} from '../../test/support/ocsp-command.ts';
import { startOcspResponder } from '../../test/support/ocsp-responder.ts';

/* `lychgate ocsp`, its subcommands as a process, and `lychgate ocsp request`. */
after(removeFiles);

const goodDer = file('good.der', answer());

suite('lychgate as a process', () => {
  const verify = ['verify', '--response', goodDer, '--issuer', issuerPem];

  test('takes flags of a subcommand that its parent has too, and ends with the exit code', async () => {
    const [good, refused] = await Promise.all([
      asProcess(...verify, '--cert', certPem, ...at, '-o', 'json'),
      asProcess(...verify, '--serial', '4711', ...at, '-o', 'json'),
    ]);
    const statusOf = ({ stdout }: Ran) => (JSON.parse(stdout.toString()) as { status: string }).status;
    assert.deepEqual([good.code, statusOf(good), refused.code, statusOf(refused)], [0, 'good', 2, 'error']);
  });

  test('writes the request to standard output, and what is wrong with flags to standard error', async () => {
    const [request, wrong] = await Promise.all([
      asProcess('request', '--cert', certPem, '--issuer', issuerPem),
      asProcess(...verify),
    ]);
    const want = ocspRequest(targetOf(client.certificate), ca.certificate, { hash: 'sha256' });
    assert.equal(request.stdout.toString('hex'), want.toString('hex'));
    assert.deepEqual(
      [wrong.code, wrong.stdout.toString(), wrong.stderr],
      [2, '', 'lychgate: give one of --cert and --serial\n'],
    );
  });
});

suite('lychgate ocsp request', () => {
  for (const hash of ['sha1', 'sha256'] as const) {
    test(`writes openssl's bytes with ${hash}`, async () => {
      const theirs = join(directory, `${hash}.req`);
      await succeed('openssl', [
        'ocsp',
        '-issuer',
        issuerPem,
        `-${hash}`,
        '-cert',
        certPem,
        '-no_nonce',
        '-reqout',
        theirs,
      ]);
      const toOutput = await lychgate('request', '--cert', certDer, '--issuer', issuerDer, '--hash', hash);
      const path = join(directory, `${hash}.ours`);
      const toFile = await lychgate('request', '--cert', certPem, '--issuer', issuerPem, '--hash', hash, '--out', path);
      assert.deepEqual([toOutput.code, toFile.code, toFile.stdout.length], [0, 0, 0]);
      const want = readFileSync(theirs).toString('hex');
      assert.deepEqual([toOutput.stdout.toString('hex'), readFileSync(path).toString('hex')], [want, want]);
    });
  }

  test('writes the nonce that is given, and openssl reads it', async () => {
    const path = join(directory, 'nonce.req');
    const hex = nonce.toString('hex');
    assert.equal(
      (await lychgate('request', '--cert', certPem, '--issuer', issuerPem, '--nonce', hex, '--out', path)).code,
      0,
    );
    const text = await succeed('openssl', ['ocsp', '-reqin', path, '-req_text']);
    assert.match(text, new RegExp(`Nonce:\\s+0420${hex}`, 'i'));
    assert.equal((await lychgate('request', '--cert', certPem, '--issuer', issuerPem, '--nonce', 'abc')).code, 2);
  });
});

suite('lychgate ocsp', () => {
  test('asks, and says where and how', async () => {
    const responder = await startOcspResponder({
      issuer: ca.certificate,
      signer: byDelegateNow(),
      now: () => Date.now(),
    });
    try {
      const flags = ['--cert', certPem, '--issuer', issuerPem, '--url', responder.url];
      const refused = await lychgate(...flags);
      assert.equal(refused.code, 2);
      assert.match(
        refused.stdout.toString(),
        /Reason: address-refused .*\n.*\n\tHint: here: --allow-internal 127\.0\.0\.1\/32\n/,
      );
      const allowed = [...flags, '--allow-internal', '127.0.0.1/32'];
      responder.verdicts.set(serial, { kind: 'good' });
      const good = await json(...allowed);
      const { durationMs, ...rest } = good.report;
      assert.equal(typeof durationMs, 'number');
      assert.deepEqual(
        [good.code, rest['status'], rest['signedBy'], rest['method'], rest['certIdHash'], rest['responder']],
        [0, 'good', 'delegate', 'GET', 'sha256', responder.url],
      );
      const withNonce = await json(...allowed, '--nonce', 'required', '--hash', 'sha1');
      assert.deepEqual(
        [withNonce.code, withNonce.report['method'], withNonce.report['certIdHash']],
        [0, 'POST', 'sha1'],
      );
      responder.verdicts.set(serial, { kind: 'revoked', atMs: nowMs, reason: 'keyCompromise' });
      const revoked = await json(...allowed);
      assert.deepEqual(
        [revoked.code, revoked.report['status'], revoked.report['reason']],
        [1, 'revoked', 'keyCompromise'],
      );
      responder.fault = 'status500';
      const down = await json(...allowed);
      assert.deepEqual(
        [down.code, down.report['status'], down.report['reason'], down.report['softenable']],
        [2, 'error', 'http-status', true],
      );
    } finally {
      await responder.close();
    }
  });

  test('without any responder it says so, and what is wrong with flags is JSON too', async () => {
    const missing = await json('--cert', certPem, '--issuer', issuerPem);
    assert.deepEqual([missing.code, missing.report['reason']], [2, 'responder-missing']);
    const noFlag = await json('--cert', certPem);
    assert.deepEqual(noFlag, {
      code: 2,
      report: {
        status: 'error',
        reason: 'bad-input',
        detail: 'missing --issuer FILE',
        step: 'input',
        softenable: false,
      },
    });
    assert.equal(
      (await json('--cert', certPem, '--issuer', issuerPem, '--timeout', 'soon')).report['reason'],
      'bad-input',
    );
  });
});

/** The command takes the machine's clock when it asks. */
function byDelegateNow() {
  return delegate({ notBeforeMs: Date.UTC(2020, 0), notAfterMs: Date.UTC(2049, 0) });
}
