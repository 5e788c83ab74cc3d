// The logic of one tab, on a clock that only moves when told.

import test, { describe } from 'node:test';
import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { inspect } from 'node:util';
import { createFaunaSession, FaunaLoginError, LoginRequired } from '../fauna-login.js';
import { failure, Page, refuse, settle, World } from './world.mjs';

const equal = assert.equal;

// Has the shape that an application may rely on, and shows nothing.
function expectError(error, code, more = {}) {
  assert.ok(error instanceof FaunaLoginError, inspect(error));
  equal(error.code, code);
  equal(error.name, error instanceof LoginRequired ? 'LoginRequired' : 'FaunaLoginError');
  for (const [key, value] of Object.entries(more)) assert.deepEqual(error[key], value, key);
  assert.doesNotMatch(inspect(error) + JSON.stringify(error), /fnE|eyJ/);
}

describe('exchange', () => {
  test('one POST with the Auth0 token, and an answer that nobody can change', async () => {
    const world = new World();
    const session = world.session();
    equal(session.peek(), undefined);
    const got = await session.getSecret();
    assert.deepEqual(got, {
      secret: got.secret, expiresAt: world.clock.now() + 3600e3, endpoint: 'https://fauna.test', user: { id: 'auth0|ada' }, session: { id: 's1' },
    });
    assert.ok(world.alive(got.secret) && Object.isFrozen(got));
    equal(session.peek(), got);
    equal(await session.getSecret(), got);
    const [request] = world.requests;
    equal(world.requests.length, 1);
    assert.deepEqual([request.method, request.path, request.header, request.credentials, request.redirect], ['POST', '/', undefined, 'omit', 'error']);
    equal(request.authorization, `Bearer ${world.cached}`);
    assert.deepEqual(world.tokens, [false]);
  });

  test('many callers, one flight', async () => {
    const world = new World();
    world.latency = 1;
    const session = world.session();
    const all = Array.from({ length: 10 }, () => session.getSecret());
    await world.clock.advance(2);
    equal(new Set(await Promise.all(all)).size, 1);
    equal(world.requests.length, 1);
  });

  test('an abort ends the wait of its caller alone', async () => {
    const world = new World();
    world.latency = 1;
    const session = world.session();
    const abort = new AbortController();
    const left = session.getSecret(abort.signal);
    const stays = session.getSecret();
    await settle();
    abort.abort(new Error('left the view'));
    await assert.rejects(left, /left the view/);
    await world.clock.advance(2);
    assert.ok((await stays).secret);
    const { signal } = new AbortController();
    for (let i = 0; i < 3; i++) await session.getSecret(signal);
    await settle();
    equal(getEventListeners(signal, 'abort').length, 0);
    await assert.rejects(session.getSecret(abort.signal), /left the view/);
    await assert.rejects(world.session().getSecret(abort.signal), /left the view/);
    equal(world.requests.length, 1);
  });

  test('a caller whose abort was the only wait leaves the secret for the next', async () => {
    const world = new World();
    world.latency = 1;
    const session = world.session();
    const abort = new AbortController();
    const left = session.getSecret(abort.signal);
    await settle();
    abort.abort();
    await assert.rejects(left, { name: 'AbortError' });
    await world.clock.advance(2);
    assert.ok(session.peek());
    await session.getSecret();
    equal(world.requests.length, 1);
  });

  for (const [name, body] of Object.entries({
    'not an object': null,
    'a word': 'ok',
    empty: {},
    'without a life': { secret: 'x', endpoint: 'https://f', user: { id: '1' }, session: { id: '2' } },
    'no longer alive': { secret: 'x', expires_in: 0, endpoint: 'https://f', user: { id: '1' }, session: { id: '2' } },
    'without a secret': { expires_in: 60, endpoint: 'https://f', user: { id: '1' }, session: { id: '2' } },
    'without an endpoint': { secret: 'x', expires_in: 60, user: { id: '1' }, session: { id: '2' } },
    'without a user': { secret: 'x', expires_in: 60, endpoint: 'https://f', session: { id: '2' } },
  })) {
    test(`an answer ${name} is refused, once`, async () => {
      const world = new World();
      world.fault = () => Response.json(body);
      expectError(await failure(world, world.session().getSecret()), 'bad_response', { retryAfter: undefined });
      equal(world.requests.length, 1);
    });
  }

  test('the request gives up after timeoutSeconds', async () => {
    const world = new World();
    const hangs = (_, { signal }) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
    const session = world.session({ fetch: hangs, timeoutSeconds: 0.02, maxWaitSeconds: 0 });
    const busy = setInterval(() => {}, 5); // a timeout of AbortSignal keeps no process alive
    const error = await session.getSecret().catch((e) => e);
    clearInterval(busy);
    expectError(error, 'network');
    equal(error.cause.name, 'TimeoutError');
  });
});

