import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { FaultList } from './fault.ts';
import { indexFiles, resolveServerCertificates, resolveTrust } from './references.ts';
import { filled, normalised } from './testdata/material.ts';
import { FileObject } from './world.ts';

const shop = { namespace: 'shop', name: 'x' };

function secret(certificate: string, key: string, type = 'kubernetes.io/tls'): FileObject {
  return new FileObject(
    'Secret',
    shop,
    [
      ['tls.crt', filled(certificate)],
      ['tls.key', filled(key)],
    ],
    type,
  );
}

describe('a server certificate is refused', () => {
  const cases: readonly { name: string; object: FileObject; want: string }[] = [
    {
      name: 'of another type of Secret',
      object: secret('${server}', '${server.key}', 'Opaque'),
      want: 'type is Opaque, expected kubernetes.io/tls',
    },
    {
      name: 'with the key of another',
      object: secret('${server}', '${server-other.key}'),
      want: 'the private key does not belong to the first certificate of the chain',
    },
    {
      name: 'with a chain out of order',
      object: secret('${server}${root}${intermediate}', '${server.key}'),
      want: 'tls.crt: certificate 2 did not issue certificate 1; write the leaf first, then each issuer',
    },
    {
      name: 'with the leaf last',
      object: secret('${intermediate}${server}', '${server.key}'),
      want: 'tls.crt: certificate 2 did not issue certificate 1; write the leaf first, then each issuer',
    },
    { name: 'without a key', object: secret('${server}', ' '), want: 'tls.key is missing or empty' },
    { name: 'without a certificate', object: secret('', '${server.key}'), want: 'tls.crt is missing or empty' },
    {
      name: 'with its key among the certificates',
      object: secret('${server}${server.key}', '${server.key}'),
      want: 'tls.crt: PEM block 2: a private key (PRIVATE KEY) has no place here; remove it',
    },
  ];
  for (const { name, object, want } of cases) {
    test(name, () => {
      const faults = new FaultList('SslProfile shop/a');
      const files = indexFiles({ secrets: [object], configMaps: [] });
      assert.deepEqual(resolveServerCertificates([{ name: 'x' }], 'shop', files, faults), []);
      assert.deepEqual(faults.all, [
        {
          object: 'SslProfile shop/a',
          field: 'spec.certificateRefs[0]',
          message: `Secret shop/x: ${want}`,
          severity: 'error',
          reason: 'InvalidServerCertificate',
        },
      ]);
    });
  }

  test('of the same key algorithm as another one', () => {
    const faults = new FaultList('a');
    const other = new FileObject(
      'Secret',
      { namespace: 'shop', name: 'y' },
      [
        ['tls.crt', filled('${server-other}')],
        ['tls.key', filled('${server-other.key}')],
      ],
      'kubernetes.io/tls',
    );
    const files = indexFiles({ secrets: [secret('${server}', '${server.key}'), other], configMaps: [] });
    assert.equal(resolveServerCertificates([{ name: 'x' }, { name: 'y' }], 'shop', files, faults).length, 1);
    assert.deepEqual(
      faults.all.map(({ message }) => message),
      ['Secret shop/y has an ECDSA key like x; one certificate a key algorithm can be served: remove one'],
    );
  });

  test('of another namespace', () => {
    const faults = new FaultList('a');
    const files = indexFiles({ secrets: [secret('${server}', '${server.key}')], configMaps: [] });
    assert.deepEqual(resolveServerCertificates([{ name: 'x' }], 'other', files, faults), []);
    assert.deepEqual(
      faults.all.map(({ reason }) => reason),
      ['RefNotFound'],
    );
  });
});

describe('a CA file', () => {
  const cases: readonly { name: string; text: string; want: readonly string[]; remaining: readonly string[] | null }[] =
    [
      {
        name: 'with a root and its intermediate is taken',
        text: '${root}${intermediate}',
        want: [],
        remaining: ['${root}${intermediate}'],
      },
      { name: 'with a certificate twice has it once', text: '${root}\n${root}', want: [], remaining: ['${root}'] },
      {
        name: 'with text between the blocks is taken',
        text: '# ours\n${root}# theirs\n${second-root}',
        want: [],
        remaining: ['${root}${second-root}'],
      },
      {
        name: 'that is empty is refused',
        text: ' \n',
        want: ['TrustedClientCertificateMustSpecifyData: ConfigMap shop/x, key ca.crt: the file is empty'],
        remaining: null,
      },
      {
        name: 'with a private key is refused',
        text: '${root}${server.key}',
        want: [
          'TrustedClientCertificateMustNotHavePrivateKey: ConfigMap shop/x, key ca.crt: a private key has no place in a CA file; remove it, and replace that key',
        ],
        remaining: ['${root}'],
      },
      {
        name: 'with leaves only is refused',
        text: '${server}',
        want: [
          'TrustedClientCertificateDoesNotContainAnyCACertificate: ConfigMap shop/x, key ca.crt: no certificate in it is a CA; write the root and its intermediates',
        ],
        remaining: null,
      },
      {
        name: 'with a leaf beside the root is refused',
        text: '${root}${client}',
        want: [
          'TrustedClientCertificateInvalidData: ConfigMap shop/x, key ca.crt: PEM block 2: CN=good client,O=Lychgate is not a CA (basicConstraints without cA)',
        ],
        remaining: ['${root}'],
      },
      {
        name: 'without a root is refused',
        text: '${intermediate}',
        want: [
          'TrustedClientCertificateInvalidData: ConfigMap shop/x, key ca.crt: no self-signed root CA; add the root that its intermediates lead to',
        ],
        remaining: null,
      },
      {
        name: 'with one bad block is refused, and the others remain for a hold',
        text: '${root}-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n',
        want: [
          'TrustedClientCertificateInvalidData: ConfigMap shop/x, key ca.crt: PEM block 2: certificate malformed: expected a tag, found end-of-contents, at byte 0',
        ],
        remaining: ['${root}'],
      },
      {
        name: 'over the limit is refused',
        text: `\${root}${'#'.repeat(25_600)}`,
        want: ['TrustedClientCertificateInvalidData: ConfigMap shop/x, key ca.crt: '],
        remaining: null,
      },
    ];
  for (const { name, text, want, remaining } of cases) {
    test(name, () => {
      const faults = new FaultList('a');
      const files = indexFiles({
        secrets: [],
        configMaps: [new FileObject('ConfigMap', shop, [['ca.crt', filled(text)]])],
      });
      const trust = resolveTrust([{ kind: 'ConfigMap', name: 'x', key: 'ca.crt' }], 'shop', files, faults);
      const told = faults.all.map(({ message }) =>
        message.replace(/\d+ bytes, limit 25600; split it over several references$/, ''),
      );
      assert.deepEqual(told, want);
      assert.deepEqual(normalised(trust.remaining), remaining);
      assert.equal(trust.trust === undefined, want.length > 0);
    });
  }

  test('that is gone outweighs one that cannot be read: the hold trusts neither', () => {
    const faults = new FaultList('a');
    const objects = [
      new FileObject('ConfigMap', shop, [['ca.crt', 'garbage']]),
      new FileObject('ConfigMap', { namespace: 'shop', name: 'y' }, [['ca.crt', filled('${root}')]]),
    ];
    const refs = ['x', 'y', 'gone'].map((name) => ({ kind: 'ConfigMap' as const, name, key: 'ca.crt' }));
    const trust = resolveTrust(refs, 'shop', indexFiles({ secrets: [], configMaps: objects }), faults);
    assert.deepEqual(normalised(trust.remaining), ['${root}']);
    assert.equal(trust.trust, undefined);
  });
});
