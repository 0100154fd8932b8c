import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { makePki } from '../../test/support/pki.ts';
import { plainPolicy } from '../../test/support/plain-policy.ts';
import { encodeSnapshot, policyDigest } from './digest.ts';
import { decodeSnapshot, redactedPolicy, SnapshotMalformed } from './snapshot.ts';

const pki = makePki({ nowMs: Date.UTC(2026, 10, 24) });
const policy = plainPolicy(8443, pki.server, ['TLS_AES_128_GCM_SHA256']);

describe('a snapshot', () => {
  test('is read as it was written', () => assert.deepEqual(decodeSnapshot(encodeSnapshot(policy)), policy));

  test('has its fields sorted and no white space', () => {
    assert.equal(encodeSnapshot({ schema: 1, listeners: [], holds: [] }), '{"holds":[],"listeners":[],"schema":1}');
  });

  test('has the same digest whatever the order of the fields', () => {
    const { schema, listeners, holds } = policy;
    assert.equal(policyDigest({ holds, listeners, schema }), policyDigest(policy));
    assert.match(policyDigest(policy), /^[0-9a-f]{64}$/);
  });

  test('has another digest for another key', () => {
    const other = pki.client('good').keyPem;
    const text = encodeSnapshot(policy).replace(JSON.stringify(pki.server.keyPem), JSON.stringify(other));
    assert.notEqual(policyDigest(decodeSnapshot(text)), policyDigest(policy));
  });

  test('for people has no private key', () => {
    const shown = JSON.stringify(redactedPolicy(policy));
    assert.ok(!shown.includes('PRIVATE KEY') && shown.includes('[redacted]') && shown.includes('BEGIN CERTIFICATE'));
  });

  const refused: readonly { name: string; text: string; want: string }[] = [
    { name: 'that is no JSON is refused', text: '{"keyPem": "secret', want: 'snapshot is not JSON' },
    {
      name: 'with an unknown field is refused',
      text: '{"holds":[],"listeners":[],"schema":1,"more":1}',
      want: 'snapshot: Unrecognized key: "more"',
    },
    {
      name: 'of another schema is refused',
      text: '{"holds":[],"listeners":[],"schema":2}',
      want: 'schema: Invalid input: expected 1',
    },
    {
      name: 'without a field is refused',
      text: '{"listeners":[],"schema":1}',
      want: 'holds: Invalid input: expected array, received undefined',
    },
    {
      name: 'above the limit is refused',
      text: ' '.repeat(33_554_433),
      want: 'snapshot of 33554433 characters, limit 33554432',
    },
  ];
  for (const { name, text, want } of refused) {
    test(name, () => assert.throws(() => decodeSnapshot(text), new SnapshotMalformed(want)));
  }
});
