import assert from 'node:assert/strict';
import { lookup as systemLookup } from 'node:dns/promises';
import { after, test } from 'node:test';
import { ocspSettings } from '../../test/support/judging.ts';
import { startOcspResponder } from '../../test/support/ocsp-responder.ts';
import { makePki } from '../../test/support/pki.ts';
import { addressPolicy } from './address.ts';
import { createOcspChecker } from './checker.ts';
import { ipBytes, specialKind } from './ip.ts';

/* Every way to write an address that is not public, as a URL's host, as an override's, and as a name's answer. */

/** What a policy without any list makes of a URL and of what its host resolves to (itself, where it is a literal). */
function judge(text: string, resolved?: readonly string[]): 'permitted' | 'refused' {
  try {
    const policy = addressPolicy({ allowInternalAddresses: [], responderAllowList: [] });
    const url = policy.url(text);
    policy.addresses(url, resolved ?? [url.host]);
    return 'permitted';
  } catch {
    return 'refused';
  }
}

/** One IPv4 address in every spelling that the WHATWG URL parser, inet_aton and IPv6 know. */
function spellings(address: string): readonly string[] {
  const [a = 0, b = 0, c = 0, d = 0] = address.split('.').map(Number);
  const number = ((a << 24) >>> 0) + (b << 16) + (c << 8) + d;
  const octal = (value: number) => `0${value.toString(8)}`;
  const hex = (value: number) => `0x${value.toString(16)}`;
  const pair = (high: number, low: number) => ((high << 8) | low).toString(16);
  const groups = `${pair(a, b)}:${pair(c, d)}`;
  const ipv4 = [
    ...[
      address,
      `${address}.`,
      String(number),
      hex(number),
      octal(number),
      `${hex(number).toUpperCase().replace('X', 'x')}`,
    ],
    ...[`${a}.${(b << 16) + (c << 8) + d}`, `${a}.${b}.${(c << 8) + d}`],
    ...[[a, b, c, d].map(octal).join('.'), [a, b, c, d].map(hex).join('.'), `${hex(a)}.${octal(b)}.${c}.${d}`],
    ...[
      `${hex(a)}.${(b << 16) + (c << 8) + d}`,
      address.replaceAll('.', '%2e'),
      `${address.slice(0, -1)}%${(48 + (d % 10)).toString(16)}`,
    ],
  ];
  const ipv6 = [
    ...[`::ffff:${address}`, `::ffff:${groups}`, `0:0:0:0:0:ffff:${groups}`, `0000:0000:0000:0000:0000:ffff:${groups}`],
    ...[`::FFFF:${groups.toUpperCase()}`, `::${address}`, `::${groups}`, `::ffff:0:${groups}`, `64:ff9b::${address}`],
    ...[`64:ff9b::${groups}`, `64:ff9b:1::${groups}`, `64:ff9b:1:${groups}::`, `2002:${groups}::`, `2002:${groups}::1`],
    ...[`2001:0:${groups}::`, `2001::${groups}`],
  ];
  return [...ipv4, ...ipv6.map((one) => `[${one}]`)];
}

const special = [
  '127.0.0.1',
  '10.0.0.1',
  '169.254.169.254',
  '168.63.129.16',
  '192.168.1.1',
  '172.16.0.1',
  '100.100.100.200',
  '0.0.0.0',
  '224.0.0.1',
  '255.255.255.255',
];
for (const address of special) {
  test(`${address} is refused in every spelling, on either port`, () => {
    const permitted = spellings(address).filter(
      (host) => judge(`http://${host}/`) === 'permitted' || judge(`http://${host}:443/x?y`) === 'permitted',
    );
    assert.deepEqual(permitted, []);
  });
}

test('the spellings are read: those of a public IPv4 address that are IPv4 are permitted, the translated ones are not', () => {
  const permitted = spellings('93.184.216.34').filter((host) => judge(`http://${host}/`) === 'permitted');
  assert.deepEqual(
    permitted,
    spellings('93.184.216.34').filter((host) => !host.startsWith('[')),
  );
});

test('special IPv6 addresses are refused in every spelling', () => {
  const hosts = [
    ...['::', '::1', '0:0:0:0:0:0:0:1', '0000:0000:0000:0000:0000:0000:0000:0001', '::0.0.0.1', 'fe80::1', 'FE80::1'],
    ...['febf::1', 'fec0::1', 'fc00::1', 'fdff::1', 'fd00:ec2::254', 'fd20:ce::254', 'ff00::1', 'ff02::1', '100::1'],
    ...['2001:db8::1', '2001::1', '2001:1ff::1', '2002::1', '3fff:fff::1', '4000::1', '5f00::1', 'e000::1'],
  ];
  assert.deepEqual(
    hosts.filter((host) => judge(`http://[${host}]/`) === 'permitted'),
    [],
  );
});

test('a host that two readers could read differently is refused, or read as it connects', () => {
  const refused = [
    ...['http://127.0.0.1#@ocsp.example/', 'http://ocsp.example#@127.0.0.1/', 'http://ocsp.example@127.0.0.1/'],
    ...['http://127.0.0.1\\.ocsp.example/', 'http://[::1%25lo]/', 'http://[::1%lo]/', 'http://127。0。0。1/'],
    ...['http://①②⑦.⓪.⓪.①/', 'http://127.0.0.1%00.ocsp.example/', 'http://ocsp.example:80:80/', 'http:/127.0.0.1/'],
    ...['http:\\\\127.0.0.1/', '//127.0.0.1/', ' http://127.0.0.1/', 'http://127.0.0.256/', 'http://0x7f.1.2.3.4/'],
    ...['gopher://127.0.0.1/', 'HTTP://127.0.0.1/', 'http://[::1]:80/', 'http://127.0.0.1:0080/', 'http://4294967296/'],
  ];
  assert.deepEqual(
    refused.filter((text) => judge(text) === 'permitted'),
    [],
  );
});

