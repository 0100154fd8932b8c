import { type Mutant, of } from './mutant.ts';

const http2 = 'pkg/proxy/http2-front.test.ts';
const tunnels = 'pkg/proxy/tunnel.test.ts';

/** The data plane's side of HTTP/2: what a client may ask, and what becomes of half of anything. */
export const proxyHttp2Mutants: readonly Mutant[] = [
  ...of('pkg/proxy/http2-request.ts', [
    [
      'CONNECT, TRACE and PRI get through HTTP/2',
      "if (upper === 'CONNECT' || upper === 'TRACE' || upper === 'PRI') return",
      "if (upper === '') return",
      http2,
      /the application hears of it: TRACE/,
    ],
    [
      'any protocol may be tunnelled through HTTP/2',
      "const webSocket = verb === 'CONNECT' && protocol === 'websocket';",
      "const webSocket = verb === 'CONNECT' && protocol !== undefined;",
      http2,
      /^an extended CONNECT with another/,
    ],
    [
      ':authority and host may differ',
      'if (first !== undefined && second !== undefined && first !== second) return undefined;',
      '',
      http2,
      /host unlike authority/,
    ],
    [
      'head in lower case has a body that nobody reads',
      "if (upper === 'HEAD' && method !== upper) return",
      "if (upper === '') return",
      http2,
      /head in lower case/,
    ],
    [
      'a client of HTTP/2 brings its own key of a WebSocket',
      "if (fields.some((name, i) => i % 2 === 0 && name === 'sec-websocket-key')) return 'a sec-websocket-key over HTTP/2';",
      '',
      http2,
      /^an extended CONNECT with a key/,
    ],
  ]),
  ...of('pkg/proxy/http2-exchange.ts', [
    [
      'bytes of a tunnel over HTTP/2 go on before the 101',
      'if (exchange === undefined || this.#paused || this.#beforeTunnel()) {',
      'if (exchange === undefined) {',
      tunnels,
      /nothing goes on before the 101/,
    ],
    [
      'an upload of HTTP/2 that is broken off looks whole',
      'if (code !== undefined) this.#abort();',
      'if (code !== undefined) this.#exchange?.end();',
      http2,
      /never looks whole/,
    ],
    [
      'the body of HTTP/2 may be of any size',
      'if (limit > 0 && this.#received > limit && !this.#tunnel) {',
      'if (limit < 0) {',
      http2,
      /^an upload over its limit/,
    ],
    [
      'a refused session goes on',
      'if (admission.refused !== undefined) this.#owner.drain();',
      '',
      http2,
      /^a refused certificate is a 400/,
    ],
    [
      'a client of HTTP/2 that reads nothing keeps its connection',
      "this.#connection.countClosed('client-not-reading');\n      this.#answer.reset();",
      "this.#connection.countClosed('client-not-reading');",
      http2,
      /opens no window for its answer/,
    ],
  ]),
  ...of('pkg/proxy/http2-repeats.ts', [
    [
      'a head of HTTP/2 may be of any size',
      'if (tooLarge !== undefined) return {',
      "if (tooLarge === '') return {",
      'test/gate/http2.test.ts',
      /backend\.limits\.headerCount/,
    ],
    [
      'a request with a body is taken for the one without',
      'one.endStream !== other.endStream || ',
      '',
      http2,
      /^a request of HTTP\/2 that repeats/,
    ],
    [
      'a request of HTTP/2 is what another was',
      'isSameList(one.fields, other.fields) && ',
      '',
      http2,
      /^a request of HTTP\/2 that repeats/,
    ],
    [
      'what was made of a request of HTTP/2 outlives its policy',
      'last.asked === asked && last.forward === forward',
      'last.asked === asked',
      http2,
      /^nothing of a request of HTTP\/2/,
    ],
    [
      'the limits of the policy before hold for a head of HTTP/2 that repeats',
      'last.limits === limits && ',
      '',
      http2,
      /^nothing of a request of HTTP\/2/,
    ],
    [
      'the head of an answer over HTTP/2 outlives its policy',
      'last.forward === forward && last.snapshot === snapshot) return last.fields;',
      'last.fields.length > 0) return last.fields;',
      http2,
      /^nothing of a request of HTTP\/2/,
    ],
  ]),
  ...of('pkg/proxy/http2-answer.ts', [
    [
      'half an answer over HTTP/2 looks whole',
      'this.#stream.reset(errorCode.internalError);',
      'this.#stream.end();',
      http2,
      /cut short has no END_STREAM/,
    ],
    [
      'the rest of an upload is waited for after its answer',
      'not wanted (RFC 9113 8.1).\n    this.#stream.refuseRest();',
      'not wanted (RFC 9113 8.1).',
      http2,
      /^an early answer/,
    ],
  ]),
  ...of('pkg/proxy/http2-front.ts', [
    [
      'a gate that ends takes from a new client the request that it came for',
      'if (this.#asked) this.#session.retire();',
      'this.#session.retire();',
      'pkg/proxy/retire.test.ts',
      /^HTTP\/2: a new connection/,
    ],
    [
      'a client of HTTP/2 is not told that the gate ends',
      'if (this.#asked) this.#session.retire();',
      '',
      'pkg/proxy/retire.test.ts',
      /^HTTP\/2: a client that has asked/,
    ],
    [
      'floods of HTTP/2 are not counted',
      'this.#connection.countClosed(kind);',
      '',
      'pkg/proxy/http2-floods.test.ts',
      /pings$/,
    ],
  ]),
];
