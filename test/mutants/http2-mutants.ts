import type { Mutant } from './mutant.ts';

const inbound = 'pkg/http2/inbound.ts';
const headers = 'pkg/http2/inbound-headers.ts';
const reader = 'pkg/http2/frame-reader.ts';
const rules = 'pkg/http2/request-rules.ts';
const sender = 'pkg/http2/sender.ts';
const session = 'pkg/http2/session.ts';
const windows = 'pkg/http2/receive-windows.ts';
const ruleTests = ['pkg/http2/session-rules.test.ts'] as const;
const lifeTests = ['pkg/http2/session-life.test.ts'] as const;
const flowTests = ['pkg/http2/session-flow.test.ts'] as const;
const fuzzTests = ['pkg/http2/session-fuzz.test.ts'] as const;

/** HTTP/2 of our own: what a client must not send ends stream or connection, what floods is bounded, what waits is kept whole. */
export const http2Mutants: readonly Mutant[] = [
  // --- what a request is
  {
    name: 'a body may be longer than its content-length',
    file: inbound,
    find: 'stream.contentLength >= 0 && stream.received > stream.contentLength',
    replace: 'stream.contentLength < -1',
    tests: ruleTests,
  },
  {
    name: 'a body may be shorter than its content-length',
    file: inbound,
    find: 'if (stream.lengthAgrees) streams.requestEnds',
    replace: 'if (stream.open) streams.requestEnds',
    tests: ruleTests,
  },
  {
    name: 'a body with trailers may be shorter than its content-length',
    file: headers,
    find: ' || !stream.lengthAgrees) {',
    replace: ') {',
    tests: ruleTests,
  },
  {
    name: 'characters of a field are not looked at',
    file: headers,
    find: "length = block.accepted ? judgeRequest(block.fields) : 'a character that may not be'",
    replace: 'length = judgeRequest(block.fields)',
    tests: ruleTests,
  },
  {
    name: 'a request with a body that repeats one without is taken for that',
    file: headers,
    find: ' && this.#asked.head.endStream === endStream',
    replace: '',
    tests: lifeTests,
  },
  {
    name: 'characters of a trailer are not looked at',
    file: headers,
    find: '!endStream || !block.accepted ||',
    replace: '!endStream ||',
    tests: ruleTests,
  },
  {
    name: 'a line break stands in a value',
    file: rules,
    find: 'c === 0 || c === 0x0a || c === 0x0d',
    replace: 'c === 0',
    tests: ruleTests,
  },
  {
    name: 'transfer-encoding is let through',
    file: rules,
    find: "    case 'transfer-encoding':\n",
    replace: '',
    tests: ruleTests,
  },
  {
    name: 'two paths are one request',
    file: rules,
    find: '(seen & bit) !== 0',
    replace: 'seen < 0',
    tests: ruleTests,
  },
  {
    name: 'pseudo-header fields stand behind others',
    file: rules,
    find: "return name.charCodeAt(0) === colon ? 'a pseudo-header field behind a field, or in trailers' : undefined;",
    replace: 'return undefined;',
    tests: ruleTests,
  },
  {
    name: 'two content-lengths are one',
    file: rules,
    find: ' || contentLength !== noLength) return',
    replace: ') return',
    tests: ruleTests,
  },
  {
    name: 'trailers over the limit are cut',
    file: headers,
    find: '} else if (block.overLimit) {',
    replace: '} else if (block.overLimit && !endStream) {',
    tests: ruleTests,
  },
  // --- the connection
  {
    name: 'frames may be of any length',
    file: reader,
    find: 'if (bytes > maxFrameBytes) {',
    replace: 'if (bytes < 0) {',
    tests: ruleTests,
  },
  {
    name: 'padding is taken for the body',
    file: reader,
    find: 'this.#dataLeft - this.#padding)',
    replace: 'this.#dataLeft)',
    tests: ruleTests,
  },
  {
    name: 'other frames stand within a field block',
    file: inbound,
    find: 'if (this.#headers.unfinished && type !== frameType.continuation) this.#interleaved();',
    replace: '',
    tests: ruleTests,
  },
  {
    name: 'DATA stands within a field block',
    file: inbound,
    find: 'if (this.#headers.unfinished) this.#interleaved();',
    replace: '',
    tests: ruleTests,
  },
  {
    name: 'a field block of nobody is not read, and the table goes out of step',
    file: headers,
    find: "    // Also where nobody wants it: the table is the connection's.\n",
    replace: '    if (isNew && !this.#streams.taking) return;\n',
    tests: lifeTests,
  },
  {
    name: 'the limit of streams is not kept',
    file: headers,
    find: 'streams.table.count >= this.#maxStreams',
    replace: 'streams.table.count < 0',
    tests: ruleTests,
  },
  // --- windows
  {
    name: "the client's window of the connection is not kept",
    file: sender,
    find: 'maxFrameBytes, this.window, stream.window);\n        if (bytes <= 0)',
    replace: 'maxFrameBytes, stream.window);\n        if (bytes <= 0)',
    tests: fuzzTests,
  },
  {
    name: "the client's window of a stream is not kept",
    file: sender,
    find: 'maxFrameBytes, this.window, stream.window);\n    const last',
    replace: 'maxFrameBytes, this.window);\n    const last',
    tests: fuzzTests,
  },
  {
    name: 'lent octets are kept without a copy',
    file: sender,
    find: 'shared ? Buffer.from(rest) : rest',
    replace: 'shared ? rest : Buffer.from(rest)',
    tests: lifeTests,
  },
  {
    name: 'octets that the outlet keeps are written over',
    file: sender,
    find: 'if (this.#outlet.taken)',
    replace: 'if (!this.#blocked)',
    tests: fuzzTests,
  },
  {
    name: 'DATA goes on though the outlet has enough',
    file: sender,
    find: 'while (at < chunk.length && !this.#blocked) {',
    replace: 'while (at < chunk.length) {',
    tests: flowTests,
  },
  {
    name: 'input goes on though nobody reads the answers',
    file: sender,
    find: 'if (this.#holding || this.frames.length < heldBytes) return;',
    replace: 'if (!this.#holding) return;',
    tests: flowTests,
  },
  {
    name: 'streams that were reset gather where the window of the connection stays shut',
    file: sender,
    find: 'if (at >= 0) this.#ready.splice(at, 1);',
    replace: '',
    tests: flowTests,
  },
  {
    name: 'what a paused stream holds is forgotten once its request is whole',
    file: inbound,
    find: 'if (!stream.open) stream = undefined;\n    }',
    replace: 'stream = undefined;\n    }',
    tests: flowTests,
  },
  {
    name: 'a client may send more than the window of the connection',
    file: windows,
    find: 'return this.#left >= 0;',
    replace: 'return true;',
    tests: flowTests,
  },
  {
    name: 'a client may send more than the window of a stream',
    file: inbound,
    find: 'bytes > stream.receiveWindow',
    replace: 'bytes > 1_000_000',
    tests: flowTests,
  },
  {
    name: 'a paused stream gets more all the same',
    file: windows,
    find: 'if (stream.paused) {',
    replace: 'if (stream.remoteEnded) {',
    tests: flowTests,
  },
  {
    name: 'paused streams hold any amount together',
    file: windows,
    find: 'over > 0 ? this.#owed - over : this.#owed',
    replace: 'this.#owed',
    tests: flowTests,
  },
  // --- floods
  {
    name: 'a client may reset any number of streams',
    file: inbound,
    find: 'refuseFlood(this.#guard.spend(floodKind.resets));',
    replace: '',
    tests: lifeTests,
  },
  {
    name: 'a client may make us reset any number of streams',
    file: session,
    find: 'refuseFlood(this.#guard.spend(floodKind.resets));',
    replace: '',
    tests: lifeTests,
  },
  {
    name: 'a rapid reset reaches the application',
    file: session,
    find: '    this.#fresh.push(stream);\n',
    replace: '    this.#accept(stream);\n',
    tests: ruleTests,
  },
  {
    name: 'PING is answered without end',
    file: inbound,
    find: 'refuseFlood(this.#guard.spend(floodKind.pings));',
    replace: '',
    tests: lifeTests,
  },
  {
    name: 'SETTINGS are answered without end',
    file: inbound,
    find: 'refuseFlood(this.#guard.spend(floodKind.settings));',
    replace: '',
    tests: lifeTests,
  },
  {
    name: 'empty DATA comes without end',
    file: inbound,
    find: 'else if (!this.#dataEndsStream) refuseFlood(this.#guard.spend(floodKind.emptyFrames));',
    replace: '',
    tests: lifeTests,
  },
  {
    name: 'DATA without octets that ends what is over costs nothing',
    file: inbound,
    find: 'else if (isIgnored) refuseFlood(this.#guard.spend(floodKind.ignoredFrames));',
    replace: '',
    tests: lifeTests,
  },
  {
    name: 'windows are opened by one octet without end',
    file: sender,
    find: 'if (!isCut || end - start >= dribbleBytes) this.#guard.data();',
    replace: 'this.#guard.data();',
    tests: lifeTests,
  },
  {
    name: 'a field block has any number of frames',
    file: 'pkg/http2/header-block.ts',
    find: ' || this.#frames > maxFrames) return false;',
    replace: ') return false;',
    tests: lifeTests,
  },
  {
    name: 'a field block has any length',
    file: 'pkg/http2/header-block.ts',
    find: 'length > this.#maxBytes || ',
    replace: '',
    tests: lifeTests,
  },
  // --- the end
  {
    name: 'streams are served behind the final GOAWAY',
    file: session,
    find: '    this.taking = false;\n',
    replace: '',
    tests: lifeTests,
  },
  {
    name: 'the notice of an end is already the end',
    file: session,
    find: 'this.sender.frames.goaway(max31, errorCode.noError,',
    replace: 'this.sender.frames.goaway(this.table.lastId, errorCode.noError,',
    tests: lifeTests,
  },
];
