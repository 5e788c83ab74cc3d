// Several tabs of one browser: one logs out, or two have different users.

import { describe } from 'node:test';
import assert from 'node:assert/strict';
import { advance, ask, cookieOf, diesSoon, fql, modes, newPerson, openAs, query, test, useBrowser } from './harness.mjs';

useBrowser();

const loggedOut = { name: 'LoginRequired', code: 'logged_out', message: 'logged_out', status: undefined };

// Keeps what a session tells its page, in window.seen.
const watch = (page) =>
  page.evaluate(() => {
    window.seen = [];
    window.session.onChange(({ type }) => window.seen.push(type));
  });
const hears = (page, type) => page.waitForFunction((type) => window.seen.includes(type), type, { polling: 20 });

describe('logout in one tab', () => {
  for (const mode of modes) {
    test(`${mode}: ends the other two`, async (t) => {
      const ada = await newPerson(t);
      const tabs = [];
      const secrets = [];
      for (let n = 0; n < 3; n++) {
        const tab = await openAs(ada, 'Ada', mode);
        await watch(tab);
        secrets.push((await ask(tab, 'getSecret')).value.secret);
        tabs.push(tab);
      }
      const identity = 'Query.identity()!.user!.email';
      for (const tab of tabs) assert.deepEqual(await query(tab, identity), { value: 'ada@example.com' });

      assert.deepEqual(await ask(tabs[1], 'logout'), { value: undefined });
      for (const tab of tabs) {
        await hears(tab, 'logout');
        assert.deepEqual((await ask(tab, 'getSecret')).error, loggedOut);
        assert.deepEqual((await query(tab, identity)).error, loggedOut);
        assert.deepEqual(await ask(tab, 'peek'), { value: undefined });
      }
      assert.equal(await cookieOf(ada, mode), undefined);
      if (mode !== 'cookie') for (const secret of secrets) await diesSoon(mode, secret);

      // Somebody who logs in again does so for that tab.
      assert.ok((await ask(await openAs(ada, 'Ada', mode), 'login')).value);
      assert.deepEqual((await ask(tabs[2], 'getSecret')).error, loggedOut);
    });
  }

  for (const mode of modes) {
    test(`${mode}: leaves another user’s tab alone`, async (t) => {
      const profile = await newPerson(t);
      const [ada, grace] = [await openAs(profile, 'Ada', mode), await openAs(profile, 'Grace', mode)];
      await ask(ada, 'getSecret');
      const { value: hers } = await ask(grace, 'login');
      const cookie = await cookieOf(profile, mode);
      assert.deepEqual(await ask(ada, 'logout'), { value: undefined });
      assert.deepEqual(await query(grace, 'Query.identity()!.user!.email'), { value: 'grace@example.com' });
      assert.deepEqual((await ask(grace, 'getSecret')).value, hers);
      assert.equal((await cookieOf(profile, mode))?.value, cookie?.value);
    });
  }
});

describe('two users in two tabs', () => {
  for (const mode of ['refresh', 'cookie']) {
    test(`${mode}: each gets their own data alone`, async (t) => {
      await fql(mode, 'Note.all().forEach(.delete())');
      const profile = await newPerson(t);
      const tabs = {};
      for (const name of ['Ada', 'Grace']) tabs[name] = await openAs(profile, name, mode);
      const users = {};
      for (const [name, tab] of Object.entries(tabs)) {
        users[name] = (await ask(tab, 'login')).value.user.id;
        const created = await query(tab, `Note.create({ owner: Query.identity()!.user, text: "of ${name}" }).owner!.email`);
        assert.deepEqual(created, { value: `${name.toLowerCase()}@example.com` });
      }
      assert.notEqual(users.Ada, users.Grace);
      const own = 'Note.all().toArray().map(.text)';

      // There is one cookie, of whoever came last. Past the end of the secrets, too, nobody gets another's.
      for (const seconds of [0, 125, 125]) {
        await advance(seconds, profile);
        for (const name of ['Ada', 'Grace', 'Grace', 'Ada']) {
          assert.deepEqual(await query(tabs[name], own), { value: [`of ${name}`] });
          assert.equal((await ask(tabs[name], 'peek')).value.user.id, users[name]);
        }
      }

      // At once they may take the cookie from each other, but not what it opens.
      await advance(125, profile);
      const answers = await Promise.all(
        Object.entries(tabs).flatMap(([name, tab]) => Array.from({ length: 10 }, async () => [name, await query(tab, own)])),
      );
      for (const [name, { value, error }] of answers) assert.ok(error ? error.status === 401 : `${value}` === `of ${name}`, JSON.stringify([name, value, error]));
      for (const name of ['Ada', 'Grace']) assert.deepEqual(await query(tabs[name], own), { value: [`of ${name}`] });
    });
  }
});