describe('renewal', () => {
  for (const [name, options, life, at] of [
    ['refreshAheadSeconds before the end', {}, 3600, 3540],
    ['up to a quarter later by jitter', { random: () => 0.999999 }, 3600, 3555],
    ['as configured', { refreshAheadSeconds: 600 }, 3600, 3000],
    ['not before half of the life', {}, 60, 30],
    ['not before half of a very short life', {}, 10, 5],
  ]) {
    test(name, async () => {
      const world = new World({ maxTTL: life });
      const session = world.session(options);
      const first = await session.getSecret();
      await world.clock.advance(at - 0.1);
      equal(world.requests.length, 1);
      await world.clock.advance(0.2);
      equal(world.requests.length, 2);
      assert.notEqual(session.peek().secret, first.secret);
    });
  }

  test('goes on while nobody asks, one exchange a life', async () => {
    const world = new World();
    const session = world.session();
    await session.getSecret();
    for (let i = 0; i < 100; i++) {
      await world.clock.advance(3540 / 10);
      assert.ok(world.alive(session.peek().secret));
    }
    equal(world.requests.length, 11);
  });

  test('no timer while hidden; becoming visible makes good', async () => {
    const world = new World();
    const page = new Page();
    const session = world.session({ document: page });
    await session.getSecret();
    equal(world.clock.timers.size, 1);
    page.show(false);
    equal(world.clock.timers.size, 0);
    await world.clock.advance(1000);
    page.show();
    equal(world.clock.timers.size, 1);
    page.show(false);
    await world.clock.advance(2600); // past the end
    equal(session.peek(), undefined);
    equal(world.requests.length, 1);
    page.show();
    await world.clock.advance(1);
    equal(world.requests.length, 2);
    assert.ok(world.alive(session.peek().secret));
    equal(page.listening, 1);
    session.close();
    equal(page.listening, 0);
    equal(world.clock.timers.size, 0);
  });

  test('a life longer than a timer can run', async () => {
    const day = 86400;
    const world = new World({ maxTTL: 30 * day, jwtTTL: 40 * day });
    const session = world.session();
    await session.getSecret();
    await world.clock.advance(30 * day - 61);
    equal(world.requests.length, 1);
    await world.clock.advance(2);
    equal(world.requests.length, 2);
  });

  test('a hidden page that asks when renewal is due gets the old secret at once', async () => {
    const world = new World();
    const page = new Page();
    page.hidden = true;
    const session = world.session({ document: page });
    const first = await session.getSecret();
    await world.clock.advance(3550);
    equal(await session.getSecret(), first);
    await settle();
    equal(world.requests.length, 2);
    assert.notEqual(await session.getSecret(), first);
  });

  test('within skewSeconds of its end a secret is not handed out, but replaced', async () => {
    const world = new World();
    const page = new Page();
    page.hidden = true;
    const session = world.session({ document: page });
    const first = await session.getSecret();
    await world.clock.advance(3571);
    assert.notEqual(await session.getSecret(), first);
  });

  for (const skew of [-300, 0, 300]) {
    test(`a clock that is wrong by ${skew} s does no harm`, async () => {
      const world = new World({ skew, maxTTL: 120 });
      const session = world.session();
      for (let i = 0; i < 600; i++) {
        assert.ok(world.alive((await session.getSecret()).secret));
        await world.clock.advance(1);
      }
      equal(world.requests.length, 11); // every 60 s
    });
  }

  test('the life is counted from when the request began', async () => {
    const world = new World();
    world.latency = 8;
    const session = world.session();
    const begun = world.clock.now();
    const got = session.getSecret();
    await world.clock.advance(9);
    equal((await got).expiresAt, begun + 3600e3);
  });

  test('an answer that was slept over is asked for again', async () => {
    const world = new World({ maxTTL: 60 });
    world.fault = () => {
      if (world.requests.length === 1) {
        const late = world.fetch; // the answer is made now, and read after a night
        const answer = late('https://login.test/fauna-login', { method: 'POST', headers: { Authorization: world.requests[0].authorization } });
        return answer.then((response) => (world.clock.sleep(28800), response));
      }
    };
    const session = world.session();
    const got = session.getSecret();
    await world.clock.advance(2);
    assert.ok(world.alive((await got).secret));
  });

  test('a token that ended the last secret is not used again', async () => {
    const world = new World({ jwtTTL: 5000, maxTTL: 3600 });
    let cached = world.mint();
    const session = world.session({
      // Unlike auth0-spa-js: from the cache to the very end.
      getAccessToken: async ({ fresh }) => (world.tokens.push(fresh), (cached = fresh ? world.mint() : cached)),
    });
    await session.getSecret();
    await world.clock.advance(3550); // renewed at 3540, to 5000
    await world.clock.advance(1400); // renewed at 4940: the same token gives no more than 5000
    await world.clock.advance(100); // so the next takes a fresh one
    assert.deepEqual(world.tokens, [false, false, false, true]);
    assert.ok(world.alive(session.peek().secret));
    equal(world.requests.filter((r) => r.status !== 200).length, 0);
  });
});

