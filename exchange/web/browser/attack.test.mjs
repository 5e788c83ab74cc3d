// What a script in the page, a thief of cookies, and whoever shares the site can do, and cannot.

import { describe } from 'node:test';
import assert from 'node:assert/strict';
import {
  advance, ask, assertAlive, assertDead, cookieNames, cookieOf, listen, logInKit, newPerson, noPolicy, openAs, openKit, openOwn, plant,
  query, startSession, test, useBrowser, world,
} from './harness.mjs';

useBrowser();

const withCookie = ['refresh', 'cookie'];

// The session of a page without a login at Auth0: a cookie is all it can have.
async function openWithoutLogin(context, mode) {
  const page = await openKit(context);
  await startSession(page, mode);
  return page;
}

// A query in mode cookie as the client sends it, but by whoever has just the cookie.
const bareQuery = (page, text = 'Query.identity()!.user!.email') =>
  page.evaluate(
    async ([url, query]) => {
      const res = await fetch(`${url}/query/1`, {
        method: 'POST',
        credentials: 'include',
        headers: { 'Content-Type': 'application/json', 'X-Fauna-Login': '1', 'X-Format': 'simple' },
        body: JSON.stringify({ query }),
      });
      return { status: res.status, data: (await res.json()).data };
    },
    [world.cookie.url, text],
  );

// The same for a handle.
const bareRefreshes = (page, howMany) =>
  page.evaluate(
    ([url, howMany]) => {
      const refresh = async () => {
        const res = await fetch(`${url}/fauna-login/refresh`, { method: 'POST', credentials: 'include', headers: { 'X-Fauna-Login': '1' } });
        return { status: res.status, ...(await res.json()) };
      };
      return Promise.all(Array.from({ length: howMany }, refresh));
    },
    [world.refresh.url, howMany],
  );

const bareRefresh = async (page) => (await bareRefreshes(page, 1))[0];

