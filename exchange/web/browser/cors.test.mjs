// Which pages may read the service's answers: those of the listed origin, and of the service's own.

import { describe } from 'node:test';
import assert from 'node:assert/strict';
import { everywhere, fql, mint, modes, test, useBrowser, world } from './harness.mjs';

useBrowser();

// What a page gets to see of an answer.
const read = (where, url, init) =>
  where.evaluate(
    ([url, init]) =>
      fetch(url, init).then(
        async (res) => ({ status: res.status, body: await res.text(), headers: Object.fromEntries(res.headers) }),
        () => 'blocked',
      ),
    [url, init],
  );

const openApp = async (mode) => (await everywhere(mode)).places.find(([name]) => name === 'app')[1];

const post = (headers, body) => ({ method: 'POST', headers, body });

for (const mode of modes) {
  describe(mode, () => {
    const login = `${world[mode].url}/fauna-login`;
    const page = { 'X-Fauna-Login': '1' };
    const withCookies = mode !== 'bearer';
    const token = () => mint(3600);

    // name → path, request, and the status that an allowed page reads
    const requests = async () => ({
      'exchange': ['/fauna-login', post({ Authorization: `Bearer ${await token()}` }), 200],
      'exchange, a bad token': ['/fauna-login', post({ Authorization: 'Bearer x' }), 401],
      'exchange, no token': ['/fauna-login', post({}), 401],
      'logout': ['/fauna-login', { ...post({ Authorization: `Bearer ${await token()}` }), method: 'DELETE' }, 204],
      'a method that there is not': ['/fauna-login', { method: 'GET' }, 405],
      'query': ['/query/1', post({ 'Content-Type': 'application/json', ...(mode === 'cookie' ? page : { Authorization: 'Bearer fnEx' }) }, '{"query":"1"}'), 401],
      'token endpoint': ['/oauth/token', post({ 'Content-Type': 'application/x-www-form-urlencoded' }, 'grant_type=x'), 400],
      ...(mode === 'refresh' && { 'refresh': ['/fauna-login/refresh', post(page), 401] }),
    });

    test('who reads what', async () => {
      const { places } = await everywhere(mode);
      for (const [origin, where, allowed] of places) {
        for (const [name, [path, init, status]] of Object.entries(await requests())) {
          const seen = await read(where, world[mode].url + path, { credentials: 'omit', ...init });
          assert.equal(seen.status ?? seen, allowed ? status : 'blocked', `${name} from ${origin}`);
        }

        // Cookies count in the modes that have one, and there alone.
        const init = { method: 'POST', credentials: 'include', headers: { Authorization: `Bearer ${await token()}` } };
        const seen = await read(where, login, init);
        assert.equal(seen.status ?? seen, allowed && (withCookies || origin === 'own') ? 200 : 'blocked', `with credentials, from ${origin}`);

        // The client is for everybody.
        const names = await where.evaluate(async (url) => Object.keys(await import(url)).sort(), `${world[mode].url}/fauna-login.js`);
        assert.deepEqual(names, ['FaunaLoginError', 'LoginRequired', 'createFaunaSession'], origin);
        const health = await read(where, `${world[mode].url}/healthz`, {});
        assert.equal(health.status ?? health, origin === 'own' ? 200 : 'blocked', `/healthz from ${origin}`);
      }
    });

    test('an allowed page reads what it needs of an error', async () => {
      const { status, body, headers } = await read(await openApp(mode), login, { method: 'POST', headers: { Authorization: 'Bearer x' } });
      assert.equal(status, 401);
      assert.match(headers['www-authenticate'], /^Bearer realm="fauna-login", error="invalid_token"/);
      assert.equal(headers['x-request-id'], JSON.parse(body).request_id);
      assert.equal(JSON.parse(body).error, 'invalid_token');
    });
  });
}

for (const mode of ['bearer', 'refresh']) {
  test(`${mode}: a secret is good in the hands of the listed page alone`, async () => {
    const { body } = await read(await openApp(mode), `${world[mode].url}/fauna-login`, { method: 'POST', headers: { Authorization: `Bearer ${await mint(3600)}` } });
    const { secret, endpoint } = JSON.parse(body);
    const init = {
      method: 'POST',
      headers: {
        Authorization: `Bearer ${secret}`,
        'Content-Type': 'application/json',
        'X-Format': 'simple',
        'X-Typecheck': 'true',
        'X-Query-Timeout-Ms': '1000',
        Traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
      },
      body: JSON.stringify({ query: 'Note.create({ owner: Query.identity()!.user, text: "read" }).text' }),
    };
    await fql(mode, 'Note.all().forEach(.delete())');
    for (const [origin, where, allowed] of (await everywhere(mode)).places) {
      const seen = await read(where, `${endpoint}/query/1`, init);
      assert.equal(seen.status ?? seen, allowed ? 200 : 'blocked', origin);
    }
    // A preflight stood before each: the secret itself never left the other pages.
    assert.equal((await fql(mode, 'Note.all().count()')).data, 2);
  });
}