describe('Auth0', () => {
  test('401: one more try with a fresh token', async () => {
    const world = new World();
    const session = world.session();
    world.cached = world.mint({ exp: 2e9, jti: 'revoked' });
    world.sessions.set('srevoked', { live: false });
    assert.ok((await session.getSecret()).secret);
    assert.deepEqual(world.tokens, [false, true]);
    equal(world.requests.length, 2);
  });

  test('401 for the fresh token too: LoginRequired', async () => {
    const world = new World();
    world.fault = () => refuse(401, 'invalid_token');
    const error = await failure(world, world.session().getSecret());
    expectError(error, 'login_required', { status: 401, requestId: 'a1b2c3', retryAfter: undefined, message: 'login_required' });
    assert.ok(error instanceof LoginRequired);
    assert.deepEqual(world.tokens, [false, true]);
    equal(world.requests.length, 2);
  });

  for (const before of ['', 'x', 'xx']) test(`401 for a token bound to a DPoP key, ${before.length} bytes further on: the error says so`, async () => {
    const world = new World({ claims: { 'https://example.com/name': `Ådå???>>>${before}`, cnf: { jkt: 'x' } } });
    world.fault = () => refuse(401, 'invalid_token');
    const error = await failure(world, world.session().getSecret());
    expectError(error, 'dpop', { status: 401, requestId: 'a1b2c3' });
    assert.match(error.message, /useDpop/);
    assert.ok(!(error instanceof LoginRequired)); // a new login would not help
  });

  for (const [name, token] of Object.entries({
    'five parts': 'eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIn0..abc.def.ghi',
    'one part': 'vxLTZkFNMVXfKFYzTzFPcA',
  })) {
    test(`an opaque token of ${name} is not sent, and the error names the audience`, async () => {
      const world = new World();
      const error = await failure(world, world.session({ getAccessToken: async () => token }).getSecret());
      expectError(error, 'no_audience', { retryAfter: undefined });
      assert.match(error.message, /opaque.*`audience`/);
      assert.ok(!inspect(error).includes(token));
      equal(world.requests.length, 0);
    });
  }

  for (const code of ['login_required', 'consent_required', 'interaction_required', 'mfa_required', 'missing_refresh_token', 'invalid_grant', 'access_denied']) {
    test(`${code} of auth0-spa-js is LoginRequired`, async () => {
      const cause = Object.assign(new Error('x'), { error: code });
      const world = new World();
      const error = await failure(world, world.session({ getAccessToken: () => Promise.reject(cause) }).getSecret());
      expectError(error, 'login_required', { cause });
      equal(world.requests.length, 0);
    });
  }

  test('no token at all is LoginRequired', async () => {
    const world = new World();
    const error = await failure(world, world.session({ getAccessToken: async () => undefined }).getSecret());
    expectError(error, 'login_required');
    assert.ok(error instanceof LoginRequired);
  });

  test('another failure of Auth0 is an outage', async () => {
    const world = new World();
    let asked = 0;
    const getAccessToken = async () => {
      if (++asked < 3) throw Object.assign(new Error('Timeout'), { error: 'timeout' });
      return world.mint();
    };
    const got = world.session({ getAccessToken }).getSecret();
    await world.clock.advance(5);
    assert.ok((await got).secret);
    equal(asked, 3);
    const error = await failure(world, world.session({ getAccessToken: () => { throw new TypeError('auth0 is undefined'); } }).getSecret());
    expectError(error, 'token_unavailable');
    equal(error.cause.message, 'auth0 is undefined');
  });
});

describe('refusals', () => {
  for (const [status, code] of [[403, 'access_denied'], [403, 'insufficient_scope'], [400, 'invalid_request'], [404, 'invalid_request'], [405, 'invalid_request']]) {
    test(`${status} ${code}: no retry`, async () => {
      const world = new World();
      world.fault = () => refuse(status, code);
      expectError(await failure(world, world.session().getSecret()), code, { status, requestId: 'a1b2c3', retryAfter: undefined });
      equal(world.requests.length, 1);
    });
  }

  test('an error that is not ours keeps its status', async () => {
    const world = new World();
    world.fault = () => new Response('<h1>No</h1>', { status: 413 });
    expectError(await failure(world, world.session().getSecret()), 'http_413', { status: 413, requestId: undefined });
    world.fault = () => Response.json(null, { status: 418 });
    expectError(await failure(world, world.session().getSecret()), 'http_418');
  });

  test('ahead of the end a refusal leaves the secret, and is not asked for again before', async () => {
    const world = new World();
    const session = world.session();
    const first = await session.getSecret();
    world.fault = () => refuse(403, 'access_denied');
    for (let i = 0; i < 356; i++) {
      await world.clock.advance(10);
      equal(await session.getSecret(), first);
    }
    equal(world.requests.length, 2);
    await world.clock.advance(10);
    expectError(await failure(world, session.getSecret()), 'access_denied');
    equal(world.requests.length, 3);
  });
});

