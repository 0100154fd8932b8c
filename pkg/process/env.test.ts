import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { requireSafeEnvironment, UnsafeEnvironment, withoutUnsafeVariables } from './env.ts';

suite('the environment', () => {
  const accepted: readonly { readonly name: string; readonly environment: Record<string, string | undefined> }[] = [
    { name: 'may be empty', environment: {} },
    { name: 'may hold what has nothing to do with trust', environment: { PATH: '/bin', NODE_ENV: 'production' } },
    { name: 'may hold an unsafe variable that is empty', environment: { NODE_OPTIONS: '', SSL_CERT_FILE: undefined } },
    { name: 'may hold a longer name', environment: { NODE_OPTIONS_OLD: '--inspect' } },
  ];
  for (const { name, environment } of accepted) {
    test(name, () => assert.doesNotThrow(() => requireSafeEnvironment(environment)));
  }

  for (const variable of [
    'NODE_EXTRA_CA_CERTS',
    'NODE_OPTIONS',
    'NODE_TLS_REJECT_UNAUTHORIZED',
    'NODE_USE_SYSTEM_CA',
    'SSL_CERT_DIR',
    'SSL_CERT_FILE',
  ]) {
    test(`must not set ${variable}, and its value stays out of the message`, () => {
      assert.throws(
        () => requireSafeEnvironment({ [variable]: 'value-of-it' }),
        (error: unknown) => {
          assert.ok(error instanceof UnsafeEnvironment);
          assert.deepEqual(error.variables, [variable]);
          assert.match(error.message, new RegExp(`^refusing to start with ${variable} set: .*unset it`));
          assert.doesNotMatch(error.message, /value-of-it/);
          return true;
        },
      );
    });
  }

  test('is told every fault at once, a line each', () => {
    assert.throws(
      () => requireSafeEnvironment({ SSL_CERT_FILE: '/x', NODE_OPTIONS: '--inspect' }),
      (error: unknown) => {
        assert.ok(error instanceof UnsafeEnvironment);
        assert.equal(error.code, 'UNSAFE_ENVIRONMENT');
        assert.deepEqual(error.variables, ['NODE_OPTIONS', 'SSL_CERT_FILE']);
        assert.equal(error.message.split('\n').length, 2);
        return true;
      },
    );
  });

  test('can be handed on without what is refused', () => {
    const handedOn = withoutUnsafeVariables({ PATH: '/bin', NODE_OPTIONS: '--inspect', SSL_CERT_DIR: '/x' });
    assert.deepEqual(handedOn, { PATH: '/bin' });
  });
});
