// What the client lives in, for tests: a clock that only moves when told, a browser tab, an Auth0 tenant and an exchange that
// keeps to the contract of fauna-login.d.ts. All of it is on true time; the tab's own clock may be wrong by `skew`.

import { createFaunaSession } from '../fauna-login.js';

// Lets everything happen that needs no time.
export const settle = async () => {
  for (let i = 0; i < 4; i++) await new Promise(setImmediate);
};

export class Clock {
  time = Date.UTC(2026, 10, 20, 8); // ms, true
  awake = 0; // ms; stands still while the machine sleeps, and timers with it
  skew = 0;
  timers = new Map(); // id → {at, run}, at on awake
  #id = 0;

  now = () => this.time + this.skew;
  setTimeout = (run, ms) => {
    this.timers.set(++this.#id, { at: this.awake + Math.max(ms, 1), run });
    return this.#id;
  };
  clearTimeout = (id) => this.timers.delete(id);

  async advance(seconds) {
    await settle();
    const end = this.awake + seconds * 1e3;
    for (;;) {
      const [id, next] = [...this.timers].sort(([, a], [, b]) => a.at - b.at)[0] ?? [];
      if (!next || next.at > end) break;
      this.timers.delete(id);
      this.#move(next.at - this.awake);
      next.run();
      await settle();
    }
    this.#move(end - this.awake);
  }

  // The lid is closed: time goes on, timers do not.
  sleep(seconds) {
    this.time += seconds * 1e3;
  }

  #move(ms) {
    this.time += ms;
    this.awake += ms;
  }
}

export class Page extends EventTarget {
  hidden = false;
  listening = 0;
  addEventListener(type, listener) {
    this.listening += type === 'visibilitychange';
    super.addEventListener(type, listener);
  }
  removeEventListener(type, listener) {
    this.listening -= type === 'visibilitychange';
    super.removeEventListener(type, listener);
  }
  show(visible = true) {
    this.hidden = !visible;
    this.dispatchEvent(new Event('visibilitychange'));
  }
}

const base64url = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
const json = (status, body, headers) => new Response(body && JSON.stringify(body), { status, headers });

export const refuse = (status, error, headers) => json(status, { error, error_description: 'constant', request_id: 'a1b2c3' }, headers);

// One browser (its cookie), its tabs, Auth0 and the exchange.
export class World {
  clock = new Clock();
  requests = []; // {method, path, authorization, header, credentials, redirect, time, status}
  tokens = []; // what getAccessToken was asked: [fresh, …]
  fault; // (request) → Response, undefined, or throws: what happens in place of an answer
  latency = 0; // seconds
  cookie; // session id
  cached; // the Auth0 token that auth0-spa-js would hold
  sessions = new Map(); // id → {jwt, live}
  secrets = new Map(); // secret → {session, end}
  #count = 0;

  constructor({ mode = 'bearer', maxTTL = 3600, jwtTTL = 86400, minTTL = 10, skew = 0, claims = {} } = {}) {
    Object.assign(this, { mode, maxTTL, jwtTTL, minTTL, claims });
    this.clock.skew = skew * 1e3;
  }

  session(options) {
    const { now, setTimeout, clearTimeout } = this.clock;
    return createFaunaSession({
      loginUrl: 'https://login.test/fauna-login', mode: this.mode, random: () => 0, document: undefined,
      getAccessToken: this.getAccessToken, fetch: this.fetch, now, setTimeout, clearTimeout, ...options,
    });
  }

  mint(claims) {
    const seconds = Math.floor(this.clock.time / 1e3);
    return `${base64url({ alg: 'RS256', kid: 'k' })}.${base64url({ sub: 'auth0|ada', exp: seconds + this.jwtTTL, jti: ++this.#count, ...this.claims, ...claims })}.c2ln`;
  }

  // As auth0-spa-js does: from its cache while more than 60 s are left.
  getAccessToken = async ({ fresh }) => {
    this.tokens.push(fresh);
    if (fresh || !this.cached || read(this.cached).exp - this.clock.time / 1e3 <= 60) this.cached = this.mint();
    return this.cached;
  };

  fetch = async (url, { method, headers = {}, credentials, redirect, signal }) => {
    const path = new URL(url).pathname.replace('/fauna-login', '') || '/';
    const request = { method, path, authorization: headers.Authorization, header: headers['X-Fauna-Login'], credentials, redirect, time: this.clock.time };
    this.requests.push(request);
    if (this.latency) await new Promise((resolve) => this.clock.setTimeout(resolve, this.latency * 1e3));
    signal?.throwIfAborted();
    const response = (await this.fault?.(request)) ?? this.#answer(request);
    request.status = response.status;
    return response;
  };

  #answer({ method, path, authorization, header }) {
    const bearer = authorization?.replace(/^Bearer /, '');
    if (this.mode !== 'bearer' && header !== '1') return refuse(403, 'access_denied');
    if (method === 'DELETE') {
      for (const id of [this.cookie, this.secrets.get(bearer)?.session, bearer?.includes('.') && this.#sessionOf(bearer)]) {
        if (this.sessions.has(id)) this.sessions.get(id).live = false;
      }
      this.cookie = undefined;
      return new Response(null, { status: 204 });
    }
    const id = path === '/refresh' ? this.cookie : this.#sessionOf(bearer);
    const session = this.sessions.get(id);
    return session?.live ? this.#issue(id, session) : refuse(401, 'invalid_token');
  }

  // The session of a JWT: one each.
  #sessionOf(jwt) {
    const claims = read(jwt);
    const id = `s${claims.jti}`;
    if (!this.sessions.has(id)) this.sessions.set(id, { ...claims, live: true });
    return id;
  }

  #issue(id, { exp, sub }) {
    const issued = Math.floor(this.clock.time / 1e3);
    const end = Math.min(exp, issued + this.maxTTL);
    if (end - issued < this.minTTL) return refuse(401, 'invalid_token');
    const secret = this.mode === 'cookie' ? undefined : `fnE${++this.#count}`;
    this.secrets.set(secret, { session: id, end });
    if (this.mode !== 'bearer') this.cookie = id;
    const iso = (s) => new Date(s * 1e3).toISOString().replace('.000', '');
    return json(200, {
      secret, token_type: 'Bearer', expires_in: end - issued, expires_at: iso(end), issued_at: iso(issued),
      endpoint: 'https://fauna.test', user: { id: sub }, session: { id },
    });
  }

  // Would Fauna take this secret now?
  alive(secret) {
    const known = this.secrets.get(secret);
    return !!known && known.end * 1e3 > this.clock.time && this.sessions.get(known.session).live;
  }

  count(method, path) {
    return this.requests.filter((r) => r.method === method && (!path || r.path === path)).length;
  }
}

const read = (jwt) => JSON.parse(Buffer.from(jwt.split('.')[1], 'base64url'));

// The error that a promise ends with; while it waits, time goes on.
export async function failure(world, promise, seconds = 120) {
  const outcome = promise.then((value) => ({ value }), (error) => ({ error }));
  let done;
  outcome.then(() => (done = true));
  for (let i = 0; i < seconds * 4 && !done; i++) await world.clock.advance(0.25);
  const { error, value } = await outcome;
  if (!error) throw new Error(`no error, but ${JSON.stringify(value)}`);
  return error;
}