describe('outages', () => {
  const soon = (world, seconds) => new Date(world.clock.time + seconds * 1e3).toUTCString();
  for (const [name, headers, wait, options] of [
    ['429 with seconds', () => ({ status: 429, 'Retry-After': '7' }), 7],
    ['503 with seconds', () => ({ status: 503, 'Retry-After': '20' }), 20],
    ['503 with a date', (world) => ({ status: 503, 'Retry-After': soon(world, 15) }), 15],
    ['503 with a date, our clock 5 min behind', (world) => ({ status: 503, 'Retry-After': soon(world, 15), Date: soon(world, 0) }), 15, { skew: -300 }],
    ['503 with a date, our clock 5 min ahead', (world) => ({ status: 503, 'Retry-After': soon(world, 15), Date: soon(world, 0) }), 15, { skew: 300 }],
    ['503 with a date that is over', (world) => ({ status: 503, 'Retry-After': soon(world, -60) }), 0.5],
    ['503 with nonsense', () => ({ status: 503, 'Retry-After': 'soon' }), 0.5],
    ['503 with a negative number', () => ({ status: 503, 'Retry-After': '-5' }), 0.5],
    ['500', () => ({ status: 500 }), 0.5],
    ['502', () => ({ status: 502 }), 0.5],
  ]) {
    test(`${name}: the next try after ${wait} s`, async () => {
      const world = new World(options);
      world.fault = () => {
        if (world.requests.length > 1) return undefined;
        const { status, ...rest } = headers(world);
        return refuse(status, 'later', rest);
      };
      const got = world.session().getSecret();
      await world.clock.advance(30);
      assert.ok((await got).secret);
      equal(world.requests.length, 2);
      const waited = (world.requests[1].time - world.requests[0].time) / 1e3;
      assert.ok(waited >= wait && waited <= wait + 1, `${waited} s`);
    });
  }

  test('jitter only makes Retry-After longer', async () => {
    const world = new World();
    world.fault = () => (world.requests.length > 1 ? undefined : refuse(503, 'later', { 'Retry-After': '20' }));
    const got = world.session({ random: () => 0.5 }).getSecret();
    await world.clock.advance(30);
    await got;
    equal(world.requests[1].time - world.requests[0].time, 21e3);
  });

  test('a Retry-After that is too long to wait for fails at once, for everybody, without asking', async () => {
    const world = new World();
    world.fault = () => refuse(429, 'too_many_requests', { 'Retry-After': '120' });
    const session = world.session();
    expectError(await failure(world, session.getSecret(), 1), 'too_many_requests', { status: 429, requestId: 'a1b2c3', retryAfter: 120 });
    world.fault = undefined;
    await world.clock.advance(60);
    const error = await failure(world, session.getSecret(), 1);
    assert.ok(error.retryAfter > 58 && error.retryAfter <= 60);
    equal(world.requests.length, 1);
    await world.clock.advance(40);
    const got = session.getSecret();
    await world.clock.advance(30);
    assert.ok((await got).secret);
    equal(world.requests.length, 2);
  });

  test('an absurd Retry-After counts as an hour', async () => {
    const world = new World();
    world.fault = () => refuse(503, 'later', { 'Retry-After': '99999999' });
    equal((await failure(world, world.session().getSecret(), 1)).retryAfter, 3600);
  });

  test('without Retry-After the waits double, and end', async () => {
    const world = new World();
    world.fault = () => { throw new TypeError('Failed to fetch'); };
    const session = world.session();
    const error = await failure(world, session.getSecret());
    expectError(error, 'network', { status: undefined });
    equal(error.cause.message, 'Failed to fetch');
    assert.ok(error.retryAfter > 0);
    const times = world.requests.map((r) => Math.round((r.time - world.requests[0].time) / 100) / 10);
    assert.deepEqual(times, [0, 0.5, 1.5, 3.5, 7.5, 15.5]);
    const before = world.requests.length;
    await world.clock.advance(600);
    equal(world.requests.length, before); // nobody asks: nothing is sent
    expectError(await failure(world, session.getSecret()), 'network');
    assert.ok(world.requests.length - before <= 3);
    world.fault = undefined;
    const got = session.getSecret();
    await world.clock.advance(15.1);
    assert.ok((await got).secret);
  });

  test('many callers in an outage share each try', async () => {
    const world = new World();
    world.fault = () => refuse(503, 'later');
    const session = world.session();
    const all = Array.from({ length: 20 }, () => session.getSecret().catch((e) => e));
    await world.clock.advance(31);
    for (const error of await Promise.all(all)) expectError(error, 'later');
    equal(world.requests.length, 6);
  });

  test('the secret in hand serves to its very end', async () => {
    const world = new World();
    const session = world.session();
    const first = await session.getSecret();
    world.fault = () => refuse(503, 'later');
    for (let i = 0; i < 3599; i++) {
      await world.clock.advance(1);
      equal(await Promise.race([session.getSecret(), settle().then(settle)]), first, `after ${i} s`);
    }
    const tries = world.requests.length;
    assert.ok(tries >= 4 && tries <= 10, `${tries} tries`); // in the last minute
    await world.clock.advance(600);
    equal(session.peek(), undefined);
    assert.ok(world.requests.length <= tries + 1); // none asks any more
    world.fault = undefined;
    const got = session.getSecret();
    await world.clock.advance(30);
    assert.ok(world.alive((await got).secret));
  });

  test('renewal tries again by itself while the secret lives', async () => {
    const world = new World();
    const session = world.session();
    await session.getSecret();
    world.fault = () => (world.requests.length < 5 ? refuse(503, 'later') : undefined);
    await world.clock.advance(3550);
    assert.deepEqual(world.requests.map((r) => r.status), [200, 503, 503, 503, 200]);
  });

  test('the next outage begins with short waits again', async () => {
    const world = new World();
    const session = world.session();
    for (let i = 0; i < 3; i++) {
      const from = world.requests.length;
      world.fault = () => (world.requests.length === from + 1 ? refuse(500, 'server_error') : undefined);
      const got = session.getSecret();
      await world.clock.advance(0.6);
      assert.ok((await got).secret);
      session.invalidate();
    }
  });
});

