import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { makeAuthority } from '../../test/support/pki.ts';
import type { KubernetesObject } from '../cluster/object.ts';
import { bundlePem, type CaState, makeCa } from './ca.ts';
import { caSecretObject, readCaSecret } from './ca-secret.ts';

const nowMs = Date.UTC(2026, 0, 1);
const name = { namespace: 'lychgate-system', name: 'lychgate-ca' };
const state: CaState = { current: makeCa(nowMs), next: makeCa(nowMs), retired: [makeCa(nowMs).certificate] };

describe('the Secret of the CA', () => {
  for (const [what, kept] of [
    ['with everything', state],
    ['of a first CA', { ...state, next: undefined, retired: [] }],
  ] as const) {
    test(`${what} is read as it was written`, () => {
      const read = readCaSecret(caSecretObject(kept, name));
      assert.equal(read.kind, 'State');
      const found = read.kind === 'State' ? read.state : undefined;
      assert.equal(found && bundlePem(found), bundlePem(kept));
      assert.equal(found?.current.pair.revealKeyPem(), kept.current.pair.revealKeyPem());
      assert.equal(found?.next?.pair.revealKeyPem(), kept.next?.pair.revealKeyPem());
    });
  }

  test('keeps what else is in it, and the version that it replaces', () => {
    const previous: KubernetesObject = {
      ...caSecretObject(state, name),
      metadata: { ...name, resourceVersion: '7', labels: { team: 'edge' }, annotations: { note: 'a' } },
    };
    const data = { ...(previous['data'] as object), other: 'eA==' };
    const { metadata, ...rest } = caSecretObject({ ...state, next: undefined }, name, { ...previous, data });
    assert.deepEqual(metadata, {
      ...name,
      resourceVersion: '7',
      labels: { team: 'edge', 'app.kubernetes.io/managed-by': 'lychgate-operator' },
      annotations: { note: 'a' },
    });
    assert.deepEqual(Object.keys(rest['data'] as object).toSorted(), ['ca.crt', 'other', 'tls.crt', 'tls.key']);
  });

  for (const [what, data] of [
    ['no data at all', undefined],
    ['empty values', { 'tls.crt': '', 'tls.key': '' }],
    ['values of other keys only', { note: 'eA==' }],
  ] as const) {
    test(`with ${what} is empty`, () => assert.deepEqual(readCaSecret(secret(data)), { kind: 'Empty' }));
  }

  const whole = caSecretObject(state, name)['data'] as Record<string, string>;
  const stranger = makeAuthority('stranger', 'CN=Somebody,O=Else', nowMs);
  const own = state.current.certificate.subject.text;
  const leaf = stranger.issue({ subject: own });
  const end = '; it is left as it is, since sidecars may rely on it: restore it, or delete it to have a new CA made';
  for (const [what, change, want] of [
    [
      'a CA of somebody else',
      { 'tls.crt': stranger.certificate.pem },
      'tls.crt is a certificate of "CN=Somebody,O=Else", not one of this operator',
    ],
    ['a certificate that is no CA', { 'tls.crt': leaf.certificate.pem }, 'tls.crt is not a self-signed CA'],
    [
      'a key of another certificate',
      { 'tls.key': stranger.keyPem },
      'tls.key: the private key does not belong to the first certificate of the chain',
    ],
    ['no key', { 'tls.key': '' }, 'tls.key is missing'],
    ['a key that is none', { 'next.key': 'x' }, 'next.key: 0 PEM private keys found, expected one'],
    ['half of a next CA', { 'next.key': '' }, 'next.key is missing'],
    ['the other half of a next CA', { 'next.crt': '' }, 'next.crt is missing'],
    ['a chain', { 'tls.crt': bundlePem(state) }, 'tls.crt has 3 certificates, expected one'],
    ['no bundle', { 'ca.crt': '' }, 'ca.crt is missing'],
    ['a bundle without the CA', { 'ca.crt': stranger.certificate.pem }, 'ca.crt does not contain tls.crt'],
    ['a bundle without the next CA', { 'ca.crt': state.current.certificate.pem }, 'ca.crt does not contain next.crt'],
    [
      'a bundle with a leaf',
      { 'ca.crt': bundlePem(state) + leaf.certificate.pem },
      `ca.crt contains ${own}, which is not a CA`,
    ],
    [
      'a bundle with a key',
      { 'ca.crt': bundlePem(state) + stranger.keyPem },
      'ca.crt: PEM block 4: a private key (PRIVATE KEY) has no place here; remove it',
    ],
  ] as const) {
    test(`with ${what} is a fault`, () => {
      const changed = Object.fromEntries(
        Object.entries(change).map(([key, text]) => [key, Buffer.from(text).toString('base64')]),
      );
      const message = `Secret lychgate-system/lychgate-ca: ${want}${end}`;
      assert.deepEqual(readCaSecret(secret({ ...whole, ...changed })), { kind: 'Fault', message });
    });
  }
});

function secret(data: unknown): KubernetesObject {
  return { apiVersion: 'v1', kind: 'Secret', metadata: name, ...(data === undefined ? {} : { data }) };
}