test('what a name resolves to is refused in the forms that resolvers give, zones and all', () => {
  const answers = [
    '127.0.0.1',
    '::1',
    '::ffff:127.0.0.1',
    '::ffff:7f00:1',
    'fe80::1%eth0',
    'fe80::1',
    '64:ff9b::a9fe:a9fe',
    '0.0.0.0',
    '::',
  ];
  for (const address of answers) {
    assert.equal(judge('http://ocsp.example/', [address]), 'refused', address);
    assert.equal(
      judge('http://ocsp.example/', ['93.184.216.34', address]),
      'refused',
      `${address} beside a public one`,
    );
  }
});

test('ordinary spellings of one address are the same octets, all others are none', () => {
  const rows: readonly (readonly [string, string | undefined])[] = [
    ['127.0.0.1', '7f000001'],
    ['::1', '00000000000000000000000000000001'],
    ['::ffff:1.2.3.4', '00000000000000000000ffff01020304'],
    ['1:2:3:4:5:6:7:8', '00010002000300040005000600070008'],
    ['1::8', '00010000000000000000000000000008'],
    ['127.1', undefined],
    ['0177.0.0.1', undefined],
    ['2130706433', undefined],
    ['fe80::1%eth0', undefined],
    ['1::2::3', undefined],
    ['', undefined],
  ];
  for (const [text, want] of rows) {
    const bytes = ipBytes(text);
    assert.equal(bytes === undefined ? undefined : Buffer.from(bytes).toString('hex'), want, text);
  }
});

test('of IPv4 the octets on either side of each special block are public', () => {
  const edges = [
    '1.0.0.0',
    '9.255.255.255',
    '11.0.0.0',
    '100.63.255.255',
    '100.128.0.0',
    '126.255.255.255',
    '128.0.0.0',
  ];
  const more = ['168.63.129.15', '168.63.129.17', '169.253.255.255', '169.255.0.0', '172.15.255.255', '172.32.0.0'];
  const rest = [
    '192.0.1.0',
    '192.0.3.0',
    '192.88.98.255',
    '192.88.100.0',
    '192.167.255.255',
    '192.169.0.0',
    '198.17.255.255',
    '198.20.0.0',
    '223.255.255.255',
  ];
  for (const address of [...edges, ...more, ...rest]) {
    const bytes = ipBytes(address);
    assert.equal(bytes === undefined ? 'unread' : specialKind(bytes), undefined, address);
  }
});

const nowMs = Date.UTC(2026, 10, 20, 10);
const pki = makePki({ nowMs });
const { certificate: issuer, key } = pki.intermediate;
const responder = await startOcspResponder({ issuer, signer: { certificate: issuer, key }, now: () => nowMs });
const looked: string[] = [];
const checker = createOcspChecker({
  now: () => nowMs,
  monotonicNow: () => performance.now(),
  lookup: (host) => {
    looked.push(host);
    return systemLookup(host, { all: true });
  },
  random: (size) => Buffer.alloc(size),
});
after(async () => {
  checker.close();
  await responder.close();
});

async function causeOf(urls: readonly string[], responderUrl?: string, allowInternalAddresses: string[] = []) {
  const { certificate } = pki.intermediate.issue({ ocspUrls: urls });
  responder.verdicts.set(certificate.serialHex, { kind: 'good' });
  const changes = responderUrl === undefined ? {} : { responder: { url: responderUrl, use: 'Override' as const } };
  const status = await checker.check(certificate, issuer, { ...ocspSettings, ...changes, allowInternalAddresses });
  return status.kind === 'unavailable' ? `${status.cause}, ${status.softenable ? 'softenable' : 'hard'}` : status.kind;
}

test('literals are judged though no look-up is made for them, and an override like the certificate’s own', async () => {
  for (const host of [...spellings('127.0.0.1'), '[::1]']) {
    const url = `http://${host}:${responder.port}/`;
    assert.equal(await causeOf([url]), 'address-refused, hard', url);
    assert.equal(await causeOf([], url), 'address-refused, hard', `override ${url}`);
  }
  assert.deepEqual(looked, []);
  assert.equal(responder.requests.length, 0);
});

test('a name of this machine is refused by what it resolves to', async () => {
  assert.equal(await causeOf([`http://localhost:${responder.port}/`]), 'address-refused, hard');
  assert.deepEqual(looked.splice(0), ['localhost']);
  assert.equal(responder.requests.length, 0);
});

test('a spelling that is permitted connects to the address that was judged', async () => {
  const permitted = ['127.0.0.1/32'];
  for (const host of ['127.0.0.1', '127.1', '0x7f000001', '2130706433', '0177.0.0.1']) {
    assert.equal(await causeOf([`http://${host}:${responder.port}/`], undefined, permitted), 'good', host);
  }
  assert.equal(
    await causeOf([`http://[::ffff:127.0.0.1]:${responder.port}/`], undefined, permitted),
    'address-refused, hard',
  );
});

test('caIssuers is never asked, whatever it names', async () => {
  const before = responder.requests.length;
  const { certificate } = pki.intermediate.issue({ ocspUrls: [], caIssuersUrls: [responder.url] });
  const status = await checker.check(certificate, issuer, {
    ...ocspSettings,
    allowInternalAddresses: ['127.0.0.1/32'],
  });
  assert.equal(status.kind, 'responder-missing');
  assert.equal(responder.requests.length, before);
});