describe('invalidate', () => {
  test('forgets the secret it is given, and no other', async () => {
    const world = new World();
    const session = world.session();
    const first = await session.getSecret();
    session.invalidate('fnE-another');
    equal(session.peek(), first);
    session.invalidate(first.secret);
    equal(session.peek(), undefined);
    equal(world.clock.timers.size, 0);
    const second = await session.getSecret();
    session.invalidate(first.secret); // late
    equal(session.peek(), second);
    session.invalidate();
    equal(session.peek(), undefined);
    await session.getSecret();
    equal(world.requests.length, 3);
    assert.deepEqual(world.tokens, [false, false, false]); // a quick renewal is no sign of a spent token
  });
});

describe('logout', () => {
  test('ends the session there, then everything here', async () => {
    const world = new World();
    const session = world.session();
    const { secret } = await session.getSecret();
    const done = session.logout();
    equal(session.peek(), undefined);
    equal(world.clock.timers.size, 0);
    await done;
    assert.deepEqual(world.requests.slice(1).map((r) => [r.method, r.path, r.authorization, r.status]), [['DELETE', '/', `Bearer ${secret}`, 204]]);
    assert.ok(!world.alive(secret));
    const error = await failure(world, session.getSecret());
    expectError(error, 'logged_out');
    assert.ok(error instanceof LoginRequired);
    await world.clock.advance(7200);
    equal(world.requests.length, 2);
    assert.ok(world.alive((await session.login()).secret));
  });

  test('a secret that comes in too late is not kept, and ended', async () => {
    const world = new World();
    world.latency = 2;
    const session = world.session();
    const late = session.getSecret().catch((e) => e);
    await world.clock.advance(1);
    const done = session.logout();
    await world.clock.advance(10);
    await done;
    expectError(await late, 'logged_out');
    equal(session.peek(), undefined);
    equal(world.secrets.size, 1);
    for (const secret of world.secrets.keys()) assert.ok(!world.alive(secret));
    equal(world.clock.timers.size, 0);
  });

  test('before the token has come: nothing is sent with it', async () => {
    const world = new World();
    let give;
    const session = world.session({ getAccessToken: () => new Promise((resolve) => (give = resolve)) });
    const late = session.getSecret().catch((e) => e);
    await settle();
    const first = give;
    const done = session.logout();
    await settle();
    first(world.mint());
    give(undefined); // logout asked as well: there is no secret to show
    await done;
    expectError(await late, 'logged_out');
    equal(world.requests.length, 0);
  });

  test('during an outage: who waits is told', async () => {
    const world = new World();
    world.fault = ({ method }) => (method === 'POST' ? refuse(503, 'later', { 'Retry-After': '10' }) : undefined);
    const session = world.session();
    const late = session.getSecret().catch((e) => e);
    await world.clock.advance(1);
    await session.logout();
    world.fault = undefined;
    await world.clock.advance(20);
    expectError(await late, 'logged_out');
    equal(world.count('POST'), 1);
  });

  test('during a renewal: both sessions end', async () => {
    const world = new World();
    const session = world.session();
    const { secret } = await session.getSecret();
    world.cached = undefined; // the renewal will have another token, so another session
    world.latency = 2;
    await world.clock.advance(3541);
    const done = session.logout();
    await world.clock.advance(10);
    await done;
    equal(world.sessions.size, 2);
    for (const each of [secret, ...world.secrets.keys()]) assert.ok(!world.alive(each));
    equal(session.peek(), undefined);
  });

  test('in the very moment of the login', async () => {
    const world = new World();
    const session = world.session();
    let done;
    session.onChange(({ type }) => type === 'login' && (done = session.logout()));
    expectError(await failure(world, session.getSecret()), 'logged_out');
    await done;
    for (const secret of world.secrets.keys()) assert.ok(!world.alive(secret));
  });

  test('what was under way before does not count after the next login', async () => {
    for (const status of [200, 403, 503]) {
      const world = new World();
      world.latency = 2;
      world.fault = () => (world.requests.length === 1 && status !== 200 ? refuse(status, 'x', { 'Retry-After': '25' }) : undefined);
      const session = world.session();
      const old = session.getSecret().catch((e) => e);
      await world.clock.advance(1);
      world.cached = world.mint({ sub: 'auth0|grace' });
      const all = Promise.all([session.login(), session.getSecret(), session.getSecret()]);
      await world.clock.advance(2);
      const late = session.getSecret();
      await world.clock.advance(3);
      expectError(await old, 'logged_out');
      equal(new Set([...(await all), await late]).size, 1);
      equal((await late).user.id, 'auth0|grace');
      assert.deepEqual(world.requests.map((r) => (r.time - world.requests[0].time) / 1e3), [0, 2]); // one after the other
      equal(world.clock.timers.size, 1);
    }
  });

  test('without a secret it shows the Auth0 token', async () => {
    const world = new World();
    const first = await world.session().getSecret(); // before the page was reloaded
    const session = world.session();
    await session.logout();
    assert.ok(!world.alive(first.secret));
    equal(world.requests.at(-1).authorization, `Bearer ${world.cached}`);
  });

  test('with a secret that is over it shows the Auth0 token', async () => {
    const world = new World({ maxTTL: 60 });
    const page = new Page();
    page.hidden = true;
    const session = world.session({ document: page });
    await session.getSecret();
    await world.clock.advance(61);
    await session.logout();
    equal(world.requests.at(-1).authorization, `Bearer ${world.cached}`);
    equal(world.sessions.get('s1').live, false);
  });

  test('with no login at all there is nothing to end', async () => {
    const world = new World();
    await world.session({ getAccessToken: async () => undefined }).logout();
    equal(world.requests.length, 0);
    world.fault = () => refuse(401, 'invalid_token');
    await world.session().logout();
  });

  test('that did not get through says so, and has forgotten all the same', async () => {
    const world = new World();
    const session = world.session();
    await session.getSecret();
    world.fault = () => refuse(503, 'temporarily_unavailable', { 'Retry-After': '2' });
    expectError(await failure(world, session.logout()), 'temporarily_unavailable', { status: 503 });
    equal(session.peek(), undefined);
    expectError(await failure(world, session.getSecret()), 'logged_out');
  });

  test('login waits for it', async () => {
    const world = new World();
    const session = world.session();
    await session.getSecret();
    world.latency = 2;
    const out = session.logout();
    const back = session.login();
    await world.clock.advance(20);
    await out;
    assert.ok(world.alive((await back).secret));
    const start = world.requests[0].time;
    assert.deepEqual(world.requests.map((r) => [r.method, (r.time - start) / 1e3]), [['POST', 0], ['DELETE', 0], ['POST', 2], ['POST', 4]]); // the old token is refused
  });
});

