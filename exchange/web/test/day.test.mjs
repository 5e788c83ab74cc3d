// A day at a desk: six tabs of which one is seen, a lid that is closed, a train without network, a service under maintenance, a
// clock that is wrong. Every secret that is handed out must be alive, and no exchange asked for that was not needed.

import test from 'node:test';
import assert from 'node:assert/strict';
import { Page, refuse, settle, World } from './world.mjs';

const hour = 3600, step = 15; // s
const jwtTTL = 2 * hour, ahead = 60;

// The same jitter on every run.
const dice = (seed) => () => (seed = (seed * 16807) % 2147483647) / 2147483647;

const within = (t, ...spans) => spans.some(([from, to]) => t >= from * hour && t < to * hour);
const offline = (t) => within(t, [6, 6.4], [9.99, 10.02]);
const maintenance = (t) => within(t, [8.5, 9.6]);
const lids = [[4, 1.2], [7.5, 0.3], [13, 8]]; // closed at, for; hours

async function day({ mode, maxTTL, skew, tabs, asks }) {
  const world = new World({ mode, maxTTL, jwtTTL, skew });
  const random = dice(42);
  const start = world.clock.time;
  const t = () => (world.clock.time - start) / 1e3;
  const failures = [], needless = [];
  let served = 0;

  const open = (hidden) => {
    const tab = { page: new Page(), end: 0, life: 0, posts: [] };
    tab.page.hidden = hidden;
    tab.session = world.session({
      random, document: tab.page,
      getAccessToken: (o) => {
        if (offline(t()) && o.fresh) throw new TypeError('Failed to fetch');
        return world.getAccessToken(o);
      },
      fetch: async (...args) => {
        const left = tab.end - t();
        if (left > Math.min(ahead, tab.life / 2) + 1) needless.push(`at ${t()} with ${left} s of ${tab.life} left`);
        const response = await world.fetch(...args);
        tab.posts.push([t(), response.status]);
        if (response.ok) {
          const { expires_in } = await response.clone().json();
          Object.assign(tab, { life: expires_in, end: t() + expires_in });
        }
        return response;
      },
    });
    return tab;
  };
  const all = Array.from({ length: tabs }, (_, i) => open(i !== 0));
  world.fault = () => {
    if (offline(t())) throw new TypeError('Failed to fetch');
    if (maintenance(t())) return refuse(503, 'temporarily_unavailable', { 'Retry-After': '20' });
  };

  const ask = (tab) =>
    tab.session.getSecret().then(
      ({ secret, expiresAt }) => {
        served++;
        assert.ok(expiresAt > world.clock.now());
        if (mode !== 'cookie') assert.ok(world.alive(secret), `a dead secret at ${t()}`);
      },
      (error) => failures.push([t(), error.code]),
    );

  const asked = [];
  for (const [at, long] of [...lids, [24, 0]]) {
    while (t() < at * hour) {
      const seen = Math.floor(t() / 1200) % tabs;
      all.forEach((tab, i) => tab.page.hidden !== (i !== seen) && tab.page.show(i === seen));
      all.forEach((tab, i) => random() < (i === seen ? asks : asks / 20) && asked.push(ask(tab)));
      await world.clock.advance(step);
    }
    world.clock.sleep(long * hour);
  }
  await settle();
  await world.clock.advance(60);
  await Promise.all(asked);
  assert.deepEqual(needless, []);
  const good = all.map((tab) => tab.posts.filter(([, status]) => status === 200).length);
  const bad = world.requests.filter((r) => r.status !== 200);
  return { world, all, failures, served, good, bad, start };
}

for (const mode of ['bearer', 'refresh', 'cookie']) {
  for (const skew of [-300, 0, 300]) {
    test(`mode ${mode}, clock off by ${skew} s`, async () => {
      const { world, failures, served, good, bad, start, all } = await day({ mode, maxTTL: hour, skew, tabs: 6, asks: 0.4 });
      assert.ok(served > 1000, `${served} served`);
      for (const [at, code] of failures) {
        assert.ok(offline(at - 31) || offline(at) || maintenance(at - 31) || maintenance(at), `${code} at ${at}`);
      }
      for (const { time, status } of bad) {
        const at = (time - start) / 1e3;
        if (status === 503) assert.ok(maintenance(at));
        else if (status === 401) assert.equal(mode, 'refresh'); // no session yet, or a slept over one
        else assert.ok(offline(at));
      }
      // 15 h awake, three sleeps and a token's end every two hours: a tab that is always used needs about twenty.
      for (const n of good) assert.ok(n >= 10 && n <= 22, `exchanges of the tabs: ${good}`);
      for (const { posts } of all) {
        for (let i = 1; i < posts.length; i++) {
          if (posts[i - 1][1] === 503) assert.ok(posts[i][0] - posts[i - 1][0] >= 20, 'Retry-After was not kept');
        }
      }
      const tokens = new Set(world.requests.map((r) => r.authorization)).size;
      assert.ok(tokens <= 16, `${tokens} Auth0 tokens`);
    });
  }
}

test('minutes instead of hours: mode refresh with secrets of five minutes', async () => {
  const { served, good, failures } = await day({ mode: 'refresh', maxTTL: 300, skew: 300, tabs: 2, asks: 0.5 });
  assert.ok(served > 1000);
  for (const n of good) assert.ok(n <= 14.5 * 3600 / 225 + 30, `exchanges: ${good}`);
  for (const [at] of failures) assert.ok(offline(at - 31) || offline(at) || maintenance(at - 31) || maintenance(at));
});

test('nobody there: a page that is not seen and not used asks for nothing', async () => {
  const { good } = await day({ mode: 'bearer', maxTTL: hour, skew: 0, tabs: 2, asks: 0 });
  assert.deepEqual(good, [0, 0]);
});
