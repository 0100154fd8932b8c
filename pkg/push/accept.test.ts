import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { inputOf, offerOf, policyOf, pushPki } from '../../test/support/push.ts';
import { canonicalJson, encodeSnapshot, policyDigest, snapshotDigest } from '../policy/digest.ts';
import { acceptSnapshot, type InForce, withVersions } from './accept.ts';
import type { SnapshotMessage } from './messages.ts';

const nowMs = 1_000;

function messageOf(port: number, generation = port): SnapshotMessage {
  const { policy, digest, inputs } = offerOf(port, generation);
  return { type: 'snapshot', nonce: '1', schema: 1, digest, policy: encodeSnapshot(policy), inputs };
}

function refusal(message: SnapshotMessage, inForce?: InForce): string {
  const acceptance = acceptSnapshot(message, inForce, nowMs);
  return acceptance.kind === 'Refused' ? `${acceptance.reason}: ${acceptance.message}` : acceptance.kind;
}

const inForce: InForce = { digest: policyDigest(policyOf(2001)), inputs: [inputOf('partners', 2001)], tombstones: [] };

suite('a snapshot', () => {
  test('is accepted where nothing is in force', () => {
    assert.deepEqual(acceptSnapshot(messageOf(2001), undefined, nowMs), {
      kind: 'Accepted',
      policy: policyOf(2001),
      next: inForce,
    });
  });

  test('is accepted over an older one, and what left is remembered', () => {
    const message = { ...messageOf(2002), inputs: [inputOf('partners', 2002), inputOf('new', 1)] };
    const before = { ...inForce, inputs: [...inForce.inputs, inputOf('gone', 7)] };
    const acceptance = acceptSnapshot(message, before, nowMs);
    assert.deepEqual(acceptance.kind === 'Accepted' && acceptance.next, {
      digest: message.digest,
      inputs: message.inputs,
      tombstones: [{ input: inputOf('gone', 7), removedAtMs: nowMs }],
    });
  });

  test('that is in force is not applied again, and its newer versions count', () => {
    const acceptance = acceptSnapshot(messageOf(2001, 2009), inForce, nowMs);
    assert.deepEqual(acceptance, { kind: 'Same', next: { ...inForce, inputs: [inputOf('partners', 2009)] } });
    assert.deepEqual(acceptSnapshot(messageOf(2001, 1), inForce, nowMs), { kind: 'Same', next: inForce });
  });

  const refusals: readonly { readonly name: string; readonly message: SnapshotMessage; readonly want: RegExp }[] = [
    {
      name: 'in a schema of the future',
      message: { ...messageOf(2002), schema: 2 },
      want: /^UnsupportedSchema: snapshot schema 2, this sidecar reads 1$/,
    },
    {
      name: 'that is no JSON',
      message: { ...messageOf(2002), policy: 'x' },
      want: /^Malformed: snapshot is not JSON$/,
    },
    {
      name: 'with an unknown field',
      message: changed(messageOf(2002), (raw) => ({ ...raw, audit: true })),
      want: /^Malformed: .*audit/,
    },
    {
      name: 'with an unknown enum value',
      message: changed(messageOf(2002), (raw) => JSON.parse(canonicalJson(raw).replace('"HTTP"', '"SPDY"'))),
      want: /^Malformed: listeners\.0\.profiles\.0\.backend\.protocol/,
    },
    {
      name: 'whose digest is of another policy',
      message: { ...messageOf(2002), digest: messageOf(2003).digest },
      want: /^DigestMismatch: the policy has digest [0-9a-f]{64}, the message says [0-9a-f]{64}$/,
    },
    {
      name: 'that is not canonical, though the digest is of its text',
      message: spaced(messageOf(2002)),
      want: /^DigestMismatch/,
    },
    { name: 'older than what is in force', message: messageOf(2000), want: /^Stale: SslProfile shop\/partners/ },
  ];
  for (const { name, message, want } of refusals) {
    test(`${name} is refused`, () => assert.match(refusal(message, inForce), want));
  }

  test('refused says nothing of its text: it has private keys', () => {
    const keyBody = pushPki.server.keyPem.split('\n')[1] ?? '?';
    for (const message of [
      { ...messageOf(2002), policy: messageOf(2002).policy.slice(1) },
      changed(messageOf(2002), (raw) => ({ ...raw, listeners: [pushPki.server.keyPem] })),
      changed(messageOf(2002), (raw) => ({ ...raw, schema: pushPki.server.keyPem })),
    ]) {
      const text = refusal(message, inForce);
      assert.match(text, /^Malformed/);
      assert.ok(!text.includes(keyBody) && !text.includes('BEGIN'), text);
    }
  });

  test('versions of what is in force never go back', () => {
    assert.deepEqual(withVersions(inForce, [inputOf('partners', 2002)], nowMs).inputs, [inputOf('partners', 2002)]);
    assert.equal(withVersions(inForce, [inputOf('partners', 2000)], nowMs), inForce);
  });
});

function changed(message: SnapshotMessage, change: (raw: Record<string, unknown>) => unknown): SnapshotMessage {
  const policy = canonicalJson(change(JSON.parse(message.policy)));
  return { ...message, policy, digest: snapshotDigest(policy) };
}

function spaced(message: SnapshotMessage): SnapshotMessage {
  const policy = `${message.policy} `;
  return { ...message, policy, digest: snapshotDigest(policy) };
}
