import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { test } from 'node:test';
import {
  answer,
  ca,
  client,
  critical,
  dayMs,
  delegate,
  harmless,
  judge,
  nowMs,
  ocspSigning,
  options,
  type Row,
  revoked,
  rsa,
  rsaSingles,
  single,
  underRsa,
} from '../../test/support/ocsp-answers.ts';
import { testKey } from '../../test/support/pki.ts';
import { der, readDer } from '../x509/der.ts';
import { issueCertificate } from '../x509/issue.ts';
import { targetOf } from './request.ts';
import { wrapOcspResponse } from './respond.ts';
import { keyFault, signatureAlgorithm } from './signature.ts';
import { type VerifyInput, verifyResponse } from './verify.ts';

/* What the tables of verify.test.ts and forgeries.test.ts leave open: parts beside parts, the ends of answers, odd keys. */

/** Out of time by a day. */
const stale = { thisUpdateMs: nowMs - 2 * dayMs, nextUpdateMs: nowMs - dayMs };
/** A CA whose name is another and whose key is the same. */
const renamed = issueCertificate({
  ...{ subject: 'CN=Renamed', key: ca.key, isCa: true, notBeforeMs: nowMs - dayMs, notAfterMs: nowMs + dayMs },
});

const rows: readonly Row[] = [
  {
    name: 'a revoked part that is out of time is left out beside a good one in time',
    response: () => answer({ singles: [single({ status: revoked, ...stale }), single()] }),
    want: 'good',
  },
  {
    name: 'a good part that is out of time is left out beside an unknown one in time',
    response: () => answer({ singles: [single(stale), single({ status: { kind: 'unknown' } })] }),
    want: 'unknown',
  },
  {
    name: 'all parts out of time',
    response: () => answer({ singles: [single(stale), single({ status: revoked, ...stale })] }),
    want: 'stale at times',
  },
  {
    name: 'a critical extension of a part about another certificate is not ours to know',
    response: () =>
      answer({
        singles: [
          single({ target: { ...targetOf(client.certificate), serial: Buffer.of(9) }, extensions: [critical] }),
          single(),
        ],
      }),
    want: 'good',
  },
  {
    name: 'a critical extension of the second part about the certificate',
    response: () => answer({ singles: [single(), single({ extensions: [critical] })] }),
    want: 'malformed at singleExtensions',
  },
  {
    name: 'signed by a delegate of the serial that is asked about, where only the serial is known',
    response: () => answer({ signer: delegate({ serial: client.certificate.serial }) }),
    input: { certificate: undefined },
    want: 'untrusted-signer at signer',
  },
  {
    name: 'by a delegate whose certificate is signed with SHA-1',
    response: () => answer({ signer: underRsaBySha1, singles: rsaSingles, hash: 'sha256' }),
    input: underRsa,
    want: 'untrusted-signer at signer',
  },
  {
    name: 'by that delegate where SHA-1 is allowed',
    response: () => answer({ signer: underRsaBySha1, singles: rsaSingles, hash: 'sha256' }),
    input: { ...underRsa, options: { ...options, sha1Signatures: 'Allow' } },
    want: 'good',
  },
  {
    name: 'about a certificate whose CA has the issuer’s key under another name',
    response: () =>
      answer({
        signer: { certificate: renamed, key: ca.key },
        singles: [single({ issuer: renamed })],
        certificates: [],
      }),
    input: { issuer: renamed },
    want: 'wrong-certificate at link',
  },
  {
    name: 'by a delegate with a key on a curve outside the list',
    response: () =>
      answer({ signer: delegate({ key: generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).privateKey }) }),
    want: 'untrusted-signer at signer',
  },
  {
    name: 'good with content',
    response: () => edited(certStatus, der.implicit(0, Buffer.of(0))),
    want: 'malformed at parse',
  },
  {
    name: 'a certStatus that is constructed',
    response: () => edited(certStatus, Buffer.of(0xa0, 0)),
    want: 'malformed at parse',
  },
  {
    name: 'parameters of the hash that are no NULL',
    response: () =>
      edited(Buffer.from('608648016503040201' + '0500', 'hex'), Buffer.from('608648016503040201' + '0400', 'hex')),
    want: 'malformed at parse',
  },
  {
    name: 'a fraction of a second',
    response: () =>
      edited(
        Buffer.from('180f32303236313132303131303030305a', 'hex'),
        Buffer.from('181132303236313132303131303030302e355a', 'hex'),
      ),
    want: 'malformed at parse',
  },
  {
    name: 'a proper answer of more than 64 KiB',
    response: () => answer({ extensions: [{ ...harmless, value: der.octetString(Buffer.alloc(66_000)) }] }),
    want: 'too-large at parse',
  },
  { name: 'forty levels in an extension', response: () => nested(40), want: 'malformed at parse' },
  { name: 'an answer around nothing', response: () => wrapOcspResponse(Buffer.alloc(0)), want: 'malformed at parse' },
];

