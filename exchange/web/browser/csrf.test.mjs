// Requests that somebody else's page makes the user's browser send, with the user's cookie. Every way that a browser
// offers is tried from every origin; what passed is read off the database, not off what a page was told.

import { describe } from 'node:test';
import assert from 'node:assert/strict';
import { setTimeout } from 'node:timers/promises';
import { ask, cookieOf, everywhere, fql, mint, startSession, test, useBrowser, world } from './harness.mjs';

useBrowser();

const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'];
const contentTypes = [
  undefined,
  'application/json',
  'application/json; charset=utf-8',
  'text/plain',
  'application/x-www-form-urlencoded',
  'multipart/form-data; boundary=x',
  'application/octet-stream',
];
const headers = ['1', undefined, 'no', '12345']; // the last one is an id, but nobody's
const fetchModes = ['cors', 'no-cors', 'same-origin'];

// Every fetch that a script can make of these. No-cors takes the header off, whichever it is.
const fetchesOf = (types) =>
  fetchModes.flatMap((mode) =>
    methods.flatMap((method) =>
      types.flatMap((contentType) => headers.slice(0, mode === 'no-cors' ? 2 : 4).map((header) => ({ method, contentType, header, mode }))),
    ),
  );
const fetches = fetchesOf(contentTypes);
const withoutBody = fetchesOf([undefined, 'application/json', 'text/plain']); // where there is none to be of a type

const forms = ['application/x-www-form-urlencoded', 'multipart/form-data', 'text/plain'].flatMap((enctype) =>
  ['POST', 'GET'].map((method) => ({ method, enctype })),
);

// What an attacker wants to happen, told apart by `id`; also in a form's body of text/plain.
const writing = (id) => `{"query":"Note.create({ owner: Query.identity()!.user, text: \\"${id}\\" })"}`;

// Sends fetches from a page; ids are name and number. @returns the statuses that the page got to see, or 'blocked'.
const sendFetches = (where, name, url, tries) =>
  where.evaluate(
    async ([name, url, tries, body]) => {
      const seen = [];
      const send = async ({ method, contentType, header, mode }, n) => {
        if (mode === 'same-origin' && new URL(url).origin !== window.origin) return; // the browser would not send it
        const headers = { ...(contentType && { 'Content-Type': contentType }), ...(header && { 'X-Fauna-Login': header }) };
        const text = new Blob([body.replace('ID', `${name} ${n}`)]); // of no type: a string would have one
        const init = { method, headers, mode, credentials: 'include', ...(!['GET', 'HEAD'].includes(method) && body && { body: text }) };
        seen[n] = await fetch(url, init).then((res) => res.status, () => 'blocked');
      };
      for (let n = 0; n < tries.length; n += 20) await Promise.all(tries.slice(n, n + 20).map((each, i) => send(each, n + i)));
      return seen;
    },
    [name, url, tries, url.endsWith('/query/1') ? writing('ID') : ''],
  );

// Submits a form into a frame.
const submit = ([name, url, { method, enctype }, body]) => {
  const frame = Object.assign(document.createElement('iframe'), { name });
  const form = Object.assign(document.createElement('form'), { method, enctype, action: url, target: name });
  // `name=value` is JSON when its = is within a string.
  form.append(Object.assign(document.createElement('input'), { name: `${body.slice(0, -1)},"x":"`, value: '"}' }));
  document.body.append(frame, form);
  form.submit();
};

// What is left without fetch.
const beacon = ([, url, , body]) => void navigator.sendBeacon(url, new Blob([body], { type: 'text/plain' }));

// Sends all of them at once. @returns the answers of the service.
async function sendForms(where, name, url) {
  const context = (where.page?.() ?? where).context();
  const taken = new Set();
  const all = [...forms, { method: 'POST' }];
  const answers = all.map(({ method }) =>
    context.waitForEvent('response', (res) => res.url().startsWith(url) && res.request().method() === method && !taken.has(res) && taken.add(res)),
  );
  await Promise.all(all.map((form, n) => where.evaluate(form.enctype ? submit : beacon, [`${name} form ${n}`, url, form, writing(`${name} form ${n}`)])));
  return Promise.all(answers);
}

// Afterwards.
const removeForms = (where) => where.evaluate(() => document.querySelectorAll('iframe[name], form').forEach((each) => each.remove()));

// Whether requests had the cookie, as far as the browser tells: not of a beacon, and now and then not of a frame.
async function cookiesOf(requests) {
  const asked = requests
    .filter((request) => request.resourceType() !== 'ping')
    .map((request) => Promise.race([request.allHeaders().then((headers) => 'cookie' in headers), setTimeout(500)]));
  return (await Promise.all(asked)).filter((told) => told !== undefined);
}

// Ada's browser with the cookie of a mode, and no more than that: its pages hold no secret.
async function withCookie(mode) {
  const { person: ada, places } = await everywhere(mode);
  const app = places.find(([name]) => name === 'app')[1];
  await startSession(app, mode, { token: await mint(3600) });
  const { value } = await ask(app, 'getSecret');
  await app.evaluate(() => window.session.close());
  return { ada, places, session: value.session.id };
}

const notes = async () => (await fql('cookie', 'Note.all().toArray().map(.text)')).data;

