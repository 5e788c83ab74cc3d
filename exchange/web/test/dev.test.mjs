// The client against the real program: `fauna-login dev`, its Auth0 tenant, exchange and engine, and the real driver.

import test, { after, before, describe } from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { createFaunaSession, LoginRequired } from '../fauna-login.js';
import { fauna, skip } from './driver.mjs';
import { World } from './world.mjs';

const root = fileURLToPath(new URL('../../..', import.meta.url));

describe('dev', { skip }, () => {
  let dir, dev, urls;
  const stderr = [];

  before(async () => {
    let binary = process.env.FAUNA_LOGIN_BINARY; // set by web_test.go
    if (!binary) {
      dir = mkdtempSync(join(tmpdir(), 'fauna-login-'));
      binary = join(dir, 'fauna-login');
      execFileSync('go', ['build', '-o', binary, './cmd/fauna-login'], { cwd: root, stdio: 'inherit' });
    }
    const any = '127.0.0.1:0';
    dev = spawn(binary, ['dev', '--json', '--listen', any, '--auth0-listen', any, '--fauna-listen', any], { stdio: ['ignore', 'pipe', 'pipe'] });
    dev.stderr.on('data', (chunk) => stderr.push(chunk));
    const line = await new Promise((resolve, reject) => {
      createInterface(dev.stdout).once('line', resolve);
      dev.once('exit', (code) => reject(new Error(`dev ended with ${code}: ${Buffer.concat(stderr)}`)));
      dev.once('error', reject);
    });
    urls = JSON.parse(line);
  });

  after(async () => {
    if (dev?.exitCode === null) {
      const gone = new Promise((resolve) => dev.once('exit', resolve));
      dev.kill('SIGTERM');
      await gone;
    }
    if (dir) rmSync(dir, { recursive: true });
  });

  // As auth0-spa-js would hold it. Tokens of one user and second are the same: of those that were used, the next is waited for.
  const used = new Set();
  const login = (username, audience = urls.audience) => {
    let token;
    return async ({ fresh }) => {
      if (fresh || !token) {
        const body = new URLSearchParams({ grant_type: 'password', username, password: 'x', ...(audience && { audience }) });
        do {
          const res = await fetch(`${urls.auth0}/oauth/token`, { method: 'POST', body });
          token = (await res.json()).access_token;
        } while (used.has(token) && (await new Promise((resolve) => setTimeout(resolve, 100, true))));
        used.add(token);
      }
      return token;
    };
  };

  // The other tab's request takes a moment longer.
  const eventually = async (check) => {
    for (let left = 100; ; left--) {
      try {
        return await check();
      } catch (error) {
        if (!left) throw error;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    }
  };

  const open = (t, getAccessToken, options) => {
    const session = createFaunaSession({ loginUrl: `${urls.url}/fauna-login`, getAccessToken, ...options });
    t.after(session.close);
    return session;
  };

  test('login, query, renewal, somebody else’s document', async (t) => {
    const session = open(t, login('ada@example.com'));
    const grace = open(t, login('grace@example.com'));
    const first = await session.getSecret();
    assert.match(first.secret, /^fnE/);
    assert.ok(Math.abs(first.expiresAt - Date.now() - 3600e3) < 30e3);
    const client = session.client(fauna);
    const { fql } = fauna;
    const me = await client.query(fql`Query.identity()!.user { id, email }`);
    assert.deepEqual(me.data, { id: first.user.id, email: 'ada@example.com' });
    session.invalidate();
    const again = await client.query(fql`Query.identity()!.id`);
    assert.equal(again.data, first.session.id); // the same Auth0 token, the same session
    assert.notEqual(session.peek().secret, first.secret);
    const other = (await grace.getSecret()).user.id;
    await assert.rejects(client.query(fql`User.byId(${other}).email`), fauna.ServiceError);
  });

  test('a session that ends in Fauna: the 401 takes a fresh token', async (t) => {
    const asked = [];
    const ada = login('ada@example.com');
    const session = open(t, (o) => (asked.push(o.fresh), ada(o)));
    const client = session.client(fauna);
    const { session: first } = await session.getSecret();
    await client.query(fauna.fql`logoutAuth0()`);
    const after = await client.query(fauna.fql`Query.identity()!.id`);
    assert.notEqual(after.data, first.id);
    assert.deepEqual(asked, [false, false, true]); // the first token was not taken again
  });

  test('logout', async (t) => {
    const session = open(t, login('ada@example.com'));
    const { secret, endpoint } = await session.getSecret();
    await session.logout();
    assert.equal(session.peek(), undefined);
    await assert.rejects(session.getSecret(), LoginRequired);
    const url = endpoint;
    const dead = new fauna.Client({ secret, endpoint: new URL(url) }, new fauna.FetchClient({ url })); // the default of node wants HTTP/2
    await assert.rejects(dead.query(fauna.fql`1`), fauna.AuthenticationError);
    assert.notEqual((await session.login()).secret, secret);
  });

  // The tabs of one browser profile, in one of the demo's modes: they share cookies, and hear each other.
  function profile(t, mode) {
    const jar = new Map();
    const requests = []; // 'method path header status'
    const hold = {}; // `${method} ${path}` → a promise: what keeps the answer from its tab
    const channels = new World().BroadcastChannel;
    const browse = async (url, { credentials, headers, ...init }) => {
      const cookies = credentials === 'include' && [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
      const site = { Origin: urls.url, 'Sec-Fetch-Site': 'same-origin' };
      const res = await fetch(url, { ...init, headers: { ...headers, ...site, ...(cookies && { Cookie: cookies }) } });
      const path = `${init.method} ${new URL(url).pathname.replace(`/${mode}/fauna-login`, '') || '/'}`;
      requests.push(`${path} ${headers['X-Fauna-Login']} ${res.status}`);
      await hold[path];
      if (credentials !== 'include') return res;
      for (const line of res.headers.getSetCookie()) {
        const [, name, value] = /^([^=]+)=([^;]*)/.exec(line);
        if (/; Max-Age=0/.test(line)) jar.delete(name);
        else jar.set(name, value);
      }
      return res;
    };
    const tab = (username, options) => {
      const getAccessToken = login(username);
      const session = open(t, getAccessToken, { loginUrl: `${urls.url}/${mode}/fauna-login`, mode, resume: false, fetch: browse, BroadcastChannel: channels, ...options });
      return Object.assign(session, { getAccessToken });
    };
    return { jar, tab, requests, hold };
  }

  // Is the session of this token over? Then the token is refused.
  const usedUp = async (mode, getAccessToken) => {
    const headers = { Authorization: `Bearer ${await getAccessToken({})}` };
    const { status } = await fetch(`${urls.url}/${mode}/fauna-login`, { method: 'POST', headers });
    return status === 401;
  };

  const email = async (client) => (await client.query(fauna.fql`Query.identity()!.user { email }`)).data.email;

  for (const mode of ['refresh', 'cookie']) test(`two users in two tabs (${mode})`, async (t) => {
    const { jar, tab, requests } = profile(t, mode);
    const [ada, grace] = [tab('ada@example.com'), tab('grace@example.com')];
    const [a, g] = [ada.client(fauna), grace.client(fauna)];
    for (let i = 0; i < 2; i++) {
      for (const [session, client, who] of [[ada, a, 'ada@example.com'], [grace, g, 'grace@example.com']]) {
        if (mode === 'refresh') session.invalidate(); // so that the cookie is asked
        assert.equal(await email(client), who);
      }
    }
    const [first, second] = [ada, grace].map((session) => session.peek().user.id);
    const refreshed = requests.filter((line) => line.includes('/refresh'));
    const refused = [first, second, first, second].map((id) => `POST /refresh ${id} 401`);
    assert.deepEqual(refreshed, mode === 'refresh' ? refused.slice(2) : []);
    await ada.logout();
    await assert.rejects(email(a), LoginRequired);
    assert.equal(requests.at(-1), `DELETE / ${first} 204`);
    assert.ok(await usedUp(mode, ada.getAccessToken));
    assert.equal(jar.size, 1); // Grace's
    grace.invalidate();
    assert.equal(await email(g), 'grace@example.com');
    if (mode === 'refresh') assert.ok(requests.includes(`POST /refresh ${second} 200`));
    assert.ok(!(await usedUp(mode, grace.getAccessToken)));
  });

  test('logout of mode refresh while another tab renews, and the cookie is another user’s', async (t) => {
    const { jar, tab, requests, hold } = profile(t, 'refresh');
    const [first, second, other] = [tab('ada@example.com'), tab('ada@example.com'), tab('grace@example.com')];
    await first.getSecret();
    await second.getSecret();
    const hers = await other.getSecret();
    const handle = [...jar];
    let release;
    hold['POST /refresh'] = new Promise((resolve) => (release = resolve));
    second.invalidate();
    const late = second.getSecret();
    late.catch(() => {});
    const opened = tab('ada@example.com', { resume: true }); // takes whom the cookie names
    const resumed = opened.getSecret();
    resumed.catch(() => {});
    await eventually(async () => assert.equal(requests.filter((line) => line.includes('/refresh')).length, 2));
    const heard = [second, opened].map((each) => new Promise((resolve) => each.onChange(({ type }) => type === 'logout' && resolve())));
    await first.logout();
    await Promise.all(heard);
    release();
    await assert.rejects(late, { code: 'logged_out' });
    await assert.rejects(resumed, { code: 'logged_out' });
    assert.equal(jar.size, 1);
    assert.notDeepEqual([...jar], handle); // the new page's refresh, whose answer was thrown away
    other.invalidate();
    assert.equal((await other.getSecret()).session.id, hers.session.id);
    assert.equal(await email(other.client(fauna)), 'grace@example.com');
  });

  for (const mode of ['bearer', 'refresh', 'cookie']) test(`logout in one tab is that of the other (${mode})`, async (t) => {
    const { jar, tab } = profile(t, mode);
    const [first, second] = [tab('ada@example.com'), tab('ada@example.com')];
    const held = [await first.getSecret(), await second.getSecret()];
    const gone = new Promise((resolve) => second.onChange(({ type }) => resolve(type)));
    await first.logout();
    assert.equal(await gone, 'logout');
    await assert.rejects(second.getSecret(), { code: 'logged_out' });
    assert.equal(jar.size, 0);
    const ask = ({ secret, endpoint }) => fetch(`${endpoint}/query/1`, { method: 'POST', headers: { Authorization: `Bearer ${secret}` }, body: '{"query":"1"}' });
    if (mode !== 'cookie') for (const each of held) await eventually(async () => assert.equal((await ask(each)).status, 401));
    await assert.rejects(email(second.client(fauna)), LoginRequired);
  });

  test('logout of mode cookie, its cookie lost: the token is used up with its session', async (t) => {
    const { jar, tab } = profile(t, 'cookie');
    const session = tab('ada@example.com');
    const first = await session.getSecret();
    jar.clear();
    session.invalidate();
    await session.logout();
    assert.notEqual((await session.login()).session.id, first.session.id);
  });

  test('no audience: Auth0’s opaque token is named', async (t) => {
    const session = open(t, login('ada@example.com', ''));
    await assert.rejects(session.getSecret(), { code: 'no_audience' });
  });

  test('a token that is refused, with the request id of the log', async (t) => {
    const expired = async () => {
      const res = await fetch(`${urls.auth0}/dev/mint`, {
        method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ iat: 1e9, exp: 1e9 + 60 }),
      });
      return (await res.json()).token;
    };
    const error = await open(t, expired).getSecret().catch((e) => e);
    assert.ok(error instanceof LoginRequired);
    assert.equal(error.status, 401);
    assert.ok(Buffer.concat(stderr).includes(error.requestId));
  });

  test('no service at all', async (t) => {
    const session = open(t, login('ada@example.com'), { loginUrl: 'http://127.0.0.1:9/fauna-login', maxWaitSeconds: 0 });
    await assert.rejects(session.getSecret(), { code: 'network' });
  });
});