const certStatus = Buffer.of(0x80, 0);

/** By a delegate of the RSA CA whose certificate is signed with SHA-1. */
const underRsaBySha1 = {
  certificate: issueCertificate({
    ...{ subject: 'CN=old responder', key: testKey('responder'), issuer: rsa, signatureHash: 'sha1' },
    ...{ notBeforeMs: nowMs - dayMs, notAfterMs: nowMs + dayMs, extendedKeyUsage: ocspSigning, ocspNoCheck: true },
  }),
  key: testKey('responder'),
};

for (const { name, response, input, want } of rows) {
  test(`${want}: ${name}`, () => assert.equal(judge(response(), input), want));
}

/** A proper answer with some bytes of its tbsResponseData exchanged, its lengths right, its signature not: only readers see it. */
function edited(from: Buffer, to: Buffer): Buffer {
  const basic = readDer(answer()).children[1]?.children[0]?.children[1]?.content ?? Buffer.alloc(0);
  const replace = (node: ReturnType<typeof readDer>): Buffer => {
    if (node.bytes.equals(from)) return to;
    if (node.children.length === 0) {
      const at = node.bytes.indexOf(from);
      return at < 0
        ? node.bytes
        : Buffer.concat([node.bytes.subarray(0, at), to, node.bytes.subarray(at + from.length)]);
    }
    // OID and parameters stand side by side.
    const children = Buffer.concat(node.children.map(replace));
    const at = children.indexOf(from);
    const content =
      at < 0 ? children : Buffer.concat([children.subarray(0, at), to, children.subarray(at + from.length)]);
    return der.element(node.tag, content);
  };
  return wrapOcspResponse(replace(readDer(basic)));
}

/** An answer whose tbsResponseData is that many levels deep. */
function nested(levels: number): Buffer {
  let bytes = der.nullValue();
  for (let depth = 0; depth < levels; depth += 1) bytes = der.sequence(bytes);
  return wrapOcspResponse(der.sequence(bytes, der.sequence(), der.bitString(Buffer.of(0))));
}

test('depth is refused as depth, before anything else is looked at', () => {
  const outcome = verifyResponse({
    ...{ response: nested(40), target: targetOf(client.certificate), certificate: client.certificate },
    ...{ issuer: ca.certificate, nowMs, sentNonce: undefined, options },
  });
  assert.match(outcome.kind === 'error' ? outcome.detail : '', /expected at most 32 levels/);
});

test('a part has no more elements than those that are defined', () => {
  const bytes = answer({ singles: [single({ extensions: [critical] })] });
  const basic = readDer(bytes).children[1]?.children[0]?.children[1]?.content ?? Buffer.alloc(0);
  const [tbs, algorithm, signature] = readDer(basic).children;
  const parts = tbs?.children.map((node) =>
    node.tag === 0x30
      ? der.sequence(der.sequence(...(node.children[0]?.children ?? []).map((one) => one.bytes), der.nullValue()))
      : node.bytes,
  );
  const spoilt = wrapOcspResponse(
    der.sequence(
      der.sequence(...(parts ?? [])),
      algorithm?.bytes ?? der.nullValue(),
      signature?.bytes ?? der.nullValue(),
    ),
  );
  assert.equal(judge(spoilt), 'malformed at parse');
});

