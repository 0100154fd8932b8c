import type { Mutant } from './mutant.ts';

const forgeries = 'pkg/ocsp/forgeries.test.ts';
const verdicts = 'pkg/ocsp/verify.test.ts';

/** Which answers count: every step, every condition on the signer and on the times, and the reader. */
export const ocspAnswerMutants: readonly Mutant[] = [
  ...of('pkg/ocsp/verify.ts', [
    [
      'the checked certificate may be of another CA',
      'return fault === undefined\n        ? undefined\n        : `the certificate was',
      "return fault !== 'x'\n        ? undefined\n        : `the certificate was",
      forgeries,
    ],
    [
      'an answer without responseBytes is read on',
      "if (response.type === undefined) return 'a successful answer has no responseBytes';",
      'if (response.type === undefined) return undefined;',
      verdicts,
    ],
    [
      'an answer of another type is read on',
      'return response.type === oids.basicResponse',
      "return response.type !== ''",
      verdicts,
    ],
    ['an answer of any version counts', 'basic.version === 0 ? undefined', 'basic.version >= 0 ? undefined', forgeries],
    [
      'an answer signed with SHA-1 counts',
      "input.options.sha1Signatures !== 'Allow'\n        ? 'the answer",
      "input.options.sha1Signatures === 'x'\n        ? 'the answer",
      forgeries,
    ],
    [
      'an unknown critical extension of the answer is ignored',
      "run: ({ basic }) => unknownCritical(basic.extensions, 'the answer'),",
      'run: () => undefined,',
      forgeries,
    ],
    [
      'an unknown critical extension of a part is ignored',
      'for (const single of singles) {',
      'for (const single of singles.slice(0, 0)) {',
      forgeries,
    ],
    [
      'only the first part’s critical extensions are looked at',
      'for (const single of singles) {',
      'for (const single of singles.slice(0, 1)) {',
      'pkg/ocsp/steps.test.ts',
    ],
    [
      'an answer may be produced in the future',
      'basic.producedAtMs > input.nowMs + input.options.clockSkewMs',
      'basic.producedAtMs > input.nowMs + 1e15',
      forgeries,
    ],
    [
      'producedAt has no clock skew',
      'basic.producedAtMs > input.nowMs + input.options.clockSkewMs',
      'basic.producedAtMs > input.nowMs',
      verdicts,
    ],
    [
      'the nonce is not looked at',
      "source: 'RFC 9654 2.1', cause: 'wrong-nonce', run: nonceFault",
      "source: 'RFC 9654 2.1', cause: 'wrong-nonce', run: () => undefined",
      forgeries,
    ],
    [
      'a required nonce may be missing',
      "return options.nonce === 'Required' ? 'a nonce is required, but the answer has none' : undefined;",
      'return undefined;',
      forgeries,
    ],
    [
      'an optional nonce must not be missing',
      "return options.nonce === 'Required' ? 'a nonce is required, but the answer has none' : undefined;",
      "return 'a nonce is required, but the answer has none';",
      verdicts,
    ],
    ['another nonce counts', 'timingSafeEqual(echoed, sentNonce)', 'echoed.length > 0', forgeries],
    [
      'a shorter nonce counts',
      'echoed.length === sentNonce.length && timingSafeEqual(echoed, sentNonce)',
      'sentNonce.subarray(0, echoed.length).equals(echoed)',
      forgeries,
    ],
    [
      'the issuer name in the CertID is not looked at',
      'createHash(digest).update(target.issuerName).digest().equals(issuerNameHash)',
      "digest !== 'md5'",
      verdicts,
    ],
    [
      'the issuer key in the CertID is not looked at',
      'createHash(digest).update(issuer.subjectPublicKey).digest().equals(issuerKeyHash)',
      "digest !== 'md5'",
      verdicts,
    ],
    [
      'the serial in the CertID is not looked at',
      'serial.equals(target.serial)\n  );',
      'serial.length > 0\n  );',
      verdicts,
    ],
    ['good hides revoked', "singles.find(({ status }) => status.kind === 'revoked') ??", '', verdicts],
    ['good hides unknown', "singles.find(({ status }) => status.kind === 'unknown') ??", '', verdicts],
    ['a part out of time counts beside one in time', 'verification.singles = current;', '', 'pkg/ocsp/steps.test.ts'],
    [
      'an answer without a part in time counts',
      "return current.length > 0 ? undefined : (fault ?? 'no part of the answer is in time');",
      'return undefined;',
      forgeries,
    ],
    [
      'any error status may be softened',
      "softenable: status === 'tryLater' || status === 'internalError',",
      'softenable: true,',
      'pkg/ocsp/checker.test.ts',
    ],
    [
      'an answer without nextUpdate may be used for ever',
      'nextUpdateMs ?? thisUpdateMs + options.maxAgeWithoutNextUpdateMs',
      'nextUpdateMs ?? Number.MAX_SAFE_INTEGER',
      'pkg/ocsp/steps.test.ts',
    ],
    [
      'maxResponseAge does not shorten how long an answer is used',
      'options.maxResponseAgeMs === undefined ? Number.MAX_SAFE_INTEGER',
      'options.maxResponseAgeMs !== -1 ? Number.MAX_SAFE_INTEGER',
      'pkg/ocsp/steps.test.ts',
    ],
  ]),
  ...of('pkg/ocsp/signer.ts', [
    [
      'the signer need not be the responder that is named',
      'isNamed(candidate, basic.responderId) ? undefined :',
      "basic.responderId.kind !== 'x' ? undefined :",
      forgeries,
    ],
    [
      'the key need not fit the algorithm',
      'run: (candidate, { algorithm }) => keyFault(candidate.publicKey, algorithm),',
      'run: () => undefined,',
      forgeries,
    ],
    [
      'the signature need not verify',
      'signatureVerifies(algorithm, basic.tbs, candidate.publicKey, basic.signature)\n        ? undefined',
      "algorithm.kind !== 'x'\n        ? undefined",
      forgeries,
    ],
    [
      'a delegate may be issued by anybody',
      'return fault === undefined ? undefined : `it was not issued',
      "return fault !== 'x' ? undefined : `it was not issued",
      forgeries,
    ],
    [
      'a delegate needs no OCSPSigning',
      'candidate.extendedKeyUsage?.includes(certificateOids.ocspSigning) === true',
      'candidate.serial.length > 0',
      forgeries,
    ],
    [
      'any purpose counts as OCSPSigning',
      'candidate.extendedKeyUsage?.includes(certificateOids.ocspSigning) === true',
      "candidate.extendedKeyUsage?.some((one) => one === certificateOids.ocspSigning || one === '2.5.29.37.0')",
      forgeries,
    ],
    [
      'no extendedKeyUsage counts as OCSPSigning',
      'candidate.extendedKeyUsage?.includes(certificateOids.ocspSigning) === true',
      'candidate.extendedKeyUsage?.includes(certificateOids.ocspSigning) !== false',
      forgeries,
    ],
    [
      'a delegate may be not yet valid',
      'if (nowMs + clockSkewMs < candidate.notBeforeMs) {',
      'if (nowMs + clockSkewMs < 0) {',
      forgeries,
    ],
    [
      'a delegate may be expired',
      'if (nowMs - clockSkewMs > candidate.notAfterMs) {',
      'if (nowMs - clockSkewMs > 1e15) {',
      forgeries,
    ],
    [
      'a delegate may have any key usage',
      "keyUsage === undefined || keyUsage.has('digitalSignature')",
      "keyUsage !== null || keyUsage.has('digitalSignature')",
      forgeries,
    ],
    [
      'a delegate that must be checked itself may live for ever',
      'candidate.hasOcspNoCheck || candidate.notAfterMs - nowMs <= withoutNoCheckMs',
      'candidate.hasOcspNoCheck || nowMs > 0',
      forgeries,
    ],
    [
      'the checked key may answer for itself',
      'candidate.spkiSha256 === certificate?.spkiSha256',
      'candidate.spkiSha256 === undefined',
      forgeries,
    ],
    [
      'the checked certificate may answer for itself',
      '(candidate.serial.equals(target.serial) && candidate.issuer.der.equals(target.issuerName)) ||',
      'false ||',
      'pkg/ocsp/steps.test.ts',
    ],
    [
      'a delegate may have unknown critical extensions',
      'unknownCritical.length === 0 ? undefined :',
      'unknownCritical.length >= 0 ? undefined :',
      forgeries,
    ],
    [
      'only the first certificate of the answer is tried',
      'for (const bytes of context.basic.certificates) {',
      'for (const bytes of context.basic.certificates.slice(0, 1)) {',
      verdicts,
    ],
    [
      'a same name is the same CA',
      'return signatureVerifies(algorithm, tbs.bytes, issuer.publicKey, signature)',
      'return signatureVerifies(algorithm, tbs.bytes, issuer.publicKey, signature) || signature.length > 0',
      forgeries,
    ],
    [
      'a same key is the same CA',
      'if (!sameName(certificate.issuer, issuer.subject)) return',
      'if (certificate.der.length === 0) return',
      'pkg/ocsp/steps.test.ts',
    ],
    [
      'a delegate’s certificate may be signed with SHA-1',
      "if (!allowSha1 && usesSha1(algorithm)) return 'it is signed with SHA-1';",
      '',
      'pkg/ocsp/steps.test.ts',
    ],
  ]),
  ...of('pkg/ocsp/times.ts', [
    [
      'an answer may be of the future',
      'thisUpdateMs > nowMs + clockSkewMs ?',
      'thisUpdateMs > nowMs + 1e15 ?',
      forgeries,
    ],
    ['thisUpdate has no clock skew', 'thisUpdateMs > nowMs + clockSkewMs ?', 'thisUpdateMs > nowMs ?', verdicts],
    [
      'nextUpdate may have passed',
      'nextUpdateMs !== undefined && nextUpdateMs < nowMs - clockSkewMs',
      'nextUpdateMs !== undefined && nextUpdateMs < 0',
      forgeries,
    ],
    [
      'nextUpdate has no clock skew',
      'nextUpdateMs !== undefined && nextUpdateMs < nowMs - clockSkewMs',
      'nextUpdateMs !== undefined && nextUpdateMs < nowMs',
      verdicts,
    ],
    [
      'nextUpdate may be before thisUpdate',
      'nextUpdateMs !== undefined && nextUpdateMs < thisUpdateMs',
      'nextUpdateMs !== undefined && nextUpdateMs < 0',
      forgeries,
    ],
    [
      'nextUpdate may be absent',
      'if (maxAgeWithoutNextUpdateMs === 0) {',
      'if (maxAgeWithoutNextUpdateMs === 0) return undefined; if (maxAgeWithoutNextUpdateMs < 0) {',
      forgeries,
    ],
    [
      'an answer without nextUpdate may be of any age',
      'return thisUpdateMs + maxAgeWithoutNextUpdateMs < nowMs - clockSkewMs',
      'return thisUpdateMs < 0',
      forgeries,
    ],
    [
      'maxResponseAge is ignored',
      'maxResponseAgeMs !== undefined && thisUpdateMs',
      'maxResponseAgeMs === -1 && thisUpdateMs',
      forgeries,
    ],
  ]),
  ...of('pkg/ocsp/response.ts', [
    [
      'an answer may be of any size',
      'if (bytes.length > maxResponseBytes) {',
      'if (bytes.length > 1e9) {',
      'pkg/ocsp/steps.test.ts',
    ],
    [
      'an answer may carry any number of certificates',
      'if (certificates.length > maxCertificates) {',
      'if (certificates.length > 1000) {',
      verdicts,
    ],
    [
      'an extension may be there twice',
      'if (new Set(extensions.map((extension) => extension.oid)).size !== extensions.length) {',
      'if (extensions.length < 0) {',
      verdicts,
    ],
    [
      'an undefined status is taken for success',
      'if (status === undefined) throw new OcspMalformed(`OCSP response has the undefined responseStatus ${number}`);',
      "if (status === undefined) return { status: 'successful', type: undefined, basic: undefined };",
      verdicts,
    ],
    [
      'a certStatus of another form is good',
      'throw new OcspMalformed(`OCSP response has a certStatus with the undefined tag 0x${node.tag.toString(16)}`);',
      "return { kind: 'good' };",
      verdicts,
    ],
    ['good may have content', "readNull(node, 'good', 0x80);", '', 'pkg/ocsp/steps.test.ts'],
    ['a CertID’s hash may have any parameters', '  algorithm.end();', '', 'pkg/ocsp/steps.test.ts'],
    [
      'a part may have more elements',
      "extensions = readExtensions(cursor.optional(0xa1), 'singleExtensions');\n  cursor.end();",
      "extensions = readExtensions(cursor.optional(0xa1), 'singleExtensions');",
      'pkg/ocsp/steps.test.ts',
    ],
    [
      'depth is not bounded',
      'const limits = { maxDepth: 32,',
      'const limits = { maxDepth: 1e6,',
      'pkg/ocsp/steps.test.ts',
    ],
  ]),
  ...of('pkg/ocsp/signature.ts', [
    ['RSA keys may be short', 'bits >= 2048 && bits <= 8192 ?', 'bits <= 8192 ?', forgeries],
    ['RSA keys may be of any length', 'bits >= 2048 && bits <= 8192 ?', 'bits >= 2048 ?', 'pkg/ocsp/steps.test.ts'],
    ['any curve counts', "curves.has(details?.namedCurve ?? '')", 'curves.size > 0', 'pkg/ocsp/steps.test.ts'],
    [
      'the mask may use another digest',
      'if (digest === undefined || maskDigest !== digest) return',
      'if (digest === undefined) return',
      'pkg/ocsp/steps.test.ts',
    ],
    [
      'MD5 counts',
      "['1.2.840.113549.1.1.5', { kind: 'rsa', digest: 'sha1' }],",
      "['1.2.840.113549.1.1.4', { kind: 'rsa', digest: 'md5' }], ['1.2.840.113549.1.1.5', { kind: 'rsa', digest: 'sha1' }],",
      verdicts,
    ],
  ]),
];

function of(file: string, rows: readonly (readonly [string, string, string, string])[]): readonly Mutant[] {
  return rows.map(([name, find, replace, test]) => ({ name: `OCSP: ${name}`, file, find, replace, tests: [test] }));
}
