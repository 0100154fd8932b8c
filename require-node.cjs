// Loaded first by every npm script (node -r), and kept to what any Node can read: an old Node would otherwise die on
// the first TypeScript file with an error that names neither the cause nor the cure.
'use strict';

const needed = [24, 12];
const found = process.versions.node.split('.').map(Number);
if (found[0] < needed[0] || (found[0] === needed[0] && found[1] < needed[1])) {
  process.stderr.write(
    `Lychgate needs Node ${needed.join('.')} or newer, this is ${process.versions.node} (${process.execPath}).\n` +
      'On Linux (glibc, x64 or arm64) `npm ci` brings one into node_modules/.bin, which npm scripts use: run it without\n' +
      '--omit=optional. Elsewhere install Node 24 or 26 and put it first in PATH.\n',
  );
  process.exit(1);
}
