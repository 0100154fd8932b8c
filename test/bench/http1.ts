import { performance } from 'node:perf_hooks';
import { ChunkedDecoder } from '../../pkg/http1/chunked.ts';
import { RequestHeadReader } from '../../pkg/http1/head-reader.ts';
import { isForwardableName, NameTable } from '../../pkg/http1/names.ts';
import { parseRequestHead } from '../../pkg/http1/request.ts';
import { parseResponseHead } from '../../pkg/http1/response.ts';
import { fieldLines, requestHead } from '../../pkg/http1/write.ts';

/** Prints what the HTTP/1.1 codec costs, in nanoseconds a head. Run by hand: `node test/bench/http1.ts`. */

const limits = { headBytes: 65536, headerCount: 200 };
const typicalFields = [
  ...[
    'Host: shop.example.com:8443',
    'User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0',
  ],
  ...[
    'Accept: application/json, text/plain, */*',
    'Accept-Language: en-US,en;q=0.5',
    'Accept-Encoding: gzip, deflate, br, zstd',
  ],
  ...[
    'Content-Type: application/json',
    'Content-Length: 123',
    'Authorization: Bearer abcdefghijklmnopqrstuvwxyz0123456789',
  ],
  ...['X-Request-Id: 6f1c2a34-1111-2222-3333-444455556666', 'Connection: keep-alive'],
];
const extraFields = Array.from({ length: 30 }, (_, i) => `X-Field-${i}: ${'v'.repeat(80)}`);
const heads = {
  small: message('GET / HTTP/1.1', ['Host: a.example', 'User-Agent: curl/8.5.0', 'Accept: */*']),
  typical: message('POST /api/v2/orders/12345?expand=items&lang=en HTTP/1.1', typicalFields),
  large: message('POST /api/v2/orders/12345?expand=items&lang=en HTTP/1.1', [...typicalFields, ...extraFields]),
};

for (const [name, octets] of Object.entries(heads)) {
  // As on a connection: more octets stand behind the head.
  const input = Buffer.concat([octets, Buffer.alloc(16384, 'x')]);
  measure(`request head, ${name}, ${octets.length} octets`, 200_000, () =>
    parseRequestHead(input, 0, input.length, limits),
  );
}
const half = heads.typical.length >> 1;
const reader = new RequestHeadReader(limits);
measure('request head, typical, in two pieces', 100_000, () => {
  reader.push(heads.typical, 0, half);
  return reader.push(heads.typical, half, heads.typical.length);
});
const response = message('HTTP/1.1 200 OK', [
  'Content-Type: application/json',
  'Content-Length: 1024',
  'Date: Tue, 24 Nov 2026 10:00:00 GMT',
  'ETag: "abc"',
]);
measure(`response head, ${response.length} octets`, 200_000, () =>
  parseResponseHead(response, 0, response.length, limits, 'GET'),
);

const fields = parseRequestHead(heads.typical, 0, heads.typical.length, limits)?.fields ?? [];
measure('write the typical head, every character checked', 200_000, () =>
  Buffer.from(requestHead('POST', '/api/v2/orders/12345', fieldLines(fields)), 'latin1'),
);
const names = new NameTable((name) => ({ forwardable: isForwardableName(name) }));
measure('look up the names of the typical head', 200_000, () => {
  let forwardable = 0;
  for (let i = 0; i < fields.length; i += 2) if (names.of(fields[i] ?? '').forwardable) forwardable++;
  return forwardable;
});
const chunked = Buffer.from(`${`4000\r\n${'x'.repeat(0x4000)}\r\n`.repeat(4)}0\r\n\r\n`);
measure('decode 64 KiB in 4 chunks', 200_000, () =>
  new ChunkedDecoder().push(chunked, 0, chunked.length, () => undefined),
);

function message(start: string, lines: readonly string[]): Buffer {
  return Buffer.from(`${[start, ...lines].join('\r\n')}\r\n\r\n`, 'latin1');
}

/** The best of five rounds: what disturbs a round only ever makes it slower. */
function measure(name: string, count: number, run: () => unknown): void {
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 5; round++) {
    const startMs = performance.now();
    for (let i = 0; i < count; i++) run();
    best = Math.min(best, performance.now() - startMs);
  }
  process.stdout.write(`${name.padEnd(50)} ${Math.round((best * 1e6) / count)} ns\n`);
}
