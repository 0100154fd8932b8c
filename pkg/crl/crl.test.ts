import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type CrlRequest, makeCrl } from '../../test/support/crl.ts';
import { makePki } from '../../test/support/pki.ts';
import { der, readDer } from '../x509/der.ts';
import { parseCrl, parseCrlInSlices } from './crl.ts';
import { CrlMalformed } from './errors.ts';

const nowMs = Date.UTC(2026, 10, 20, 10);
const pki = makePki({ nowMs });
const issuer = { certificate: pki.intermediate.certificate, key: pki.intermediate.key };
const serial = Buffer.of(0x11, 0x22);

function list(changes: Partial<CrlRequest> = {}): Buffer {
  return makeCrl({
    issuer,
    thisUpdateMs: nowMs,
    nextUpdateMs: nowMs + 1000,
    entries: [{ serial, atMs: nowMs }],
    ...changes,
  });
}

/** A list whose entries are these bytes; its signature is another one's, which reading does not look at. */
function withEntries(...entries: readonly Buffer[]): Buffer {
  const [tbs, ...rest] = readDer(list()).children;
  const fields = (tbs?.children ?? []).map(({ bytes }) => bytes);
  return der.sequence(
    der.sequence(...fields.slice(0, -1), der.sequence(...entries)),
    ...rest.map(({ bytes }) => bytes),
  );
}

const date = der.time(nowMs);
const entry = (...parts: readonly Buffer[]) => der.sequence(...parts);
const reasonOf = (value: Buffer) => der.sequence(der.sequence(der.oid('2.5.29.21'), der.octetString(value)));

test('a serial is found with its date and reason, by its octets alone', () => {
  const crl = parseCrl(
    withEntries(
      entry(der.integerBytes(serial), der.utcTime(nowMs), reasonOf(der.enumerated(1))),
      entry(der.integerBytes(Buffer.of(0, 0x80)), der.generalizedTime(Date.UTC(2050, 1, 28))),
      entry(der.integerBytes(Buffer.of(0xff)), der.utcTime(Date.UTC(1999, 11, 31, 23, 59, 59))),
    ),
  );
  assert.equal(crl.revoked.size, 3);
  assert.deepEqual(crl.revoked.find(serial), { revokedAtMs: nowMs, reason: 'keyCompromise' });
  assert.deepEqual(crl.revoked.find(Buffer.of(0, 0x80)), { revokedAtMs: Date.UTC(2050, 1, 28), reason: undefined });
  assert.equal(crl.revoked.find(Buffer.of(0xff))?.revokedAtMs, Date.UTC(1999, 11, 31, 23, 59, 59));
  for (const other of [Buffer.of(0x80), Buffer.of(0x11), Buffer.of(0, 0x11, 0x22), Buffer.alloc(0)]) {
    assert.equal(crl.revoked.find(other), undefined);
  }
});

test('of two entries of one serial the one that is for good counts, in either order', () => {
  const hold = { serial, atMs: nowMs, reason: 'certificateHold' };
  const final = { serial, atMs: nowMs - 1000, reason: 'keyCompromise' };
  for (const entries of [
    [hold, final],
    [final, hold],
  ]) {
    assert.equal(parseCrl(list({ entries })).revoked.find(serial)?.reason, 'keyCompromise');
  }
});

test('serials of one hash are told apart', () => {
  const [one, other] = [Buffer.from('4141c36399204141', 'hex'), Buffer.from('41417ff0d30d4141', 'hex')];
  const { revoked } = parseCrl(list({ entries: [{ serial: one, atMs: nowMs }] }));
  assert.deepEqual([revoked.find(one)?.revokedAtMs, revoked.find(other)], [nowMs, undefined]);
});

test('an extension that is critical in one entry counts as critical, in either order', () => {
  const marked = (critical: boolean, octet: number) => ({
    serial: Buffer.of(octet),
    atMs: nowMs,
    extensions: [{ oid: '1.2.3', critical, value: der.nullValue() }],
  });
  for (const entries of [
    [marked(true, 1), marked(false, 2)],
    [marked(false, 1), marked(true, 2)],
  ]) {
    assert.deepEqual([...parseCrl(list({ entries })).entryExtensions], [['1.2.3', true]]);
  }
});

test('in slices it is the same', async () => {
  const bytes = list();
  const { revoked, ...whole } = parseCrl(bytes);
  const { revoked: sliced, ...other } = await parseCrlInSlices(bytes);
  assert.deepEqual(other, whole);
  assert.deepEqual(sliced.find(serial), revoked.find(serial));
});

