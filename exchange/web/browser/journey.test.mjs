// The whole way of a user in each mode: the examples as they are built, auth0-spa-js and the driver from npm.

import { describe } from 'node:test';
import assert from 'node:assert/strict';
import { advance, assertAlive, assertDead, cookieOf, diesSoon, fql, listen, logInAs, modes, newPerson, test, useBrowser, world } from './harness.mjs';

useBrowser();

const says = (page, text) => page.getByRole('status').filter({ hasText: text }).waitFor();

// Here, and then at Auth0, which leads back.
async function logOut(page) {
  const back = page.waitForEvent('load');
  await page.getByRole('button', { name: 'Log out' }).click();
  await back;
  await says(page, 'Nobody is logged in.');
}

async function open(context, app, mode) {
  const page = await context.newPage();
  page.on('pageerror', (error) => assert.fail(error));
  await page.goto(`${world.app}/${app}/${mode}/`);
  return page;
}

// With the enter key: a tab that is not in front draws once a second, and a click waits for that.
async function add(page, text) {
  await page.getByLabel('New note').fill(text);
  await page.getByLabel('New note').press('Enter');
}

const note = (page, text) => page.getByRole('textbox', { name: `Note ${text}`, exact: true });
const texts = (page) => page.getByRole('textbox', { name: /^Note / }).evaluateAll((fields) => fields.map((field) => field.value));
// The fields' values as they are by and by.
async function shows(page, ...want) {
  await page
    .waitForFunction((want) => JSON.stringify([...document.querySelectorAll('li input')].map((field) => field.value)) === want, JSON.stringify(want), { polling: 20 })
    .catch(async () => assert.deepEqual(await texts(page), want));
}

// example → how many tabs
const apps = { spa: 6, react: 2 };

for (const [app, most] of Object.entries(apps)) {
  for (const mode of modes) {
    test(`${app}, ${mode}`, async (t) => {
      for (const name of ['Note', 'auth0_jwt']) await fql(mode, `${name}.all().forEach(.delete())`);
      const ada = await newPerson(t);
      const heard = listen(ada, mode);
      const page = await open(ada, app, mode);
      await says(page, 'Nobody is logged in.');

      // Login: code with PKCE, exchange.
      await page.getByRole('button', { name: 'Log in' }).click();
      await page.waitForURL(`${world.auth0}/authorize?*`);
      const asked = new URL(page.url()).searchParams;
      assert.deepEqual([asked.get('response_type'), asked.get('code_challenge_method'), asked.get('audience')], ['code', 'S256', world.audience]);
      heard.take();
      await logInAs(page, 'Ada');
      await says(page, 'You are user');
      assert.equal(new URL(page.url()).search, '', 'the code is still in the address');
      const requests = heard.take();
      assert.ok(requests.includes('POST /oauth/token 200') && requests.includes('POST /fauna-login 200'), `${requests}`);
      assert.ok(!requests.includes('POST /fauna-login/refresh 200'), 'a cookie of whoever it was before');

      // Create, read, update, delete.
      await add(page, 'first');
      await shows(page, 'first');
      await add(page, 'second');
      await shows(page, 'first', 'second');
      await note(page, 'first').fill('third');
      await note(page, 'first').blur();
      await shows(page, 'second', 'third');
      await page.getByRole('button', { name: 'Delete second' }).click();
      await shows(page, 'third');
      const { data: kept } = await fql(mode, 'Note.all().toArray().map(note => [note.text, note.owner!.email])');
      assert.deepEqual(kept, [['third', 'ada@example.com']]);

      // Across the secret's end.
      const [first] = heard.secrets;
      const before = await cookieOf(ada, mode);
      heard.take();
      await advance(125, ada);
      await add(page, 'fourth');
      await shows(page, 'fourth', 'third');
      const renewals = heard.take().filter((request) => request.startsWith('POST /fauna-login'));
      assert.deepEqual(renewals, [mode === 'refresh' ? 'POST /fauna-login/refresh 200' : 'POST /fauna-login 200']);
      if (mode !== 'cookie') {
        assert.equal(heard.secrets.length, 2);
        await assertDead(mode, first);
        await assertAlive(mode, heard.secrets[1]);
      }
      const after = await cookieOf(ada, mode);
      assert.equal(after?.value === before?.value, mode === 'bearer', 'the cookie is not a new one');

      // Reload: no login.
      await page.reload();
      await shows(page, 'fourth', 'third');
      const again = heard.take();
      if (mode === 'refresh' && app === 'spa') assert.ok(!again.some((request) => /authorize|oauth/.test(request)), `Auth0 was asked: ${again}`);
      assert.ok(again.includes(mode === 'refresh' ? 'POST /fauna-login/refresh 200' : 'POST /fauna-login 200'), `${again}`);

      // Many tabs at once, all of which work, also across another end.
      const tabs = [page, ...(await Promise.all(Array.from({ length: most - 1 }, () => open(ada, app, mode))))];
      await Promise.all(tabs.map((tab) => shows(tab, 'fourth', 'third')));
      await advance(125, ada);
      await Promise.all(tabs.map((tab, n) => add(tab, `tab ${n}`).then(() => note(tab, `tab ${n}`).waitFor())));
      assert.equal((await fql(mode, 'Note.all().count()')).data, 2 + most);
      if (mode === 'refresh') assert.equal((await fql(mode, 'auth0_jwt.all().count()')).data, 1, 'the tabs are not one session');

      // Logout: the secrets are dead, the cookie gone, and nobody is logged in, in the other tabs neither.
      const secrets = heard.secrets.splice(0);
      await page.bringToFront();
      await logOut(page);
      assert.ok(heard.take().includes('DELETE /fauna-login 204'));
      assert.equal(await cookieOf(ada, mode), undefined);
      for (const secret of secrets) await diesSoon(mode, secret);
      for (const tab of tabs) await says(tab, 'Nobody is logged in.');
      for (const tab of tabs.slice(1)) await tab.reload();
      for (const tab of tabs) await says(tab, 'Nobody is logged in.');

      // The next user of the same browser sees none of it.
      await page.getByRole('button', { name: 'Log in' }).click();
      await logInAs(page, 'Grace');
      await says(page, 'You are user');
      await shows(page);
      await add(page, 'of Grace');
      await shows(page, 'of Grace');
    });
  }
}

describe('logout', () => {
  for (const mode of ['bearer', 'refresh']) {
    test(`${mode}: the secret in hand is dead at once`, async (t) => {
      const ada = await newPerson(t);
      const heard = listen(ada, mode);
      const page = await open(ada, 'spa', mode);
      await page.getByRole('button', { name: 'Log in' }).click();
      await logInAs(page, 'Ada');
      await says(page, 'You are user');
      const [secret] = heard.secrets;
      await assertAlive(mode, secret);
      await logOut(page);
      await assertDead(mode, secret);
    });
  }
});
