// The official driver on top of a session: npm's `fauna`, with the network made here.

import test, { describe } from 'node:test';
import assert from 'node:assert/strict';
import { LoginRequired } from '../fauna-login.js';
import { fauna, skip } from './driver.mjs';
import { failure, refuse, settle, World } from './world.mjs';

const ok = (data) => Response.json({ data, txn_ts: 1, summary: '', stats: {} });
const refused = (status, code) => Response.json({ error: { code, message: code } }, { status });

// A world whose Fauna answers queries by `reply`, and keeps what it was asked.
function connect({ reply = () => ok(1), config, ...options } = {}) {
  const world = new World(options);
  const queries = [];
  const fetch = async (url, init) => {
    if (String(url).startsWith('https://login.test')) return world.fetch(url, init);
    const query = { url: String(url), headers: init.headers, credentials: init.credentials, body: JSON.parse(init.body), signal: init.signal };
    queries.push(query);
    return reply(query, queries.length);
  };
  const session = world.session({ fetch });
  return { world, queries, session, client: session.client(fauna, config) };
}

describe('driver', { skip }, () => {
  test('a query carries the secret of the moment', async () => {
    const { world, queries, session, client } = connect();
    assert.ok(client instanceof fauna.Client);
    const { fql } = fauna;
    assert.equal((await client.query(fql`1`)).data, 1);
    session.invalidate();
    await client.query(fql`2`);
    const [first, second] = queries;
    assert.equal(first.url, 'https://fauna.test/query/1');
    assert.equal(first.headers['x-format'], 'tagged');
    assert.equal(first.headers['Content-Type'], 'application/json');
    assert.equal(first.headers['X-Fauna-Login'], undefined);
    assert.equal(first.credentials, 'omit');
    assert.deepEqual(first.body, { query: { fql: ['1'] } });
    assert.equal(second.headers['x-last-txn-ts'], 1);
    assert.notEqual(first.headers.Authorization, second.headers.Authorization);
    for (const { headers } of queries) assert.ok(world.alive(headers.Authorization.replace('Bearer ', '')));
  });

  test('the driver itself never sees the secret', async () => {
    const lines = [];
    const log = (...args) => lines.push(args.join(' '));
    const { client } = connect({ config: { logger: { trace: log, debug: log, info: log, warn: log, error: log, fatal: log } } });
    await client.query(fauna.fql`1`);
    assert.ok(lines.length > 0);
    assert.doesNotMatch(lines.join('\n') + JSON.stringify(client.clientConfiguration), /fnE|eyJ/);
  });

  test('Fauna’s 401: one new secret, one more try', async () => {
    const { world, queries, client } = connect({ reply: (_, n) => (n === 1 ? refused(401, 'unauthorized') : ok('yes')) });
    assert.equal((await client.query(fauna.fql`1`)).data, 'yes');
    assert.equal(queries.length, 2);
    assert.notEqual(queries[0].headers.Authorization, queries[1].headers.Authorization);
    assert.equal(world.count('POST'), 2);
  });

  test('a second 401 is the answer', async () => {
    const { world, queries, client } = connect({ reply: () => refused(401, 'unauthorized') });
    await assert.rejects(client.query(fauna.fql`1`), { name: 'AuthenticationError', httpStatus: 401 });
    assert.equal(queries.length, 2);
    assert.equal(world.count('POST'), 2);
  });

  test('ten queries that are refused at once take one new secret', async () => {
    const { world, client } = connect({ reply: (_, n) => (n <= 10 ? refused(401, 'unauthorized') : ok(1)) });
    await Promise.all(Array.from({ length: 10 }, () => client.query(fauna.fql`1`)));
    assert.equal(world.count('POST'), 2);
  });

  test('a 401 that comes late does not take the new secret away', async () => {
    let refuseNow;
    const late = new Promise((resolve) => (refuseNow = () => resolve(refused(401, 'unauthorized'))));
    const { world, client } = connect({ mode: 'cookie', reply: (_, n) => (n === 1 ? late : n === 2 ? refused(401, 'unauthorized') : ok(1)) });
    const slow = client.query(fauna.fql`1`);
    await settle();
    await client.query(fauna.fql`2`);
    refuseNow();
    await slow;
    assert.equal(world.count('POST'), 2);
  });

  test('other refusals are the driver’s own', async () => {
    const { queries, client } = connect({ reply: () => refused(403, 'forbidden') });
    await assert.rejects(client.query(fauna.fql`1`), { name: 'AuthorizationError' });
    assert.equal(queries.length, 1);
  });

  test('no network to Fauna is the driver’s NetworkError', async () => {
    const { client } = connect({ reply: () => { throw new TypeError('Failed to fetch'); } });
    await assert.rejects(client.query(fauna.fql`1`), (e) => e instanceof fauna.NetworkError && e.cause.message === 'Failed to fetch');
  });

  test('the driver’s own timeout holds', async () => {
    const reply = ({ signal }) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
    const { client } = connect({ reply, config: { query_timeout_ms: 10, client_timeout_buffer_ms: 10 } });
    const busy = setInterval(() => {}, 5);
    await assert.rejects(client.query(fauna.fql`1`), (e) => e instanceof fauna.NetworkError && e.cause.name === 'TimeoutError');
    clearInterval(busy);
  });

  test('a login that is needed comes out as it is, also of pages', async () => {
    const { world, client } = connect();
    world.getAccessToken = undefined;
    world.fault = () => refuse(401, 'invalid_token');
    assert.ok((await failure(world, client.query(fauna.fql`1`))) instanceof LoginRequired);
    assert.ok((await failure(world, client.paginate(fauna.fql`1`).next())) instanceof LoginRequired);
    assert.ok((await failure(world, client.feed({ token: 't' }).nextPage())) instanceof LoginRequired);
  });

  test('mode cookie: no Authorization, the cookie and the header in its place', async () => {
    const { world, queries, client } = connect({ mode: 'cookie', reply: (_, n) => (n === 1 ? refused(401, 'unauthorized') : ok(1)) });
    await client.query(fauna.fql`1`);
    assert.equal(queries.length, 2);
    for (const { headers, credentials } of queries) {
      assert.ok(!Object.keys(headers).some((name) => /^authorization$/i.test(name)));
      assert.equal(headers['X-Fauna-Login'], 'auth0|ada');
      assert.equal(credentials, 'include');
    }
    assert.equal(world.count('POST'), 2);
  });

  test('a stream, its lines cut anywhere, begins again with a new secret', async () => {
    const text = '{"type":"start","txn_ts":1,"cursor":"a"}\n{"type":"add","txn_ts":2,"cursor":"b","data":{"name":"Ådå €"}}\n{"type":"remove","txn_ts":3,"cursor":"c","data":{}}\n';
    const bytes = new TextEncoder().encode(text);
    const reply = (_, n) => (n === 1 ? refused(401, 'unauthorized') : new Response(new ReadableStream({
      async start(c) {
        for (let i = 0; i < bytes.length; i += 7) c.enqueue(bytes.slice(i, i + 7));
        await settle();
      },
    })));
    const { queries, client } = connect({ reply });
    const stream = client.stream(new fauna.StreamToken('t'));
    const events = [];
    for await (const event of stream) {
      events.push(event);
      if (event.type === 'remove') stream.close();
      if (events.length === 2) break;
    }
    assert.deepEqual(events.map((e) => [e.type, e.data.name]), [['add', 'Ådå €'], ['remove', undefined]]);
    assert.deepEqual(queries.map((q) => q.url), ['https://fauna.test/stream/1', 'https://fauna.test/stream/1']);
    assert.notEqual(queries[0].headers.Authorization, queries[1].headers.Authorization);
    assert.ok(queries[1].signal.aborted);
  });

  test('a refused stream is a ServiceError', async () => {
    const { client } = connect({ reply: () => refused(400, 'invalid_request') });
    await assert.rejects(client.stream(new fauna.StreamToken('t'))[Symbol.asyncIterator]().next(), (e) => e instanceof fauna.ServiceError && e.code === 'invalid_request');
  });

  test('an event feed goes the same way', async () => {
    const { queries, client } = connect({ reply: () => Response.json({ events: [], cursor: 'c', has_next: false, stats: {} }) });
    assert.equal((await client.feed(new fauna.StreamToken('t')).nextPage()).cursor, 'c');
    assert.equal(queries[0].url, 'https://fauna.test/feed/1');
    assert.match(queries[0].headers.Authorization, /^Bearer fnE/);
  });
});