describe('onChange and close', () => {
  test('login, renewal, another user, logout', async () => {
    const world = new World();
    const events = [];
    const session = world.session();
    const off = session.onChange((event) => events.push(event));
    const first = await session.getSecret();
    assert.deepEqual(events, [{ type: 'login', current: first }]);
    session.invalidate();
    await session.getSecret();
    world.cached = world.mint({ sub: 'auth0|grace' });
    session.invalidate();
    await session.getSecret();
    await session.logout();
    assert.deepEqual(events.map((e) => [e.type, e.current?.user.id]), [
      ['login', 'auth0|ada'], ['renewal', 'auth0|ada'], ['login', 'auth0|grace'], ['logout', undefined],
    ]);
    off();
    await session.login();
    equal(events.length, 4);
  });

  test('close ends timers, forgets, and leaves the session alone', async () => {
    const world = new World();
    const session = world.session();
    const { secret } = await session.getSecret();
    session.close();
    equal(world.clock.timers.size, 0);
    equal(session.peek(), undefined);
    const error = await failure(world, session.getSecret());
    expectError(error, 'closed');
    assert.ok(!(error instanceof LoginRequired));
    assert.ok(world.alive(secret));
    equal(world.requests.length, 1);
  });

  test('close while a secret is on its way', async () => {
    const world = new World();
    world.latency = 1;
    const session = world.session();
    const late = session.getSecret().catch((e) => e);
    await settle();
    session.close();
    await world.clock.advance(2);
    expectError(await late, 'closed');
    equal(session.peek(), undefined);
    equal(world.clock.timers.size, 0);
  });
});