describe('cookie: POST /query/1', () => {
  const url = `${world.cookie.url}/query/1`;

  test('fetch', async () => {
    const { ada, places } = await withCookie('cookie');
    await fql('cookie', 'Note.all().forEach(.delete())');
    const want = [];
    let tried = 0;
    for (const [name, where, allowed] of places) {
      const seen = await sendFetches(where, name, url, fetches);
      tried += seen.filter((outcome) => outcome != null).length;
      fetches.forEach(({ method, contentType, header, mode }, n) => {
        const reaches = mode === 'cors' || (mode === 'same-origin' && name === 'own');
        if (!allowed || !reaches || method !== 'POST' || !contentType?.startsWith('application/json')) return;
        if (header === '1') want.push(`${name} ${n}`);
        assert.equal(seen[n], { 1: 200, 12345: 401 }[header] ?? 403, `${name}: ${JSON.stringify(fetches[n])}`);
      });
    }
    assert.deepEqual((await notes()).sort(), want.sort());
    assert.deepEqual([want.length, tried], [6, 2688]);
    assert.ok(await cookieOf(ada, 'cookie'), 'what was refused has taken the cookie');
  });

  test('forms and beacons', async () => {
    const { ada, places } = await withCookie('cookie');
    await fql('cookie', 'Note.all().forEach(.delete())');
    for (const [name, where] of places) {
      const posts = (await sendForms(where, name, url)).filter((res) => res.request().method() === 'POST');
      // From pages of the same site the browser does send the cookie: SameSite is no defence there, the service is.
      const cookies = await cookiesOf(posts.map((res) => res.request()));
      await removeForms(where);
      assert.ok(cookies.length > 0, `${name}: the browser tells nothing`);
      if (['own', 'app', 'other port', 'sibling'].includes(name)) assert.ok(cookies.every(Boolean), `${name}: nothing was tried`);
      if (['evil', 'lookalike', 'http'].includes(name)) assert.ok(!cookies.some(Boolean), `${name}: a cookie of SameSite=Strict was sent`);
      for (const res of posts) assert.ok([401, 403].includes(res.status()), `${name}: ${res.status()}`);
    }
    assert.deepEqual(await notes(), []);
    assert.ok(await cookieOf(ada, 'cookie'));
  });
});

for (const [mode, path, method] of [
  ['refresh', '/fauna-login/refresh', 'POST'],
  ['refresh', '/fauna-login', 'DELETE'],
  ['cookie', '/fauna-login', 'DELETE'],
]) {
  describe(`${mode}: ${method} ${path}`, () => {
    const url = world[mode].url + path;
    const state = async (session) => (await fql(mode, `auth0_jwt.byId("${session}") { refresh_generation }`)).data;

    test('nothing but a script of an allowed page', async () => {
      const { ada, places, session } = await withCookie(mode);
      const { value } = await cookieOf(ada, mode);
      const before = await state(session);
      assert.ok(before, 'there is no session');
      for (const [name, where, allowed] of places) {
        const passes = ({ method: m, header, mode: f }) => allowed && m === method && header === '1' && f !== 'no-cors';
        await sendFetches(where, name, url, withoutBody.filter((each) => !passes(each)));
        if (method === 'POST') await sendForms(where, name, url).then(() => removeForms(where));
        assert.deepEqual(await state(session), before, name);
        assert.equal((await cookieOf(ada, mode))?.value, value, name);
      }
    });

    for (const [from, fetchMode] of [['own', 'same-origin'], ['app', 'cors']]) {
      test(`a script of an allowed page: ${from}`, async () => {
        const { places, session } = await withCookie(mode);
        const before = await state(session);
        const [, where] = places.find(([name]) => name === from);
        const [status] = await sendFetches(where, from, url, [{ method, header: '1', mode: fetchMode }]);
        assert.equal(status, method === 'POST' ? 200 : 204);
        assert.notDeepEqual(await state(session), before);
      });
    }
  });
}

// Login CSRF: a page that puts its own user into the victim's browser, to read what the victim then writes.
for (const mode of ['refresh', 'cookie']) {
  test(`${mode}: POST /fauna-login, with somebody else’s token`, async () => {
    const { ada, places } = await withCookie(mode);
    const { value } = await cookieOf(ada, mode);
    const token = await mint(3601);
    for (const [name, where, allowed] of places) {
      if (allowed) continue;
      const statuses = await where.evaluate(
        ([url, token]) => {
          const send = (init) => fetch(url, { method: 'POST', credentials: 'include', ...init }).then((res) => res.status, () => 'blocked');
          return Promise.all([
            send({ headers: { Authorization: `Bearer ${token}` } }),
            send({ headers: { Authorization: `Bearer ${token}`, 'X-Fauna-Login': '1' } }),
            send({ mode: 'no-cors', headers: { Authorization: `Bearer ${token}` } }),
            send({ mode: 'no-cors', body: new URLSearchParams({ access_token: token }) }),
          ]);
        },
        [`${world[mode].url}/fauna-login`, token],
      );
      assert.deepEqual(statuses, ['blocked', 'blocked', 0, 0], name); // 0: opaque
      assert.equal((await cookieOf(ada, mode)).value, value, name);
    }
  });
}
