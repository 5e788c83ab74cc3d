// What is published: its size, its promises, its dependencies.

import test from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
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

test('what npm publishes: the client, its types, what it is and on which terms', () => {
  const options = { cwd: new URL('..', import.meta.url), encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] };
  const [{ files }] = JSON.parse(execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], options));
  assert.deepEqual(files.map((file) => file.path).sort(), ['LICENSE', 'README.md', 'fauna-login.d.ts', 'fauna-login.js', 'package.json']);
  assert.equal(read('LICENSE'), read('../../LICENSE'));
});

test('the example of the README is a module, of names that there are', async () => {
  const [, example] = /```js\n([^`]*(?:`[^`]+`[^`]*)*?)```/.exec(read('README.md'));
  execFileSync(process.execPath, ['--input-type=module', '--check'], { input: example, stdio: ['pipe', 'ignore', 'pipe'] });
  const [, names] = /import \{ (.*) \} from 'fauna-login'/.exec(example);
  const self = await import('fauna-login');
  for (const name of names.split(', ')) assert.ok(name in self, name);
  const session = self.createFaunaSession({ loginUrl: 'https://login.test/fauna-login', getAccessToken: async () => undefined });
  const used = [...read('README.md').matchAll(/\bsession\.(\w+)\(/g)].map(([, name]) => name);
  assert.ok(used.length > 4);
  for (const name of used) assert.equal(typeof session[name], 'function', name);
});

test('the README and the types know each error of the client’s own', () => {
  const codes = [...read('fauna-login.js').matchAll(/(?:Error|LoginRequired)\('(\w+)'/g)].map(([, code]) => code);
  assert.ok(codes.length > 6, `${codes}`);
  for (const code of [...codes, 'logged_out', 'closed']) {
    assert.match(read('README.md'), new RegExp(`\\| .*\`${code}\`.* \\|`), code);
    assert.match(read('fauna-login.d.ts'), new RegExp(`\`${code}\``), code);
  }
});
