import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { createWatchLines } from './watch-lines.ts';

const object = { metadata: { name: 'a', namespace: 'shop', resourceVersion: '7' } };
const event = (type: string, of: unknown = object) => `${JSON.stringify({ type, object: of })}\n`;

suite('a line of a watch', () => {
  for (const { name, line, wants } of [
    { name: 'is an addition', line: event('ADDED'), wants: { kind: 'Changed', object, version: '7' } },
    { name: 'is a change', line: event('MODIFIED'), wants: { kind: 'Changed', object, version: '7' } },
    { name: 'is a deletion', line: event('DELETED'), wants: { kind: 'Deleted', object, version: '7' } },
    {
      name: 'is a bookmark, which has no name',
      line: event('BOOKMARK', { kind: 'Pod', metadata: { resourceVersion: '9', creationTimestamp: null } }),
      wants: { kind: 'Bookmark', version: '9' },
    },
    {
      name: 'is an error',
      line: event('ERROR', { kind: 'Status', code: 410 }),
      wants: { kind: 'Error', code: 410, status: { kind: 'Status', code: 410 } },
    },
    { name: 'is an error without a code', line: event('ERROR', 'x'), wants: { kind: 'Error', code: 0, status: 'x' } },
  ]) {
    test(name, () => assert.deepEqual(createWatchLines(1000).push(Buffer.from(line)), [wants]));
  }

  for (const { name, line, says } of [
    { name: 'is no JSON', line: '{"type":"ADDED"\n', says: /^no JSON object: "\{\\"type/ },
    { name: 'is empty', line: '\n', says: /^no JSON object/ },
    { name: 'is an array', line: '[]\n', says: /^no JSON object/ },
    { name: 'has no version', line: event('ADDED', { metadata: { name: 'a' } }), says: /^no resourceVersion/ },
    { name: 'has an empty version', line: event('BOOKMARK', { metadata: { resourceVersion: '' } }), says: /^no res/ },
    { name: 'has no name', line: event('ADDED', { metadata: { resourceVersion: '1' } }), says: /^no metadata\.name/ },
    { name: 'has an unknown type', line: event('added'), says: /^event type "added" is none of the API/ },
    { name: 'is too long', line: `${'x'.repeat(1001)}\n`, says: /^a line of more than 1000 bytes$/ },
    { name: 'is too long and not finished', line: 'x'.repeat(1001), says: /^a line of more than 1000 bytes$/ },
  ]) {
    test(`is malformed where it ${name}`, () => {
      const [line_, ...more] = createWatchLines(1000).push(Buffer.from(line));
      assert.ok(line_?.kind === 'Malformed' && more.length === 0);
      assert.match(line_.why, says);
    });
  }

  test('is read the same wherever the stream is cut, also within a character', () => {
    const names = fc.array(fc.string({ unit: 'grapheme', minLength: 1 }), { maxLength: 5 });
    fc.assert(
      fc.property(names, fc.array(fc.nat(40), { maxLength: 40 }), (list, cuts) => {
        const bytes = Buffer.from(
          list.map((name) => event('ADDED', { metadata: { name, resourceVersion: '1' } })).join(''),
        );
        const lines = createWatchLines(10_000);
        const found: unknown[] = [];
        let at = 0;
        for (const cut of [...cuts, bytes.length]) {
          for (const line of lines.push(bytes.subarray(at, at + cut))) {
            found.push(line.kind === 'Changed' ? line.object.metadata.name : line);
          }
          at += cut;
        }
        assert.deepEqual(found, list);
      }),
      { seed: 11 },
    );
  });
});
