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

// The channels of one browser profile: what is posted to one, the others of its name hear, a task later.
function newChannels() {
  const open = new Set();
  return class {
    static open = open;
    static posts = [];
    constructor(name) {
      this.name = name;
      open.add(this);
    }
    postMessage(data) {
      if (!open.has(this)) throw new DOMException('Channel is closed', 'InvalidStateError');
      const posted = structuredClone(data);
      this.constructor.posts.push(posted);
      for (const other of open) {
        if (other !== this && other.name === this.name) setImmediate(() => open.has(other) && other.onmessage?.({ data: posted }));
      }
    }
    close() {
      open.delete(this);
    }
  };
}

// One browser profile (its cookie), its tabs, Auth0 and the exchange.
export class World {
  clock = new Clock();
  BroadcastChannel = newChannels();
  requests = []; // {method, path, authorization, header, credentials, redirect, time, status}
  tokens = []; // what getAccessToken was asked: [fresh, …]
  fault; // (request) → Response, undefined, or throws: what happens in place of an answer
  lost; // (request, signal) → throws: what happens to an answer on its way back
  latency = 0; // seconds
  cached; // the Auth0 token that auth0-spa-js would hold
  sessions = new Map(); // id → {claims of the JWT, live, generation, refreshed}
  secrets = new Map(); // secret → {session, end}
  thefts = 0;
  #cookie; // {session, user, until, generation or secret}
  #count = 0;

  constructor({ mode = 'bearer', maxTTL = 3600, jwtTTL = 86400, minTTL = 10, skew = 0, claims = {} } = {}) {
    Object.assign(this, { mode, maxTTL, jwtTTL, minTTL, claims });
    this.clock.skew = skew * 1e3;
  }

  get cookie() {
    return this.#cookie?.until > this.clock.time ? this.#cookie : undefined;
  }
  set cookie(cookie) {
    this.#cookie = cookie;
  }

  session(options) {
    const { now, setTimeout, clearTimeout } = this.clock;
    return createFaunaSession({
      loginUrl: 'https://login.test/fauna-login', mode: this.mode, random: () => 0, document: undefined,
      getAccessToken: this.getAccessToken, fetch: this.fetch, BroadcastChannel: this.BroadcastChannel, now, setTimeout, clearTimeout, ...options,
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
    const sent = credentials === 'include' ? this.cookie : undefined;
    if (this.latency) await new Promise((resolve) => this.clock.setTimeout(resolve, this.latency * 1e3));
    signal?.throwIfAborted();
    const fault = await this.fault?.(request);
    const { response, cookie } = fault ? { response: fault } : this.#answer(request, sent);
    await this.lost?.(request, signal);
    if (cookie !== undefined && credentials === 'include') this.cookie = cookie;
    request.status = response.status;
    return response;
  };

  // → {response, cookie}: the next cookie, null to take it away, undefined to leave it.
  #answer({ method, path, authorization, header }, cookie) {
    const bearer = authorization?.replace(/^Bearer /, '');
    if (method === 'DELETE') return this.#end(bearer, header, cookie);
    if (path === '/refresh') return this.#refresh(header, cookie);
    const id = this.#sessionOf(bearer);
    return this.sessions.get(id).live ? this.#issue(id) : { response: refuse(401, 'invalid_token') };
  }

  // Another user's cookie does not count, and stays. The token or secret does.
  #end(bearer, header, cookie) {
    if (!bearer && (this.mode === 'bearer' || !header)) return { response: refuse(403, 'access_denied') };
    const counts = worksFor(header, cookie);
    const jwt = bearer?.includes('.') ? this.#sessionOf(bearer) : undefined;
    for (const id of [counts && cookie?.session, this.secrets.get(bearer)?.session, jwt]) if (id) this.sessions.get(id).live = false;
    const expired = this.sessions.get(jwt)?.exp * 1e3 <= this.clock.time;
    return { response: expired ? refuse(401, 'invalid_token') : new Response(null, { status: 204 }), cookie: counts ? null : undefined };
  }

  // The handle before the one that counts, within ten seconds, is of another tab or of a lost answer. An older one was copied.
  #refresh(header, cookie) {
    if (!header) return { response: refuse(403, 'access_denied') };
    if (!worksFor(header, cookie)) return { response: refuse(401, 'invalid_token') };
    const session = this.sessions.get(cookie?.session);
    const behind = session?.generation - cookie?.generation;
    if (session?.live && (behind > 1 || (behind === 1 && session.refreshed + 10e3 < this.clock.time))) {
      session.live = false;
      this.thefts++;
    }
    if (!session?.live) return { response: refuse(401, 'invalid_token'), cookie: null };
    if (behind === 0) Object.assign(session, { generation: session.generation + 1, refreshed: this.clock.time });
    return this.#issue(cookie.session);
  }

  // The session of a JWT: one each.
  #sessionOf(jwt) {
    const claims = read(jwt);
    const id = `s${claims.jti}`;
    if (!this.sessions.has(id)) this.sessions.set(id, { ...claims, live: true, generation: 0 });
    return id;
  }

  #issue(id) {
    const { exp, sub: user, generation } = this.sessions.get(id);
    const issued = Math.floor(this.clock.time / 1e3);
    const end = Math.min(exp, issued + this.maxTTL);
    if (end - issued < this.minTTL) return { response: refuse(401, 'invalid_token') };
    const secret = `fnE${++this.#count}`;
    this.secrets.set(secret, { session: id, end });
    const cookie = {
      bearer: undefined,
      refresh: { session: id, user, until: exp * 1e3, generation },
      cookie: { session: id, user, until: end * 1e3, secret },
    }[this.mode];
    const iso = (s) => new Date(s * 1e3).toISOString().replace('.000', '');
    const body = {
      secret: this.mode === 'cookie' ? undefined : secret, token_type: 'Bearer', expires_in: end - issued, expires_at: iso(end),
      issued_at: iso(issued), endpoint: 'https://fauna.test', user: { id: user }, session: { id },
    };
    return { response: json(200, body), cookie };
  }

  // What mode cookie's way to Fauna does with a query: 401 if the cookie is dead, or not of the user whose page asks.
  proxy(headers) {
    return this.alive(this.cookie?.secret) && worksFor(headers['X-Fauna-Login'], this.cookie) ? 200 : 401;
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

// A cookie counts when a page of its user sends it, or one that does not know its user.
const worksFor = (header, cookie) => header === '1' || !cookie || header === cookie.user;

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