test('thousands of serials in random order are all found, and no others', () => {
  const entries = Array.from({ length: 3000 }, (_, index) => {
    const octets = Buffer.alloc(8, 0x41);
    octets.writeUInt32BE(Math.imul(index, 2_654_435_761) >>> 0, 2);
    return { serial: octets, atMs: nowMs - index * 1000 };
  });
  const { revoked } = parseCrl(list({ entries }));
  assert.ok(entries.every((one) => revoked.find(one.serial)?.revokedAtMs === one.atMs));
  assert.equal(entries.filter(({ serial: s }) => revoked.find(Buffer.concat([s, Buffer.of(1)]))).length, 0);
});

describe('refused', () => {
  const good = entry(der.integerBytes(serial), date);
  const time = (text: string, tag = 0x17) => der.element(tag, Buffer.from(text, 'latin1'));
  const extension = { oid: '1.2.3', critical: false, value: der.nullValue() };
  const longForm = (bytes: Buffer) => Buffer.concat([bytes.subarray(0, 1), Buffer.of(0x81), bytes.subarray(1)]);
  for (const { name, bytes } of [
    { name: 'nothing', bytes: Buffer.alloc(0) },
    { name: 'bytes after its end', bytes: Buffer.concat([list(), Buffer.of(0)]) },
    {
      name: 'another algorithm outside than inside',
      bytes: (() => {
        const [tbs, , signature] = readDer(list()).children.map(({ bytes }) => bytes);
        const algorithm = der.sequence(der.oid('1.2.840.113549.1.1.11'), der.nullValue());
        return der.sequence(tbs ?? Buffer.alloc(0), algorithm, signature ?? Buffer.alloc(0));
      })(),
    },
    { name: 'a cut end', bytes: list().subarray(0, -1) },
    { name: 'an entry with a length that is not minimal', bytes: withEntries(longForm(good)) },
    {
      name: 'an entry of indefinite length',
      bytes: withEntries(Buffer.concat([Buffer.of(0x30, 0x80), good, Buffer.of(0, 0)])),
    },
    { name: 'a serial that is not minimal', bytes: withEntries(entry(der.integerBytes(Buffer.of(0, 0x11)), date)) },
    { name: 'an empty serial', bytes: withEntries(entry(der.integerBytes(Buffer.alloc(0)), date)) },
    { name: 'a serial of 65 octets', bytes: withEntries(entry(der.integerBytes(Buffer.alloc(65, 1)), date)) },
    { name: 'an entry without a date', bytes: withEntries(entry(der.integerBytes(serial))) },
    { name: '31 February', bytes: withEntries(entry(der.integerBytes(serial), time('260231000000Z'))) },
    { name: '29 February of 2100', bytes: withEntries(entry(der.integerBytes(serial), time('21000229000000Z', 0x18))) },
    { name: '24 o’clock', bytes: withEntries(entry(der.integerBytes(serial), time('261120240000Z'))) },
    { name: 'a time zone', bytes: withEntries(entry(der.integerBytes(serial), time('2611201000+0000'))) },
    { name: 'a date with letters', bytes: withEntries(entry(der.integerBytes(serial), time('26112010000aZ'))) },
    {
      name: 'something after the extensions of an entry',
      bytes: withEntries(entry(der.integerBytes(serial), date, reasonOf(der.enumerated(1)), der.nullValue())),
    },
    {
      name: 'a reason that is no ENUMERATED',
      bytes: withEntries(entry(der.integerBytes(serial), date, reasonOf(der.integer(1)))),
    },
    { name: 'an extension twice', bytes: list({ extensions: [extension, extension] }) },
    {
      name: 'an extension of an entry twice',
      bytes: list({ entries: [{ serial, atMs: nowMs, extensions: [extension, extension] }] }),
    },
    { name: 'extensions in version 1', bytes: list({ version: 1, extensions: [extension] }) },
    {
      name: 'extensions of an entry in version 1',
      bytes: list({ version: 1, entries: [{ serial, atMs: nowMs, extensions: [extension] }] }),
    },
    {
      name: 'an issuingDistributionPoint that is none',
      bytes: list({ extensions: [{ oid: '2.5.29.28', critical: true, value: der.nullValue() }] }),
    },
  ]) {
    test(name, () => assert.throws(() => parseCrl(bytes), CrlMalformed));
  }
});

test('an entry made by hand is read, so that the refusals above are for what they name', () => {
  assert.equal(parseCrl(withEntries(entry(der.integerBytes(serial), date))).revoked.size, 1);
});