describe('mode refresh', () => {
  test('a page that is loaded again needs no Auth0 token', async () => {
    const world = new World({ mode: 'refresh', maxTTL: 300 });
    const first = world.session();
    await first.getSecret();
    assert.deepEqual(world.requests.map((r) => [r.path, r.header, r.credentials, r.status]), [['/refresh', '1', 'include', 401], ['/', '1', 'include', 200]]);
    first.close();
    const again = world.session();
    const got = await again.getSecret();
    assert.ok(world.alive(got.secret));
    assert.deepEqual(world.tokens, [false]);
    assert.deepEqual({ ...world.requests.at(-1), time: 0 }, { method: 'POST', path: '/refresh', authorization: undefined, header: '1', credentials: 'include', redirect: 'error', status: 200, time: 0 });
  });

  test('renews by the cookie, and by Auth0 when the session is at its end', async () => {
    const world = new World({ mode: 'refresh', maxTTL: 300, jwtTTL: 3600 });
    const session = world.session({ resume: false });
    await session.getSecret();
    for (let i = 0; i < 7200; i += 5) {
      await world.clock.advance(5);
      assert.ok(world.alive((await session.getSecret()).secret));
    }
    equal(world.tokens.length, 3); // 2 h of 1 h each, the last one just begun
    equal(world.count('POST', '/'), 3);
    assert.ok(world.count('POST', '/refresh') <= 32, `${world.count('POST', '/refresh')}`); // 300 − 60 s each
    equal(world.requests.filter((r) => r.status !== 200).length, 0);
  });

  test('a session that ended elsewhere: the Auth0 token decides', async () => {
    const world = new World({ mode: 'refresh' });
    const session = world.session({ resume: false });
    await session.getSecret();
    world.cookie = undefined;
    session.invalidate();
    assert.ok((await session.getSecret()).secret);
    assert.deepEqual(world.requests.map((r) => `${r.path} ${r.status}`), ['/ 200', '/refresh 401', '/ 200']);
  });

  test('an outage of /refresh is no reason to log in', async () => {
    const world = new World({ mode: 'refresh' });
    const session = world.session({ resume: false });
    await session.getSecret();
    session.invalidate();
    const from = world.requests.length;
    world.fault = () => (world.requests.length === from + 1 ? refuse(503, 'later') : undefined);
    const got = session.getSecret();
    await world.clock.advance(1);
    assert.ok((await got).secret);
    assert.deepEqual(world.requests.slice(from).map((r) => `${r.path} ${r.status}`), ['/refresh 503', '/refresh 200']);
  });

  test('without a cookie /refresh is asked once', async () => {
    const world = new World({ mode: 'refresh' });
    const session = world.session({ getAccessToken: async () => undefined });
    for (let i = 0; i < 3; i++) expectError(await failure(world, session.getSecret()), 'login_required');
    equal(world.requests.length, 1);
  });

  test('login() takes the user of the token, not of the cookie', async () => {
    const world = new World({ mode: 'refresh' });
    await world.session().getSecret();
    world.cached = world.mint({ sub: 'auth0|grace' });
    const from = world.requests.length;
    equal((await world.session().login()).user.id, 'auth0|grace');
    assert.deepEqual(world.requests.slice(from).map((r) => r.path), ['/']);
  });

  test('says whose cookie counts as soon as it knows: in refresh, exchange and logout', async () => {
    const world = new World({ mode: 'refresh' });
    await world.session().getSecret();
    const session = world.session();
    const from = world.requests.length;
    await session.getSecret();
    session.invalidate();
    await session.getSecret();
    world.cookie = undefined;
    session.invalidate();
    const { secret } = await session.getSecret();
    await session.logout();
    assert.deepEqual(world.requests.slice(from).map((r) => [r.method, r.path, r.header, r.status]), [
      ['POST', '/refresh', '1', 200],
      ['POST', '/refresh', 'auth0|ada', 200],
      ['POST', '/refresh', 'auth0|ada', 401],
      ['POST', '/', 'auth0|ada', 200],
      ['DELETE', '/', 'auth0|ada', 204],
    ]);
    equal(world.requests.at(-1).authorization, `Bearer ${secret}`);
    world.cached = world.mint({ sub: 'auth0|grace' });
    await session.login(); // of anybody
    equal(world.requests.at(-1).header, '1');
    await session.logout();
    equal(world.requests.at(-1).header, 'auth0|grace');
  });

  for (const mode of ['refresh', 'cookie']) test(`a late answer cannot bring the cookie back (${mode})`, async () => {
    const world = new World({ mode });
    world.latency = 2;
    const session = world.session({ resume: false });
    const late = session.getSecret().catch((e) => e);
    await world.clock.advance(1);
    world.latency = 0; // what follows would overtake it
    const done = session.logout();
    await world.clock.advance(20);
    await done;
    await late;
    equal(world.cookie, undefined);
    // First the answer's own, then the page's, which never got to know its user.
    assert.deepEqual(world.requests.filter((r) => r.method === 'DELETE').map((r) => r.header), ['auth0|ada', '1']);
    for (const each of world.sessions.values()) equal(each.live, false);
  });

  for (const mode of ['refresh', 'cookie']) test(`a late answer cannot take the place of a newer login’s cookie (${mode})`, async () => {
    const world = new World({ mode });
    const session = world.session({ resume: false });
    world.latency = 5;
    session.getSecret().catch(() => {});
    await world.clock.advance(1);
    world.latency = 0; // what follows would overtake it
    session.logout();
    world.claims = { sub: 'auth0|grace' };
    world.cached = undefined;
    const got = session.login();
    await world.clock.advance(20);
    equal((await got).user.id, 'auth0|grace');
    equal(world.cookie.user, 'auth0|grace');
  });
});

