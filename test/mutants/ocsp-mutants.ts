import { type Mutant, of } from './mutant.ts';
import { ocspAnswerMutants } from './ocsp-answer-mutants.ts';

const addresses = 'pkg/ocsp/address.test.ts';
const spellings = 'pkg/ocsp/address-spellings.test.ts';
const checker = 'pkg/ocsp/checker.test.ts';
const hostile = 'pkg/ocsp/hostile.test.ts';
const cache = 'pkg/ocsp/cache.test.ts';
const model = 'pkg/ocsp/checker-model.test.ts';
const load = 'pkg/ocsp/load.test.ts';
const requests = 'pkg/ocsp/request.test.ts';

/** What is asked, where, how, how long it takes, and how long an answer holds. */
export const ocspMutants: readonly Mutant[] = [
  ...ocspAnswerMutants,
  ...of('pkg/ocsp/address.ts', [
    [
      'one permitted address permits the host',
      'for (const address of addresses) judge(url, address, internal, listed);',
      'judge(url, addresses[0] ?? "", internal, listed);',
      addresses,
    ],
    ['a special address is permitted', 'if (kind !== undefined) {', "if (kind === 'x') {", spellings],
    [
      'any port is permitted',
      'if (url.port === 80 || url.port === 443) return;',
      'if (url.port > 0) return;',
      addresses,
    ],
    [
      'a listed name permits a special address',
      'if (internal.some((cidr) => inCidr(bytes, cidr))) return;',
      'if (internal.some((cidr) => inCidr(bytes, cidr)) || listed.some((entry) => entry.host === url.host)) return;',
      addresses,
    ],
    [
      'a listed name permits any port',
      'if (listed.some((entry) => entry.host === url.host && entry.port === url.port)) return;',
      'if (listed.some((entry) => entry.host === url.host)) return;',
      addresses,
    ],
    [
      'the allow list is ignored',
      'if (listed.length > 0 && !listed.some(',
      'if (listed.length > 1e6 && !listed.some(',
      addresses,
    ],
    [
      'characters that the parser drops are taken',
      'if (!/^[\\x21-\\x5b\\x5d-\\x7e]+$/.test(text)) {',
      'if (text.length === 0) {',
      addresses,
    ],
    [
      'other schemes are asked',
      "if (url.protocol !== 'http:' && url.protocol !== 'https:') {",
      "if (url.protocol === 'x:') {",
      addresses,
    ],
    [
      'user information is taken',
      "if (authority.includes('@')) throw",
      "if (authority.includes('\\n')) throw",
      addresses,
    ],
    [
      'an address that cannot be read is permitted',
      'if (bytes === undefined) throw new AddressRefused(',
      'if (bytes === undefined) return; if (bytes.length === 0) throw new AddressRefused(',
      addresses,
    ],
    [
      'a host without addresses is permitted',
      'if (addresses.length === 0) throw',
      'if (addresses.length < 0) throw',
      addresses,
    ],
    ['a URL may be of any length', 'if (text.length > maxUrlLength) {', 'if (text.length > 1e9) {', addresses],
  ]),
  ...of('pkg/ocsp/ip.ts', [
    ['loopback is public', "['127.0.0.0/8', 'loopback'],", '', spellings],
    ['link-local and cloud metadata are public', "['169.254.0.0/16', 'link-local (cloud metadata)'],", '', spellings],
    ['the metadata address of Azure is public', "['168.63.129.16/32', 'cloud metadata'],", '', spellings],
    ['private addresses are public', "['10.0.0.0/8', 'private'],", '', spellings],
    ['multicast is public', "['224.0.0.0/4', 'multicast'],", '', spellings],
    [
      'what is outside 2000::/3 is public',
      "return inCidr(address, global6) ? undefined : 'reserved';",
      'return undefined;',
      addresses,
    ],
    ['6to4 is public', "['2002::/16', '6to4'],", '', spellings],
    ['Teredo is public', "['2001::/32', 'Teredo'],\n  ['2001::/23', 'reserved for protocols'],", '', spellings],
    [
      'an IPv4 block holds IPv6 addresses',
      'if (address.length !== cidr.bytes.length) return false;',
      'if (address.length === 16 && cidr.bytes.length === 4) return inCidr(address.subarray(12), cidr);',
      addresses,
    ],
    [
      'zones are read',
      "if (!isIPv6(text) || text.includes('%')) return undefined;",
      "if (!isIPv6(text)) return undefined; text = text.split('%')[0] ?? '';",
      spellings,
    ],
  ]),
  ...of('pkg/ocsp/transport.ts', [
    ['addresses are not judged', 'policy.addresses(hop, found);', '', checker],
    [
      'connections go to the first address that was found, whatever was judged',
      'if (isIP(url.host) !== 0) return [url.host];',
      "if (isIP(url.host) !== 0) return ['93.184.216.34'];",
      checker,
    ],
    ['a slow look-up has no time limit', 'Math.max(0, timeoutMs),', '8000,', hostile],
    [
      'one host may have every thread of the resolver',
      'const lookup = oneAtATime(deps.lookup);',
      'const { lookup } = deps;',
      hostile,
    ],
    ['answers of DNS are kept', '.finally(() => flights.delete(host))', '', hostile],
    [
      'a full queue is softenable',
      "return fault('overloaded', `too many questions wait for ${url.authority}`);",
      "return fault('overloaded', 'x', true);",
      checker,
    ],
    ['places are not given back', '        release();', '', hostile],
    [
      'a failing responder is asked for ever',
      'if (refusal !== undefined) return',
      "if (refusal === undefined) {} else if (refusal.detail === '') return",
      checker,
    ],
  ]),
  ...of('pkg/ocsp/http-exchange.ts', [
    ['an exchange has no deadline', 'options.timeoutMs,\n    );', '20_000,\n    );', hostile],
    ['a connection with an answer half read is kept', 'if (!keep) for', 'if (false) for', hostile],
    ['any status is an answer', 'if (statusCode !== 200) {', 'if (statusCode >= 600) {', checker],
    ['any failure by status is softenable', 'expected 200`, statusCode >= 500),', 'expected 200`, true),', checker],
    [
      'an encoded body is read',
      "if (encoding !== undefined && encoding.toLowerCase() !== 'identity') {",
      "if (encoding === 'x') {",
      hostile,
    ],
    [
      'a body of any length is read',
      'if (size > maxBytes) finish(tooLarge());',
      'if (size > 1e12) finish(tooLarge());',
      hostile,
    ],
    [
      'a named length is not looked at',
      "if (Number(headers['content-length'] ?? 0) > maxBytes) {",
      "if (Number(headers['content-length'] ?? 0) > 1e15) {",
      hostile,
    ],
    ['a head may have any length', 'const maxHeaderBytes = 8192;', 'const maxHeaderBytes = 1e9;', hostile],
    [
      'a switch of protocols hangs',
      ".on('upgrade', ({ statusCode }, socket) => {",
      ".on('upgraded', ({ statusCode }, socket) => {",
      hostile,
    ],
  ]),
  ...of('pkg/ocsp/ask.ts', [
    [
      'soft trouble hides a forgery',
      'const fault = faults.find(({ softenable }) => !softenable) ?? faults.at(-1) ?? outOfTime;',
      'const fault = faults.at(-1) ?? outOfTime;',
      checker,
    ],
    [
      'soft trouble in a retry hides what a responder said',
      'const decisive = own.findLast(({ softenable }) => !softenable) ?? own.at(-1);',
      'const decisive = own.at(-1);',
      'pkg/ocsp/ask.test.ts',
    ],
    [
      'the first responder has all the time',
      'const shareMs = (deadlineMs - deps.monotonicNow()) / (urls.length - index);',
      'const shareMs = deadlineMs - deps.monotonicNow();',
      hostile,
    ],
    [
      'after revoked the next responder is asked',
      "if (outcome !== undefined && outcome.kind !== 'error') return",
      "if (outcome !== undefined && outcome.kind === 'good') return",
      checker,
    ],
    [
      'an override is only a fallback',
      "return responder.use === 'Override' || own.length === 0 ? [responder.url] : own;",
      'return own.length === 0 ? [responder.url] : own;',
      checker,
    ],
    [
      'a fallback is an override',
      "return responder.use === 'Override' || own.length === 0 ? [responder.url] : own;",
      'return [responder.url];',
      checker,
    ],
    [
      'a certificate may name any number of responders',
      'certificate.ocspUrls.slice(0, maxUrls)',
      'certificate.ocspUrls',
      'pkg/ocsp/ask.test.ts',
    ],
    [
      'SHA-1 is never tried',
      "if (hash === 'sha256' && wantsSha1(outcome)) hash = 'sha1';",
      'if (wantsSha1(outcome) && outcome.step === "") hash = "sha1";',
      checker,
    ],
    ['SHA-1 is not remembered', 'deps.sha1Only.add(text);', '', checker],
    ['caches are gone around always', 'let noCache = false;', 'let noCache = true;', 'pkg/ocsp/ask.test.ts'],
    ['caches are never gone around', '!noCache) noCache = true;', '!noCache) return;', 'pkg/ocsp/ask.test.ts'],
    [
      'POST is never tried',
      "&& attempt.method === 'GET') post = true;",
      "&& attempt.method === 'GET') return;",
      hostile,
    ],
    [
      'a nonce is not sent',
      "const sentNonce = settings.nonce === 'Off' ? undefined : deps.random(nonceBytes);",
      'const sentNonce = undefined;',
      checker,
    ],
    [
      'a nonce is sent unasked',
      "const sentNonce = settings.nonce === 'Off' ? undefined : deps.random(nonceBytes);",
      'const sentNonce = deps.random(nonceBytes);',
      'pkg/ocsp/ask.test.ts',
    ],
  ]),
  ...of('pkg/ocsp/request.ts', [
    [
      'the name’s hash is the key’s',
      'der.octetString(createHash(hash).update(target.issuerName).digest()),',
      'der.octetString(createHash(hash).update(issuer.subjectPublicKey).digest()),',
      requests,
    ],
    [
      'the nonce is wrapped once',
      'der.octetString(der.octetString(options.nonce))',
      'der.octetString(options.nonce)',
      requests,
    ],
    ['base64 is not escaped', "encodeURIComponent(request.toString('base64'))", "request.toString('base64')", requests],
    ['two slashes stand before a request', "bare.endsWith('/') ? bare.slice(0, -1) : bare", 'bare', requests],
    ['long URLs go by GET', 'mustPost || whole > maxGetUrlBytes', 'mustPost', requests],
    ['a nonce goes by GET', 'mustPost || whole > maxGetUrlBytes', 'whole > maxGetUrlBytes', requests],
    ['a nonce is short', 'export const nonceBytes = 32;', 'export const nonceBytes = 16;', 'pkg/ocsp/ask.test.ts'],
  ]),
  ...of('pkg/ocsp/freshness.ts', [
    [
      'the wall clock alone makes an answer fresh',
      'return nowMs < freshUntilMs && monotonicMs < freshUntilMonotonicMs;',
      'return nowMs < freshUntilMs;',
      checker,
    ],
    [
      'the monotonic clock alone makes an answer fresh',
      'return nowMs < freshUntilMs && monotonicMs < freshUntilMonotonicMs;',
      'return monotonicMs < freshUntilMonotonicMs;',
      model,
    ],
    ['answers are refreshed too early', 'lifeMs * (0.8 + 0.1 * jitter)', 'lifeMs * (0.5 + 0.1 * jitter)', load],
  ]),
  ...of('pkg/ocsp/cache.ts', [
    ['a hold is for good', "status.reason !== 'certificateHold'", "status.reason !== 'x'", checker],
    ['revoked can be lifted', 'if (isFinal(last)) return last;', '', cache],
    ['an older revocation does not count', 'if (isFinal(next)) return next;', '', cache],
    ['an older good lifts a refusal', 'next.answer.thisUpdateMs > refusedMs && (isNewer', 'true && (isNewer', model],
    [
      'an older good takes the place of a newer',
      "(isNewer || last.kind !== 'good') ? next : last",
      'true ? next : last',
      cache,
    ],
    [
      'unknown lifts a hold',
      "if (last.kind === 'revoked') return next.kind === 'revoked' && isNewer ? next : last;",
      '',
      cache,
    ],
    ['refusals seen are forgotten', 'Math.max(before, next.answer.thisUpdateMs)', 'next.answer.thisUpdateMs', cache],
  ]),
  ...of('pkg/ocsp/checker.ts', [
    [
      'many questions about one certificate are many',
      'return flights.get(key) ?? start(question, key);',
      'return start(question, key);',
      model,
    ],
    ['a refresh is started by every request', 'if (isDue && !flights.has(key)) void', 'if (isDue) void', model],
    [
      'nothing is refreshed ahead',
      "const isDue = monotonicMs >= entry.refreshFromMonotonicMs && entry.status.kind === 'good';",
      'const isDue = false;',
      load,
    ],
    ['an answer under other settings counts', '.update(JSON.stringify(settings))', '', checker],
    ['an answer about a namesake’s certificate counts', '.update(issuer.spkiSha256)', '', 'pkg/ocsp/ask.test.ts'],
    [
      'an answer about another serial counts',
      ".update(certificate.serial.toString('hex'))",
      '',
      'pkg/ocsp/ask.test.ts',
    ],
    [
      'the link to the issuer is not looked at on a hit',
      'if (fault !== undefined) return notLinked(fault, now());',
      '',
      checker,
    ],
    ['silence lifts a revocation', "if (last?.kind === 'revoked') {", 'if (last === null) {', checker],
    [
      'unknown holds as long as good',
      'Math.min(freshUntilMs, nowMs + maxUnknownMs)',
      'freshUntilMs',
      'pkg/ocsp/ask.test.ts',
    ],
    ['maxAge is ignored', 'Math.min(usableUntilMs, nowMs + question.settings.maxAgeMs)', 'usableUntilMs', model],
    [
      'nextUpdate is ignored once an answer is kept',
      'Math.min(usableUntilMs, nowMs + question.settings.maxAgeMs)',
      'nowMs + question.settings.maxAgeMs',
      model,
    ],
    ['an answer from before a clear is kept', 'if (begun === generation) {', 'if (begun >= 0) {', checker],
    [
      'a fault of ours stays in flight',
      '.catch((error: unknown): Asked => internalFault(error))',
      '',
      'pkg/ocsp/ask.test.ts',
    ],
  ]),
].map((mutant) => ({ ...mutant, name: `OCSP: ${mutant.name}` }));
