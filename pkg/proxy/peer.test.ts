import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { suite, test } from 'node:test';
import { makePki } from '../../test/support/pki.ts';
import { PresentedBySocket } from './peer.ts';

const pki = makePki({ nowMs: Date.now() });
const good = pki.client('good');

suite('what a client presented', () => {
  for (const { name, session } of [
    { name: 'there is no session', session: undefined },
    { name: 'the session cannot be read', session: Buffer.of(1, 2, 3) },
  ]) {
    test(`is asked of Node where ${name}: nobody passes for a client without a certificate`, () => {
      const presented = new PresentedBySocket({
        ...{ authorized: true, authorizationError: null },
        getSession: () => session && Buffer.from(session),
        getPeerX509Certificate: () => new X509Certificate(good.certificate.der),
      });
      assert.deepEqual(presented.leaf, good.certificate.der);
    });
  }

  test('is nothing where neither has anything', () => {
    const presented = new PresentedBySocket({
      ...{ authorized: false, authorizationError: null },
      getSession: () => undefined,
      getPeerX509Certificate: () => undefined,
    });
    assert.deepEqual([presented.leaf, presented.sent, presented.authorizationError], [undefined, [], 'UNAUTHORIZED']);
  });
});
