import { performance } from 'node:perf_hooks';
import type { RewriteRule } from '../../pkg/policy/policy.ts';
import { compileRewrite } from '../../pkg/rewrite/compile.ts';
import { makePki } from '../support/pki.ts';

/**
 * Prints what rewriting costs a request: 20 rules, 5 of them with patterns, as a busy profile might have them. Run by
 * hand: `node test/bench/rewrite.ts`.
 */

const pki = makePki({ nowMs: Date.now() });
const connection = {
  clientIp: '203.0.113.7',
  clientPort: 50123,
  serverPort: 8443,
  tls: { protocol: 'TLSv1.3', cipher: 'TLS_AES_256_GCM_SHA384', serverName: 'shop.example' },
  certificate: {
    kind: 'accepted',
    path: [pki.client('good').certificate, pki.intermediate.certificate, pki.root.certificate],
    revocation: 'good',
  },
} as const;
const request = {
  method: 'GET',
  path: '/api/v1/users/42',
  query: 'page=2',
  authority: 'shop.example',
  httpVersion: 'HTTP/1.1',
  fields: ['User-Agent', 'curl/8.5.0', 'Accept', '*/*', 'Cookie', 'session=abc; theme=dark', 'X-Tenant', 'blue'],
} as const;

const plain = (sequence: number, headerValue: string): RewriteRule => ({
  name: `plain-${sequence}`,
  sequence,
  conditions: [],
  requestHeaders: [{ headerName: `X-Plain-${sequence}`, headerValue }],
  responseHeaders: [],
});
const patterned = (sequence: number, variable: string, pattern: string, headerValue: string): RewriteRule => ({
  ...plain(sequence, headerValue),
  conditions: [{ variable, pattern, ignoreCase: false, negate: false }],
});

const ofConnection = [
  plain(1, '{var_client_certificate}'),
  plain(2, '{var_client_certificate_subject}'),
  plain(3, '{var_client_certificate_serial}'),
  ...Array.from({ length: 12 }, (_, i) => plain(10 + i, i % 2 === 0 ? 'constant' : '{var_client_ip}')),
];
const ofRequest = [
  patterned(30, 'var_uri_path', '^/api/', 'api'),
  patterned(31, 'var_uri_path', '^/api/v([0-9]+)/(.*)$', 'v{var_uri_path_1}'),
  patterned(32, 'http_req_User-Agent', 'curl|wget', 'tool'),
  patterned(33, 'var_cookie_session', '^[a-z]+$', '{var_cookie_session}'),
  patterned(34, 'http_req_X-Tenant', '^blue$', 'b'),
];

measure('compile 20 rules', 200, () =>
  compileRewrite([{ name: 'bench', rules: [...ofConnection, ...ofRequest] }], undefined),
);
const all = compileRewrite([{ name: 'bench', rules: [...ofConnection, ...ofRequest] }], undefined);
measure('bind a connection', 5_000, () => all.bind(connection));
const bound = all.bind(connection);
measure('request, 20 rules of which 5 patterns', 100_000, () => bound.request(request));
const few = compileRewrite([{ name: 'bench', rules: ofRequest.slice(0, 1) }], undefined).bind(connection);
measure('request, 1 rule with an anchored literal', 300_000, () => few.request(request));
const constant = compileRewrite([{ name: 'bench', rules: ofConnection }], undefined).bind(connection);
measure('request, 15 rules of the connection only', 1_000_000, () => constant.request(request));

function measure(name: string, rounds: number, run: () => unknown): void {
  for (let i = 0; i < rounds / 5; i++) run();
  const start = performance.now();
  for (let i = 0; i < rounds; i++) run();
  const ns = ((performance.now() - start) * 1e6) / rounds;
  process.stdout.write(`${name.padEnd(44)} ${ns.toFixed(0).padStart(9)} ns\n`);
}
