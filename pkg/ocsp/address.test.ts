import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addressPolicy } from './address.ts';

interface Lists {
  readonly allowInternalAddresses?: readonly string[];
  readonly responderAllowList?: readonly string[];
}

/** `permitted`, or the message. `resolved` is what the host resolves to; a literal is its own address. */
function judge(text: string, lists: Lists = {}, resolved?: readonly string[]): string {
  try {
    const policy = addressPolicy({
      allowInternalAddresses: [...(lists.allowInternalAddresses ?? [])],
      responderAllowList: [...(lists.responderAllowList ?? [])],
    });
    const url = policy.url(text);
    policy.addresses(url, resolved ?? [url.host]);
    return 'permitted';
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

const publicAddress = ['93.184.216.34'];

test('public responders on ports 80 and 443 are permitted without any setting', () => {
  for (const url of [
    'http://ocsp.example/',
    'http://ocsp.example:443/x?y',
    'http://93.184.216.34/',
    'http://[2606:4700::1]/',
  ]) {
    assert.equal(judge(url, {}, url.includes('example') ? publicAddress : undefined), 'permitted', url);
  }
});

test('a special address is refused in every spelling', () => {
  const hosts = [
    ...['127.0.0.1', '127.1', '2130706433', '0x7f000001', '0177.0.0.1', '127.0.0.1.', '0', '0.0.0.0'],
    ...['10.1.2.3', '100.64.0.1', '169.254.169.254', '0xa9fea9fe', '168.63.129.16', '172.31.255.255', '192.168.0.1'],
    ...['192.0.0.192', '198.18.0.1', '224.0.0.1', '255.255.255.255', '192.88.99.1'],
    ...['[::]', '[::1]', '[::ffff:127.0.0.1]', '[::ffff:a9fe:a9fe]', '[::ffff:93.184.216.34]', '[::127.0.0.1]'],
    ...['[64:ff9b::7f00:1]', '[64:ff9b:1::1]', '[2002:7f00:1::]', '[2001:0:1::1]', '[2001:db8::1]'],
    ...['[fe80::1]', '[fec0::1]', '[fc00::1]', '[fd00:ec2::254]', '[ff02::1]', '[3fff::1]', '[5f00::1]', '[100::1]'],
  ];
  for (const host of hosts) assert.match(judge(`http://${host}/`), /to allowInternalAddresses to permit it$/, host);
});

test('a special address that a name resolves to refuses the name, also beside a public one', () => {
  for (const address of ['127.0.0.1', '169.254.169.254', '::ffff:10.0.0.1', 'fe80::1', '::1']) {
    assert.match(judge('http://ocsp.example/', {}, [...publicAddress, address]), /allowInternalAddresses/, address);
    const lists = { responderAllowList: ['ocsp.example', 'ocsp.example:80'] };
    assert.match(
      judge('http://ocsp.example/', lists, [address]),
      /allowInternalAddresses/,
      `${address} under a listed name`,
    );
  }
  assert.match(judge('http://ocsp.example/', {}, ['fe80::1%eth0']), /is not an address/);
  assert.match(judge('http://ocsp.example/', {}, []), /has no address/);
});

test('a listed block permits its addresses on any port, and nothing beside it', () => {
  const lists = { allowInternalAddresses: ['10.96.0.0/12', 'fd00::/8', '127.0.0.1'] };
  for (const url of [
    'http://10.96.0.1/',
    'http://10.111.255.255:8080/',
    'http://[fd12::1]:9/',
    'http://127.0.0.1:2560/',
  ]) {
    assert.equal(judge(url, lists), 'permitted', url);
  }
  for (const url of [
    'http://10.112.0.0/',
    'http://10.95.255.255/',
    'http://127.0.0.2/',
    'http://[fc00::1]/',
    'http://[::ffff:10.96.0.1]/',
  ]) {
    assert.notEqual(judge(url, lists), 'permitted', url);
  }
});

test('with an allow list only its hosts are permitted, on their ports', () => {
  const lists = { responderAllowList: ['ocsp.example', 'other.example:8080', '2606:4700::1'] };
  for (const url of ['http://ocsp.example/', 'http://OCSP.example.:443/', 'http://other.example:8080/']) {
    assert.equal(judge(url, lists, publicAddress), 'permitted', url);
  }
  assert.equal(judge('http://[2606:4700::1]/', lists), 'permitted');
  for (const url of [
    'http://evil.example/',
    'http://ocsp.example.evil/',
    'http://ocsp.example:8080/',
    'http://other.example/',
  ]) {
    assert.match(judge(url, lists, publicAddress), /responderAllowList/, url);
  }
});

test('a name in the allow list that resolves to a listed block may be on any port', () => {
  const lists = { responderAllowList: ['ocsp.shop.svc'], allowInternalAddresses: ['10.0.0.0/8'] };
  assert.equal(judge('http://ocsp.shop.svc:2560/', lists, ['10.0.0.9']), 'permitted');
  assert.match(judge('http://ocsp.shop.svc:2560/', lists, publicAddress), /only 80 and 443/);
});

test('other ports, schemes and spellings that two readers could read differently are refused', () => {
  const rows: readonly (readonly [string, RegExp])[] = [
    ['http://ocsp.example:8080/', /only 80 and 443/],
    ['https://ocsp.example/', /is not http/],
    ['ldap://ocsp.example/', /is not http/],
    ['file:///etc/passwd', /is not http/],
    ['http://user@ocsp.example/', /user information/],
    ['http://@ocsp.example/', /user information/],
    ['http://ocsp.example\\@evil/', /cannot have/],
    ['http://ocsp.example/\n', /cannot have/],
    ['http://ocsp.exa\tmple/', /cannot have/],
    ['http://öcsp.example/', /cannot have/],
    ['http:ocsp.example', /no host after/],
    ['http:///ocsp.example', /./],
    ['http://ocsp.example/#x', /fragment/],
    ['http://ocsp.example:0/', /usable/],
    ['http://1.2.3.4.5/', /is not a URL/],
    [`http://ocsp.example/${'a'.repeat(2048)}`, /too long/],
  ];
  for (const [url, message] of rows) assert.match(judge(url, {}, publicAddress), message, url);
});

test('an entry that cannot be read refuses everything and is named', () => {
  assert.match(
    judge('http://ocsp.example/', { allowInternalAddresses: ['10.0.0.0/33'] }, publicAddress),
    /'10\.0\.0\.0\/33'/,
  );
  assert.match(judge('http://ocsp.example/', { responderAllowList: ['http://x/'] }, publicAddress), /'http:\/\/x\/'/);
});
