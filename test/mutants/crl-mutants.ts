import { certificateSteps, listSteps, timeSteps } from '../../pkg/crl/verify.ts';
import { type Mutant, of } from './mutant.ts';

const checker = 'pkg/crl/checker.test.ts';
const forgeries = 'pkg/crl/forgeries.test.ts';
const lists = 'pkg/crl/crl.test.ts';
const door = 'pkg/crl/revocation.test.ts';

/** Without an algorithm no signature verifies: that step only says more plainly why. */
const needless: ReadonlySet<string> = new Set(['signatureAlgorithm']);

/** Lists of revoked certificates: which count, for how long, and when one is looked at at all. */
export const crlMutants: readonly Mutant[] = [
  ...[...listSteps, ...timeSteps, ...certificateSteps]
    .filter(({ name }) => !needless.has(name))
    .map(
      ({ name }): Mutant => ({
        name: `a CRL is not asked for its ${name}`,
        file: 'pkg/crl/verify.ts',
        find: 'const detail = run(context);',
        replace: `const detail = name === '${name}' ? undefined : run(context);`,
        tests: [name === 'issuerName' ? checker : forgeries],
        named: name === 'issuerName' ? /where it is of another CA/ : new RegExp(`; ${name} is what refuses it`),
      }),
    ),
  ...of('pkg/crl/verify.ts', [
    [
      'a CRL is used for as long as its CA says, whatever maxAge is',
      'return Math.min(nextUpdateMs ?? thisUpdateMs, thisUpdateMs + maxAgeMs);',
      'return nextUpdateMs ?? thisUpdateMs;',
      checker,
      /^a list is used/,
    ],
  ]),
  ...of('pkg/crl/weigh.ts', [
    [
      'a certificate on the list is good',
      'return listing === undefined\n',
      'return listing === undefined || listing !== undefined\n',
      checker,
      /with the certificate on it/,
    ],
    [
      'a list that was proven counts for every CA',
      'remember(proven, crl, `${issuer.sha256} ${options.sha1Signatures}`, () =>',
      "remember(proven, crl, '', () =>",
      forgeries,
      /proven for one CA/,
    ],
    [
      'a certificate may be held against a list of another CA of the name',
      'const fault = linkFault ?? inTime',
      'const fault = inTime',
      forgeries,
      /; link is what/,
    ],
  ]),
  ...of('pkg/crl/store.ts', [
    [
      'an older list takes the place of a newer one',
      'if (!isFault(got) && got.thisUpdateMs >= newestMs) {',
      'if (!isFault(got)) {',
      checker,
      /and no older one/,
    ],
    [
      'a calendar that is set back revives a list',
      'known !== undefined && isFresh(known, { nowMs: now(), monotonicMs })',
      'known !== undefined && isFresh(known, { nowMs: now(), monotonicMs: 0 })',
      checker,
      /calendar/,
    ],
    [
      'everybody fetches for himself',
      'return flights.get(key) ?? begin(',
      'return begin(',
      checker,
      /everybody who waits/,
    ],
    [
      'a list may be of any size',
      'maxBytes: settings.crl.maxBytes };',
      'maxBytes: 1e9 };',
      checker,
      /where its length is over/,
    ],
    [
      'any number of lists is kept',
      '2048 + (isFault(list) ? 0 : list.revoked.bytes)',
      '1',
      checker,
      /^a CRL of thousands/,
    ],
    [
      'a fetched list needs no signature',
      'return scales.prove(crl, issuer, options) ?? scales.inTime',
      'return scales.inTime',
      checker,
      /another CA of the name signed it/,
    ],
    ['a list of one CA is handed to another', '.update(issuer.sha256)', ".update('')", checker, /two CAs/],
    [
      'a place that fails is asked again all the time',
      'monotonicMs + retryMs * refreshRetryFactor',
      'monotonicMs',
      checker,
      /not asked all the time/,
    ],
  ]),
  ...of('pkg/crl/checker.ts', [
    [
      'trouble at one place hides a forgery at another',
      'faults.find((fault) => !fault.softenable) ?? ',
      '',
      checker,
      /^of two distribution points/,
    ],
    [
      'a certificate that names no list may pass',
      "cause: 'crl-missing',\n  softenable: false",
      "cause: 'crl-missing',\n  softenable: true",
      checker,
      /^no CRL/,
    ],
  ]),
  ...of('pkg/crl/profile-lists.ts', [
    [
      'a list of the profile needs no signature',
      'scales.prove(crl, issuer, options) ?? scales.weigh',
      'scales.weigh',
      forgeries,
      /; signature is what/,
    ],
    [
      'an old list of the profile counts beside a newer one',
      'best === undefined || crl.thisUpdateMs > bestMs',
      'best === undefined',
      checker,
      /newest/,
    ],
  ]),
  ...of('pkg/crl/revocation.ts', [
    [
      'a CRL is asked in place of an answer that was wrong',
      "(status.kind === 'unavailable' && status.softenable)",
      "status.kind === 'unavailable'",
      door,
      /^OCSPThenCRL/,
    ],
    [
      'a CRL is asked in place of an unknown',
      "return status.kind === 'responder-missing' ||",
      "return status.kind === 'responder-missing' || status.kind === 'unknown' ||",
      door,
      /^OCSPThenCRL/,
    ],
    [
      'an older CRL lifts an unknown',
      'unknownSinceMs !== undefined && listed.answer.thisUpdateMs <= unknownSinceMs ? silent : listed',
      'listed',
      door,
      /^OCSPThenCRL/,
    ],
    [
      'who is on the CRL passes with the silence of the responder',
      "if (listed.kind === 'revoked') return listed;",
      "if (listed.kind === 'revoked') return silent;",
      door,
      /^OCSPThenCRL/,
    ],
    [
      'a CRL that is wrong is let pass with the silence of the responder',
      "return listed.kind === 'unavailable' && !listed.softenable && listed.cause !== 'crl-missing' ? listed : silent;",
      'return silent;',
      door,
      /^OCSPThenCRL/,
    ],
    [
      'who was revoked is asked about again',
      'const before = revoked.get(key);\n      if (before !== undefined && isFinal(before)) return before;',
      'const before = undefined;',
      door,
      /^revoked stays revoked/,
    ],
    [
      'an older good answer ends a hold',
      "status.kind === 'good' && status.answer.thisUpdateMs > before.answer.thisUpdateMs",
      "status.kind === 'good'",
      door,
      /^revoked stays revoked/,
    ],
    [
      'silence ends a hold',
      'return { ...before, freshUntilMs:',
      "if (status.kind !== 'good') return status;\n    return { ...before, freshUntilMs:",
      door,
      /^revoked stays revoked/,
    ],
  ]),
  ...of('pkg/crl/serial-set.ts', [
    [
      'serials of one hash are one',
      'if (!records.subarray(offset + 1, offset + 1 + length).equals(serial)) continue;',
      '',
      lists,
      /hash/,
    ],
    [
      'a hold hides that the certificate is revoked for good',
      "if (found === undefined || found.reason === 'certificateHold') {",
      'if (found === undefined) {',
      lists,
      /^of two entries/,
    ],
  ]),
  ...of('pkg/crl/crl.ts', [
    [
      'bytes after the end of a list are passed over',
      'if (signature.end !== bytes.length) {',
      'if (signature.end > bytes.length) {',
      lists,
      /bytes after its end/,
    ],
    [
      'a list names one algorithm inside and another outside',
      'if (!bytes.subarray(inner.start, inner.end).equals(algorithm.bytes)) {',
      'if (inner.end < 0) {',
      lists,
      /algorithm/,
    ],
    ['an extension stands twice', 'if (extensions.has(oid)) throw', 'if (oid === "") throw', lists, /extension twice/],
    [
      'one entry takes the critical mark from another',
      'critical || this.extensions.get(oid) === true',
      'critical',
      lists,
      /critical/,
    ],
  ]),
];
