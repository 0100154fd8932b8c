import type { Mutant } from './mutant.ts';

const request = 'pkg/http1/request.ts';
const fields = 'pkg/http1/fields.ts';
const tests = ['pkg/http1/request-rules.test.ts', 'pkg/http1/request.test.ts'] as const;

/** The codec: what could be read in two ways must be read in none. */
export const http1Mutants: readonly Mutant[] = [
  {
    name: 'Content-Length may stand beside Transfer-Encoding (CL.TE smuggling)',
    file: request,
    find: "if (contentLength !== undefined) throw new HttpMalformed(400, 'Content-Length beside Transfer-Encoding');",
    replace: '',
    tests,
  },
  {
    name: 'Transfer-Encoding is read in HTTP/1.0',
    file: request,
    find: "if (minorVersion === 0) throw new HttpMalformed(400, 'Transfer-Encoding in HTTP/1.0');",
    replace: '',
    tests,
  },
  {
    name: 'any transfer coding counts as chunked (TE.TE smuggling)',
    file: request,
    find: "if (transferEncoding.toLowerCase() !== 'chunked') throw badCoding(transferEncoding);",
    replace: '',
    tests,
  },
  {
    name: 'a second Host or Content-Length is believed',
    file: fields,
    find: 'if (before !== undefined) throw new HttpMalformed(status, `more than one ${name} field`);',
    replace: '',
    tests,
  },
  {
    name: 'Host and the absolute form may name different hosts',
    file: request,
    find: 'if (absolute !== undefined && absolute !== authority) {',
    replace: 'if (absolute === undefined && absolute !== undefined) {',
    tests,
  },
  {
    name: 'HTTP/1.1 needs no Host',
    file: request,
    find: "if (minorVersion === 1) throw new HttpMalformed(400, 'HTTP/1.1 without Host');",
    replace: '',
    tests,
  },
  {
    name: 'CONNECT, TRACE and PRI get through',
    file: request,
    find: "if (upper === 'CONNECT' || upper === 'TRACE' || upper === 'PRI') {",
    replace: "if (upper === 'NONE') {",
    tests,
  },
  {
    name: 'anything in Upgrade counts as a WebSocket',
    file: request,
    find: "facts.upgrade.toLowerCase() === 'websocket',",
    replace: 'facts.upgrade.length > 0,',
    tests,
  },
  {
    name: 'a WebSocket may be asked for with a body',
    file: request,
    find: '!hasBody(framing) &&\n      facts',
    replace: 'facts',
    tests,
  },
  {
    name: 'a WebSocket may be asked for by any method',
    file: request,
    find: "method === 'GET' &&\n      !has",
    replace: '!has',
    tests,
  },
  {
    name: 'Connection may have Host or Content-Length removed',
    file: fields,
    find: 'else if (!endToEnd.has(token)) tokens.add(token);',
    replace: 'else tokens.add(token);',
    tests,
  },
  {
    name: 'a leading zero in Content-Length is read as decimal',
    file: request,
    find: 'if (contentLength.length > 1 && contentLength.charCodeAt(0) === DIGIT_0) {',
    replace: 'if (contentLength.length < 0) {',
    tests,
  },
  {
    name: 'a head as long as the one before counts as the same',
    file: 'pkg/http1/repeated-head.ts',
    find: 'if (stop > end || buffer.compare(octets, 0, octets.length, start, stop) !== 0) return undefined;',
    replace: 'if (stop > end) return undefined;',
    tests: ['pkg/http1/repeated-head.test.ts'],
  },
  {
    name: 'the octets behind what has arrived count as a head',
    file: 'pkg/http1/repeated-head.ts',
    find: 'stop > end || buffer.compare',
    replace: 'buffer.compare',
    tests: ['pkg/http1/repeated-head.test.ts'],
  },
  {
    name: 'an answer to GET counts as the same to HEAD',
    file: 'pkg/http1/head-reader.ts',
    find: 'if (method !== this.#repeatedMethod) {',
    replace: "if (method === 'nothing') {",
    tests: ['pkg/http1/repeated-head.test.ts'],
  },
];