function usableUntilMs(changes: Partial<VerifyInput['options']>, nextUpdateMs: number | undefined) {
  const outcome = verifyResponse({
    ...{ response: answer({ singles: [single({ nextUpdateMs })] }), target: targetOf(client.certificate) },
    ...{ certificate: client.certificate, issuer: ca.certificate, nowMs, sentNonce: undefined },
    options: { ...options, ...changes },
  });
  return outcome.kind === 'error' ? outcome.detail : outcome.usableUntilMs - nowMs;
}

test('an answer is used until the earliest of nextUpdate, maxResponseAge and maxAgeWithoutNextUpdate', () => {
  assert.deepEqual(
    [
      usableUntilMs({}, nowMs + 3_600_000),
      usableUntilMs({ maxResponseAgeMs: 120_000 }, nowMs + 3_600_000),
      usableUntilMs({ maxResponseAgeMs: dayMs }, nowMs + 3_600_000),
      usableUntilMs({ maxAgeWithoutNextUpdateMs: 300_000 }, undefined),
    ],
    // thisUpdate is a minute old.
    [3_600_000, 60_000, 3_600_000, 240_000],
  );
});

test('what others write into names is printed as printable ASCII', () => {
  const certificate = issueCertificate({
    ...{
      subject: 'CN=evil\u001b[2Jname\u202e',
      key: testKey('lone'),
      notBeforeMs: nowMs - dayMs,
      notAfterMs: nowMs + dayMs,
    },
  });
  const outcome = verifyResponse({
    ...{ response: answer({ signer: { certificate, key: testKey('lone') } }), target: targetOf(client.certificate) },
    ...{ certificate: client.certificate, issuer: ca.certificate, nowMs, sentNonce: undefined, options },
  });
  assert.match(outcome.kind === 'error' ? outcome.detail : '', /^[\x20-\x7e]*evil[\x20-\x7e]*$/);
});

test('an RSA key of more than 8192 bits, and one of another type, fit nothing', () => {
  const rsaSha256 = { kind: 'rsa', digest: 'sha256' } as const;
  // As node:crypto describes it; making one takes minutes.
  const long = { asymmetricKeyType: 'rsa', asymmetricKeyDetails: { modulusLength: 16_384 } } as ReturnType<
    typeof testKey
  >;
  assert.match(keyFault(long, rsaSha256) ?? '', /16384 bits/);
  assert.match(keyFault(testKey('lone'), rsaSha256) ?? '', /type ec/);
  assert.match(keyFault(testKey('rsa', 2048), { kind: 'ecdsa', digest: 'sha256' }) ?? '', /type rsa/);
  assert.match(keyFault(testKey('rsa', 2048), { kind: 'ed25519' }) ?? '', /type rsa/);
  assert.equal(keyFault(testKey('rsa', 2048), rsaSha256), undefined);
});

test('RSASSA-PSS is read with its parameters: mask and message digest are one, the trailer is 1', () => {
  const hash = (oid: string) => der.sequence(der.oid(oid), der.nullValue());
  const sha256 = '2.16.840.1.101.3.4.2.1';
  const sha512 = '2.16.840.1.101.3.4.2.3';
  const read = (digest: string, mask: string, salt: number, trailer?: number) =>
    signatureAlgorithm(
      readDer(
        der.sequence(
          der.oid('1.2.840.113549.1.1.10'),
          der.sequence(
            der.explicit(0, hash(digest)),
            der.explicit(1, der.sequence(der.oid('1.2.840.113549.1.1.8'), hash(mask))),
            der.explicit(2, der.integer(salt)),
            ...(trailer === undefined ? [] : [der.explicit(3, der.integer(trailer))]),
          ),
        ),
      ),
    );
  assert.deepEqual(read(sha256, sha256, 32), { kind: 'rsa-pss', digest: 'sha256', saltLength: 32 });
  assert.deepEqual(read(sha512, sha512, 0, 1), { kind: 'rsa-pss', digest: 'sha512', saltLength: 0 });
  assert.match(JSON.stringify(read(sha256, sha512, 32)), /one accepted pair/);
  assert.match(JSON.stringify(read(sha256, sha256, 991)), /salt length 991/);
  assert.match(JSON.stringify(read(sha256, sha256, 32, 2)), /trailer 2/);
});