for (const mode of withCookie) {
  describe(mode, () => {
    test('the cookie is what it should be', async (t) => {
      const ada = await newPerson(t);
      const page = await openAs(ada, 'Ada', mode);
      const { value } = await ask(page, 'getSecret');
      const cookie = await cookieOf(ada, mode);
      const { expires, value: _, ...rest } = cookie;
      const want = { name: cookieNames[mode], domain: `${mode}.example.test`, path: '/', httpOnly: true, secure: true, sameSite: 'Strict' };
      assert.deepEqual(rest, want);
      const life = expires - Date.now() / 1000;
      const [least, most] = mode === 'cookie' ? [100, 120] : [86_000, 86_400]; // the secret's, the JWT's
      assert.ok(least < life && life <= most, `it lives for ${life} s`);
      if (mode === 'cookie') assert.equal(value.secret, undefined);
      assert.equal((await ada.cookies(world[mode].url)).length, 1);
    });

    test('no script reads or writes the cookie', async (t) => {
      const ada = await newPerson(t, noPolicy);
      await ask(await openAs(ada, 'Ada', mode), 'getSecret');
      const before = (await cookieOf(ada, mode)).value;
      const own = await openOwn(ada, world[mode].url);
      const seen = await own.evaluate(async (name) => {
        const tried = [];
        for (const value of [`${name}=forged; Secure; Path=/`, `${name}=forged; Secure; Path=/; Max-Age=0`, `${name}=; Path=/query`]) {
          document.cookie = value;
          await window.cookieStore.set({ name, value: 'forged', path: '/' }).catch((error) => tried.push(error.name));
          await window.cookieStore.delete(name).catch((error) => tried.push(error.name));
        }
        return { cookie: document.cookie, stored: (await window.cookieStore.getAll()).map(({ name }) => name) };
      }, cookieNames[mode]);
      assert.deepEqual(seen, { cookie: '', stored: [] });
      // A sibling that the user visits may set cookies for the whole site, but none of this name.
      const sibling = await openKit(ada, world.sibling);
      await sibling.evaluate((name) => {
        for (const more of ['', '; Secure', '; Secure; Path=/query/1']) document.cookie = `${name}=forged; Domain=example.test; Path=/${more}`;
      }, cookieNames[mode]);
      const after = (await ada.cookies(`${world[mode].url}/query/1`)).map(({ name, value }) => [name, value]);
      assert.deepEqual(after, [[cookieNames[mode], before]]);
    });

    test('no script may set the cookie even where there is none', async (t) => {
      const ada = await newPerson(t, noPolicy);
      const own = await openOwn(ada, world[mode].url);
      await own.evaluate((name) => {
        for (const more of ['', '; Secure', '; Secure; SameSite=Strict']) document.cookie = `${name}=forged; Path=/${more}`;
      }, cookieNames[mode]);
      assert.equal(await cookieOf(ada, mode), undefined);
    });

    test('altered values are refused, and taken away', async (t) => {
      const ada = await newPerson(t);
      const grace = await newPerson(t);
      await ask(await openAs(ada, 'Ada', mode), 'getSecret');
      await ask(await openAs(grace, 'Grace', mode), 'getSecret');
      const mine = (await cookieOf(grace, mode)).value;
      const hers = (await cookieOf(ada, mode)).value;
      const swap = (text, at) => text.slice(0, at) + (text[at] === 'A' ? 'B' : 'A') + text.slice(at + 1);
      const half = Math.floor(mine.length / 2);
      const forged = {
        'first character': swap(mine, 0),
        'a character in the middle': swap(mine, half),
        'a character near the end': swap(mine, mine.length - 4),
        shorter: mine.slice(0, -4),
        longer: `${mine}AAAA`,
        'her half and mine': hers.slice(0, half) + mine.slice(half),
        'my half and hers': mine.slice(0, half) + hers.slice(half),
        empty: '',
        'no base64': '%%%%',
      };
      const page = await openWithoutLogin(grace, mode);
      for (const [name, value] of Object.entries(forged)) {
        await plant(grace, mode, value);
        const { status } = await (mode === 'cookie' ? bareQuery(page) : bareRefresh(page));
        assert.equal(status, 401, name);
        assert.equal(await cookieOf(grace, mode), undefined, `${name}: it is still there`);
      }
      await plant(grace, mode, mine);
      const { status } = await (mode === 'cookie' ? bareQuery(page) : bareRefresh(page));
      assert.equal(status, 200, 'the real one');
    });

    test('replayed after logout it is refused', async (t) => {
      const ada = await newPerson(t);
      const page = await openAs(ada, 'Ada', mode);
      await ask(page, 'getSecret');
      const { value } = await cookieOf(ada, mode);
      assert.deepEqual(await ask(page, 'logout'), { value: undefined });
      assert.equal(await cookieOf(ada, mode), undefined);
      const thief = await newPerson(t);
      const elsewhere = await openWithoutLogin(thief, mode);
      await plant(thief, mode, value);
      const { status } = await (mode === 'cookie' ? bareQuery(elsewhere) : bareRefresh(elsewhere));
      assert.equal(status, 401);
      assert.equal(await cookieOf(thief, mode), undefined);
    });
  });
}

test('a cookie of one mode is nothing in the other', async (t) => {
  for (const [from, to] of [['refresh', 'cookie'], ['cookie', 'refresh']]) {
    const ada = await newPerson(t);
    await ask(await openAs(ada, 'Ada', from), 'getSecret');
    const thief = await newPerson(t);
    const page = await openWithoutLogin(thief, to);
    await plant(thief, to, (await cookieOf(ada, from)).value);
    const { status } = await (to === 'cookie' ? bareQuery(page) : bareRefresh(page));
    assert.equal(status, 401);
  }
});

