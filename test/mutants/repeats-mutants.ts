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
      'a repeated request goes on under the policy before',
      'return snapshot === this.#snapshot && verdict === this.#judgement.current();',
      'return verdict === this.#judgement.current() || (snapshot !== this.#snapshot && verdict.kind !== "refuse");',
      repeats,
      /^a certificate that an allow list/,
    ],
    [
      'any request is admitted as the last one was',
      'last !== undefined && last.view === view && this.#isInForce(last)',
      'last !== undefined && this.#isInForce(last)',
      repeats,
    ],
  ]),
  ...of('pkg/proxy/http1-repeats.ts', [
    [
      'another head is sent as the last one was',
      'last !== undefined && last.head === head && last.forward === forward',
      'last !== undefined && last.forward === forward',
      repeats,
    ],
    [
      'a request is sent as before it was admitted anew',
      'last !== undefined && last.head === head && last.forward === forward',
      'last !== undefined && last.head === head',
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
    [
      'a request is written as the one before',
      'return request.fields === this.#fields;',
      'return request.fields !== undefined;',
      repeats,
    ],
  ]),
];
