import { type Mutant, of } from './mutant.ts';

const repeats = 'pkg/proxy/http1-repeats.test.ts';

/** What is not made again for a request that repeats another: only where nothing has changed meanwhile. */
export const repeatsMutants: readonly Mutant[] = [
  ...of('pkg/proxy/connection.ts', [
    [
      'a repeated request goes on after its verdict has ended',
      'return snapshot === this.#snapshot && verdict === this.#judgement.current();',
      'return snapshot === this.#snapshot;',
      repeats,
      /^a certificate that was revoked/,
    ],
    [
      'any request is admitted as the last one was',
      'last !== undefined && last.view === view && this.#isInForce(last)',
      'last !== undefined && this.#isInForce(last)',
      repeats,
    ],
  ]),
  ...of('pkg/proxy/compose.ts', [
    [
      'rules see the fields of the request before',
      'if (this.#fields === fields && this.#connectionTokens === connectionTokens) return this.#clean;',
      'if (this.#fields !== undefined) return this.#clean;',
      repeats,
    ],
  ]),
  ...of('pkg/proxy/http1-repeats.ts', [
    [
      'another head is sent as the last one was',
      'last.head.fields === head.fields &&\n      last.forward.fields === forward.fields &&\n',
      '',
      repeats,
    ],
    ['a request is sent as before its verdict changed', '(one.bound === other.bound && isSame', '(isSame', repeats],
    [
      'what rules remove for one target they remove for another',
      'isSameList(one.remove, other.remove) && ',
      '',
      repeats,
    ],
    [
      'what rules set for one target they set for another',
      'isSameList(one.remove, other.remove) && isSameList(one.set, other.set)',
      'isSameList(one.remove, other.remove)',
      repeats,
    ],
    [
      'a request goes to the target of the one before',
      'repeatRequest(last.request, forward.target, requestId)',
      'repeatRequest(last.request, last.request.target, requestId)',
      repeats,
    ],
    [
      'another answer is passed on as the last one was',
      'last.head === head &&\n      last.rules',
      'last.rules',
      repeats,
    ],
    ['an answer to HTTP/1.1 is passed on to HTTP/1.0', 'last.minorVersion === minorVersion &&\n', '', repeats],
    [
      'an answer is passed on as before its request was admitted anew',
      'last.rules === forward.response &&\n',
      '',
      repeats,
    ],
    [
      'an answer is cleaned by the policy before',
      'last.snapshot === snapshot &&\n      last.close',
      'last.close',
      repeats,
      /^an answer that comes after/,
    ],
    [
      'an answer never says that the connection ends',
      'last.snapshot === snapshot &&\n      last.close === close',
      'last.snapshot === snapshot',
      repeats,
    ],
  ]),
  ...of('pkg/proxy/http1-messages.ts', [
    ['a request is written as the one before', 'request.fields !== this.#fields || ', '', repeats],
    [
      'a request is written to the target of the one before',
      'if (target !== this.#target) {',
      "if (target === '') {",
      repeats,
    ],
    [
      'a target is written without a look at it where another one stood',
      '      assertTarget(target);\n',
      '',
      'pkg/proxy/http1-messages.test.ts',
    ],
    [
      'the id of a request is written over one of another length',
      'if (digitsOf(requestId.number) !== this.#idDigits) return false;',
      '',
      'pkg/proxy/http1-messages.test.ts',
    ],
  ]),
];
