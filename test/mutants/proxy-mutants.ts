import type { Mutant } from './mutant.ts';

const connection = 'pkg/proxy/connection.ts';
const compose = 'pkg/proxy/compose.ts';
const fields = 'pkg/proxy/fields.ts';
const back = 'pkg/proxy/http1-back.ts';
const http2 = 'pkg/proxy/http2-request.ts';
const tests = ['pkg/proxy/gate.test.ts'] as const;

/** The data plane: nothing passes without a verdict, no proof is forged, no tunnel is dug. */
export const proxyMutants: readonly Mutant[] = [
  {
    name: 'a request for a host of another profile is forwarded (no 421)',
    file: connection,
    find: 'if (listener?.profileFor(hostOf(view.authority)) !== this.#profile) {',
    replace: 'if (listener === undefined) {',
    tests,
  },
  {
    name: 'a refused certificate is forwarded',
    file: connection,
    find: "if (auth.enforcement === 'Report') {",
    replace: "if (auth.enforcement === 'Report' || auth.enforcement === 'Enforce') {",
    tests,
  },
  {
    name: 'a public path covers requests with a bad certificate too',
    file: connection,
    find: "if (verdict.reason === 'NoCertificate' && isPublic(view.path, auth.publicPaths)) {",
    replace: 'if (isPublic(view.path, auth.publicPaths)) {',
    tests,
  },
  {
    name: 'a rule leads from a public path to one that is not',
    file: connection,
    find: "if (admission.kind === 'answer' || isPublicTarget(admission.target, auth)) return admission;",
    replace: 'return admission;',
    tests,
  },
  {
    name: 'a verdict is never asked again',
    file: connection,
    find: 'if (wallMs < verdict.holdsUntilMs) return verdict;',
    replace: 'if (wallMs < Number.MAX_VALUE) return verdict;',
    tests,
  },
  {
    name: 'an open connection is not ended when its certificate is revoked',
    file: connection,
    find: "if (!(verdict instanceof Promise) && verdict.kind === 'refuse') this.#endRefused();",
    replace: '',
    tests,
  },
  {
    name: 'a connection goes on when its profile is gone',
    file: connection,
    find: 'if (this.#orphaned) return this.#orphan();',
    replace: '',
    tests,
  },
  {
    name: 'certificate headers of the client are not removed',
    file: fields,
    find: 'if (!legal || guarded || hopByHop',
    replace: 'if (!legal || hopByHop',
    tests,
  },
  {
    name: 'header names with an underscore or a dot get through',
    file: fields,
    find: 'if (!legal || guarded || hopByHop',
    replace: 'if (guarded || hopByHop',
    tests,
  },
  {
    name: 'guarded names are compared unfolded',
    file: fields,
    find: "this.#isGuarded(lower.replace(/[^a-z0-9]/g, '-'))",
    replace: 'this.#isGuarded(lower)',
    tests,
  },
  {
    name: 'forwarding headers of strangers are believed',
    file: compose,
    find: "if (known.action === 'forwarding' && !connection.peerIsTrustedProxy) continue;",
    replace: '',
    tests,
  },
  {
    name: 'a proof in the answer of the application reaches the client',
    file: compose,
    find: 'const removed = known.guarded || ',
    replace: 'const removed = ',
    tests,
  },
  {
    name: 'a 101 that nobody asked for opens a tunnel',
    file: back,
    find: "if (!request.webSocket) throw new Error('the application switched protocols (101) although nobody asked');",
    replace: '',
    tests,
  },
  {
    name: 'bytes after a whole answer are read as the next one',
    file: back,
    find: 'if (at < end) this.#keep = false;',
    replace: '',
    tests,
  },
  {
    name: 'a socket to the application is used on after an early answer',
    file: back,
    find: 'if (!this.#requestDone || !this.#keep || this.#socket === undefined) {',
    replace: 'if (!this.#keep || this.#socket === undefined) {',
    tests,
  },
  {
    name: 'CONNECT, TRACE and PRI get through HTTP/2',
    file: http2,
    find: "if (method === 'CONNECT' || method === 'TRACE' || method === 'PRI') return",
    replace: "if (method === '') return",
    tests,
  },
  {
    name: 'any protocol may be tunnelled through HTTP/2',
    file: http2,
    find: "pseudo.get(':protocol') === 'websocket';",
    replace: "pseudo.has(':protocol');",
    tests,
  },
  {
    name: ':authority and host may differ',
    file: http2,
    find: 'if (first !== undefined && second !== undefined && first !== second) return undefined;',
    replace: '',
    tests,
  },
  {
    name: 'a session may resume',
    file: 'pkg/proxy/listener.ts',
    find: '!meetsPolicy(current, socket) ||\n    socket.isSessionReused()',
    replace: '!meetsPolicy(current, socket)',
    tests,
  },
];
