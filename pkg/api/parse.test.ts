import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as z from 'zod';
import { parseRewriteSet, parseSslProfile } from './parse.ts';
import { RewriteSet } from './rewrite-set.ts';
import { leavesOf } from './schema.ts';
import { SslProfile } from './ssl-profile.ts';

function profile(spec: object, more: object = {}): unknown {
  const least = {
    selector: { matchLabels: { app: 'a' } },
    certificateRefs: [{ name: 'tls' }],
    backend: { port: 8080 },
  };
  return {
    apiVersion: 'lychgate.dev/v1alpha1',
    kind: 'SslProfile',
    metadata: { name: 'a' },
    spec: { ...least, ...spec },
    ...more,
  };
}

describe('a profile is refused', () => {
  const cases: readonly { name: string; raw: unknown; want: readonly string[] }[] = [
    {
      name: 'with the nearest field for an unknown one',
      raw: profile({ clientAuthConfiguration: { verifyClientRevokation: 'OCSP' } }),
      want: [
        'spec.clientAuthConfiguration.verifyClientRevokation: unknown field; did you mean verifyClientRevocation?',
      ],
    },
    {
      name: 'with the place of a field that stands elsewhere',
      raw: profile({ verifyClientRevocation: 'OCSP' }),
      want: [
        'spec.verifyClientRevocation: unknown field; did you mean spec.clientAuthConfiguration.verifyClientRevocation?',
      ],
    },
    {
      name: 'with what is known where nothing is near',
      raw: profile({ certificateRefs: [{ name: 'tls', zzzzzzzzzz: 1 }] }),
      want: ['spec.certificateRefs[0].zzzzzzzzzz: unknown field; known here: name'],
    },
    {
      name: 'with the legal values for an unknown one',
      raw: profile({ clientAuthConfiguration: { verifyClientAuthMode: 'strict' } }),
      want: [
        'spec.clientAuthConfiguration.verifyClientAuthMode: "strict" is not legal; did you mean Strict?; legal: Off, Optional, Passthrough, Strict',
      ],
    },
    {
      name: 'with every fault at once',
      raw: profile({ port: 80, certificateRefs: [], backend: { port: 'x' }, hostnames: ['a b'] }),
      want: [
        'spec.port: 80 is out of range; at least 1024 is legal',
        'spec.hostnames[0]: "a b" is not a host name; write it like shop.example.com or *.example.com (names in other scripts as xn--)',
        'spec.certificateRefs: 0 entries; at least 1 are legal',
        'spec.backend.port: "x" is not of type number',
      ],
    },
    {
      name: 'without its required fields',
      raw: profile({ selector: undefined }),
      want: ['spec.selector: required: object'],
    },
    {
      name: 'of another version',
      raw: profile({}, { apiVersion: 'lychgate.dev/v1' }),
      want: ['apiVersion: "lychgate.dev/v1" is not legal; legal: lychgate.dev/v1alpha1'],
    },
    { name: 'that is no object', raw: null, want: [': null is not of type object'] },
  ];
  for (const { name, raw, want } of cases) {
    test(name, () => {
      const { value, faults } = parseSslProfile(raw);
      assert.equal(value, undefined);
      assert.deepEqual(
        faults.map(({ path, message }) => `${path}: ${message}`),
        want,
      );
    });
  }

  test('without quoting more than a line of it', () => {
    const { faults } = parseSslProfile(profile({ hostnames: [`-${'x'.repeat(200)}\n`] }));
    assert.ok(faults.every(({ message }) => message.length < 250 && !message.includes('\n')));
  });
});

describe('the schemas', () => {
  for (const [name, schema] of [
    ['SslProfile', SslProfile],
    ['RewriteSet', RewriteSet],
  ] as const) {
    test(`${name} can be said in JSON Schema, whole`, () => {
      // Throws for a transform or anything else that JSON Schema has no word for.
      const said = JSON.stringify(z.toJSONSchema(schema, { io: 'input' }));
      for (const { path } of leavesOf(schema)) {
        const last = path.replaceAll('[]', '').split('.').at(-1);
        assert.ok(said.includes(`"${last}"`), path);
      }
    });

    test(`${name} describes every leaf`, () => {
      assert.deepEqual(
        leavesOf(schema)
          .filter(({ description }) => !description)
          .map(({ path }) => path),
        [],
      );
    });

    test(`${name} bounds every list, string and number below spec`, () => {
      const unbounded = leavesOf(schema)
        .filter(({ path }) => path.startsWith('spec.'))
        .filter(({ schema: leaf }) => {
          const said = z.toJSONSchema(leaf as z.ZodType, { io: 'input' });
          if (said.type === 'string') return said.maxLength === undefined && said.enum === undefined;
          return (
            (said.type === 'integer' || said.type === 'number') && said.enum === undefined && said.maximum === undefined
          );
        });
      assert.deepEqual(
        unbounded.map(({ path }) => path),
        [],
      );
      const lists = [...JSON.stringify(z.toJSONSchema(schema, { io: 'input' })).matchAll(/"type":"array"/g)].length;
      const bounded = [...JSON.stringify(z.toJSONSchema(schema, { io: 'input' })).matchAll(/"maxItems":/g)].length;
      assert.equal(bounded, lists);
    });
  }

  test('parse what they made: defaults filled in twice are the same', () => {
    const once = parseSslProfile(profile({})).value;
    assert.deepEqual(parseSslProfile(once).value, once);
  });

  test('a header without a value is refused: an empty one deletes, an absent one would say nothing', () => {
    const { faults } = parseRewriteSet({
      apiVersion: 'lychgate.dev/v1alpha1',
      kind: 'RewriteSet',
      metadata: { name: 'a' },
      spec: {
        rewriteRules: [
          { name: 'a', ruleSequence: 1, actionSet: { requestHeaderConfigurations: [{ headerName: 'X-A' }] } },
        ],
      },
    });
    assert.deepEqual(faults, [
      {
        path: 'spec.rewriteRules[0].actionSet.requestHeaderConfigurations[0].headerValue',
        message: 'required: string',
      },
    ]);
  });
});