describe('mode cookie', () => {
  test('the answer has no secret; renewal takes the Auth0 token', async () => {
    const world = new World({ mode: 'cookie' });
    const session = world.session();
    const got = await session.getSecret();
    equal(got.secret, undefined);
    equal(got.user.id, 'auth0|ada');
    await world.clock.advance(3545);
    assert.deepEqual(world.requests.map((r) => [r.method, r.path, r.header, r.credentials]), [['POST', '/', '1', 'include'], ['POST', '/', 'auth0|ada', 'include']]);
    session.invalidate();
    equal(session.peek(), undefined);
    await session.getSecret();
    await session.logout();
    equal(world.cookie, undefined);
    equal(world.requests.at(-1).authorization, `Bearer ${world.cached}`);
  });

  test('logout in an outage of Auth0: the cookie it has worked with is enough', async () => {
    const world = new World({ mode: 'cookie' });
    let down;
    const session = world.session({ getAccessToken: (o) => (down ? Promise.reject(new TypeError('Failed to fetch')) : world.getAccessToken(o)) });
    await session.getSecret();
    down = true;
    await session.logout();
    assert.deepEqual(world.requests.slice(1).map((r) => [r.method, r.authorization, r.header, r.status]), [['DELETE', undefined, 'auth0|ada', 204]]);
    equal(world.sessions.get('s1').live, false);
    equal(world.cookie, undefined);
  });

  test('a server in another mode is found out', async () => {
    for (const [mode, server] of [['cookie', 'refresh'], ['bearer', 'cookie']]) {
      const world = new World({ mode: server });
      world.fault = () => Response.json({ expires_in: 60, secret: server === 'cookie' ? undefined : 'x', endpoint: 'https://f', user: { id: '1' }, session: { id: '2' } });
      expectError(await failure(world, world.session({ mode }).getSecret()), 'bad_response');
    }
  });
});

for (const mode of ['refresh', 'cookie']) {
  describe(`logout without a living secret shows the Auth0 token besides the cookie (${mode})`, () => {
    const cases = {
      'it has run out': (session, world) => world.clock.sleep(3601),
      'Fauna refused it': (session) => session.invalidate(),
    };
    for (const [name, happens] of Object.entries(cases)) test(name, async () => {
      const world = new World({ mode, jwtTTL: 7200 });
      const session = world.session({ resume: false });
      await session.getSecret();
      happens(session, world);
      await session.logout();
      const { method, authorization, header, credentials } = world.requests.at(-1);
      assert.deepEqual([method, authorization, header, credentials], ['DELETE', `Bearer ${world.cached}`, 'auth0|ada', 'include']);
      assert.deepEqual(world.tokens, [false, false]);
      equal(world.sessions.get('s1').live, false);
      equal(world.cookie, undefined);
    });

    test('the page was loaded again', async () => {
      const world = new World({ mode });
      await world.session().getSecret();
      await world.session().logout();
      equal(world.requests.at(-1).authorization, `Bearer ${world.cached}`);
      equal(world.requests.at(-1).header, '1');
      equal(world.cookie, undefined);
    });

    test('nobody is logged in with Auth0 any more: the cookie alone', async () => {
      const world = new World({ mode });
      await world.session().getSecret();
      const cause = Object.assign(new Error('x'), { error: 'login_required' });
      await world.session({ getAccessToken: () => Promise.reject(cause) }).logout();
      equal(world.requests.at(-1).method, 'DELETE');
      equal(world.requests.at(-1).authorization, undefined);
      equal(world.sessions.get('s1').live, false);
      equal(world.cookie, undefined);
    });

    test('Auth0 is out of reach: the cookie’s session ends, and it says that another may live', async () => {
      const world = new World({ mode });
      await world.session().getSecret();
      const session = world.session({ getAccessToken: () => Promise.reject(new TypeError('Failed to fetch')) });
      expectError(await failure(world, session.logout()), 'token_unavailable');
      const own = world.requests.findLast((r) => r.header);
      assert.deepEqual([own.method, own.authorization, own.header], ['DELETE', undefined, '1']);
      equal(world.sessions.get('s1').live, false);
      equal(world.cookie, undefined);
      expectError(await failure(world, session.getSecret()), 'logged_out');
    });

    test('Auth0 and the service are out of reach: the service’s error comes first', async () => {
      const world = new World({ mode });
      const session = world.session({ getAccessToken: () => Promise.reject(new TypeError('Failed to fetch')) });
      world.fault = () => refuse(503, 'temporarily_unavailable');
      expectError(await failure(world, session.logout()), 'temporarily_unavailable');
    });
  });
}

test('mode bearer: logout without a secret, and Auth0 out of reach, says so', async () => {
  const world = new World();
  const session = world.session({ getAccessToken: () => Promise.reject(new TypeError('Failed to fetch')) });
  expectError(await failure(world, session.logout()), 'token_unavailable');
  equal(world.requests.length, 0);
});

test('on its own clock, a machine that sets its time back keeps no secret too long', async (t) => {
  t.mock.timers.enable({ apis: ['Date'], now: performance.timeOrigin });
  let elapsed = 0;
  t.mock.method(performance, 'now', () => elapsed);
  const world = new World();
  const session = createFaunaSession({ loginUrl: 'https://login.test/fauna-login', getAccessToken: world.getAccessToken, fetch: world.fetch });
  t.after(session.close);
  await session.getSecret();
  t.mock.timers.setTime(performance.timeOrigin - 300e3);
  elapsed = 3599e3;
  assert.ok(session.peek());
  elapsed = 3601e3;
  equal(session.peek(), undefined);
  elapsed = 0; // it stood still while the machine slept
  assert.ok(session.peek());
  t.mock.timers.setTime(performance.timeOrigin + 3601e3);
  equal(session.peek(), undefined);
});