describe('cookie', () => {
  test('a page of the app queries as its user, and never sees the secret', async (t) => {
    const ada = await newPerson(t);
    const bodies = [];
    ada.on('response', async (res) => bodies.push(JSON.stringify(await res.allHeaders().catch(() => '')) + (await res.text().catch(() => ''))));
    const page = await logInKit(ada, 'Ada', 'cookie');
    assert.deepEqual(await query(page, 'Query.identity()!.user!.email'), { value: 'ada@example.com' });
    const inMemory = await page.evaluate(() => JSON.stringify([window.session.peek(), window.client]));
    assert.ok(bodies.some((body) => body.includes('ada@example.com')), 'nothing was heard');
    assert.doesNotMatch(bodies.join('\n') + inMemory, /fnE/);
  });

  test('past its end the cookie opens nothing', async (t) => {
    const ada = await newPerson(t);
    const page = await openAs(ada, 'Ada', 'cookie');
    await ask(page, 'getSecret');
    assert.equal((await bareQuery(page)).status, 200);
    await page.evaluate(() => window.session.close());
    await advance(125, ada); // the browser keeps it: cookies go by the real time
    assert.ok(await cookieOf(ada, 'cookie'));
    assert.equal((await bareQuery(page)).status, 401);
    assert.equal(await cookieOf(ada, 'cookie'), undefined);
  });
});

describe('refresh', () => {
  // Ada in her browser, and somebody who has copied her cookie.
  async function copied(t) {
    const ada = await newPerson(t);
    const heard = listen(ada, 'refresh');
    const hers = await logInKit(ada, 'Ada', 'refresh');
    await ask(hers, 'getSecret');
    const thief = await newPerson(t);
    await plant(thief, 'refresh', (await cookieOf(ada, 'refresh')).value);
    return { ada, thief, heard, hers, his: await openWithoutLogin(thief, 'refresh') };
  }

  test('a stolen handle: the thief first, then its owner', async (t) => {
    const { ada, thief, heard, hers, his } = await copied(t);
    const stolen = await ask(his, 'getSecret');
    await assertAlive('refresh', stolen.value.secret);
    await advance(11, ada, thief); // more than what two tabs are given
    assert.equal((await bareRefresh(hers)).status, 401);
    await assertDead('refresh', stolen.value.secret);
    await assertDead('refresh', heard.secrets[0]);
    assert.equal((await bareRefresh(his)).status, 401, 'the thief goes on');
    assert.equal(await cookieOf(ada, 'refresh'), undefined);
    assert.equal(await cookieOf(thief, 'refresh'), undefined);
    // Ada has her Auth0 session, and goes on in one of her own; but not with the token of the one that was stolen.
    const again = await ask(hers, 'login');
    assert.ok(again.error === undefined, JSON.stringify(again.error));
    assert.notEqual(again.value.session.id, stolen.value.session.id);
  });

  test('a stolen handle: its owner first, then the thief', async (t) => {
    const { ada, thief, heard, hers, his } = await copied(t);
    const next = await bareRefresh(hers);
    assert.equal(next.status, 200);
    await advance(11, ada, thief);
    assert.equal((await bareRefresh(his)).status, 401);
    for (const secret of [next.secret, heard.secrets[0]]) await assertDead('refresh', secret);
    assert.equal((await bareRefresh(hers)).status, 401, 'nobody would have noticed');
  });

  test('two tabs, and an answer that was lost, are no theft', async (t) => {
    const ada = await newPerson(t);
    const page = await openAs(ada, 'Ada', 'refresh');
    await ask(page, 'getSecret');
    const answers = await bareRefreshes(page, 2);
    assert.deepEqual(answers.map(({ status }) => status), [200, 200]);
    assert.notEqual(answers[0].secret, answers[1].secret);
    const { value } = await cookieOf(ada, 'refresh');
    assert.equal((await bareRefresh(page)).status, 200);
    await plant(ada, 'refresh', value); // as if no answer had come
    await advance(5, ada);
    assert.equal((await bareRefresh(page)).status, 200);
    await advance(60, ada);
    assert.equal((await bareRefresh(page)).status, 200);
  });

  test('never beyond the token’s end', async (t) => {
    const ada = await newPerson(t);
    const page = await openAs(ada, 'Ada', 'refresh', 300);
    const { value: first } = await ask(page, 'getSecret');
    await page.evaluate(() => window.session.close());
    await advance(240, ada);
    const last = await bareRefresh(page);
    assert.equal(last.status, 200);
    assert.equal(last.session.id, first.session.id);
    assert.ok(last.expires_in <= 60, `${last.expires_in} s`);
    await advance(61, ada);
    await assertDead('refresh', last.secret);
    assert.equal((await bareRefresh(page)).status, 401);
  });
});
