// What is published: its size, its promises, its dependencies.

import test from 'node:test';
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';

const read = (name) => readFileSync(new URL(`../${name}`, import.meta.url), 'utf8');
const manifest = JSON.parse(read('package.json'));

test('the client is less than 4 KB on the wire', () => {
  const size = gzipSync(read('fauna-login.js'), { level: 9 }).length;
  assert.ok(size < 4096, `${size} bytes gzipped`);
});

test('it stands alone', () => {
  assert.equal(manifest.dependencies, undefined);
  assert.equal(manifest.peerDependencies, undefined);
  assert.doesNotMatch(read('fauna-login.js'), /\bimport\b|\brequire\(/);
  assert.deepEqual(manifest.files, ['fauna-login.js', 'fauna-login.d.ts']);
});

test('it stores nothing', () => {
  assert.doesNotMatch(read('fauna-login.js'), /Storage|indexedDB|document\.cookie|caches\b/);
});

test('the lock file names no registry', () => {
  const lock = JSON.parse(read('package-lock.json'));
  for (const [name, entry] of Object.entries(lock.packages)) assert.equal(entry.resolved, undefined, name);
  assert.equal(lock.version, manifest.version);
});

test('package.json points at the module', async () => {
  const self = await import('fauna-login');
  assert.deepEqual(Object.keys(self).sort(), ['FaunaLoginError', 'LoginRequired', 'createFaunaSession']);
});
