// Runs scripts as Auth0 does, as far as its documentation says how: one object of JSON per line comes
// in on stdin, and one goes out on stdout, in the same order.
//
//   {"action": file, "trigger": "onExecutePostLogin", "event": {…}}
//   {"rule": file, "configuration": {…}, "user": {…}, "context": {…}}
//   {"database": file, "configuration": {…}, "arguments": […]}
//   {"restart": true, "cache": "keep"}     new instances, which keep nothing but, if so asked, api.cache
//
// A file is loaded as it stands. It finds what Node.js 18 has, the oldest that Auth0 runs it on: no
// global `crypto`, say.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';
import vm from 'node:vm';

const LIMIT = 20_000; // ms, for one run (Auth0: Actions limitations, custom database script execution)

const clone = (value) => value && JSON.parse(JSON.stringify(value));

const freeze = (value) => {
  if (value && typeof value === 'object') Object.values(Object.freeze(value)).forEach(freeze);
  return value;
};

// Custom claims that get into a token. Auth0 leaves others out, and says nothing (Auth0: Create Custom
// Claims): its own names, and its own namespaces.
const reserved = new Set(('acr act active amr at_hash ath attest aud auth_time authorization_details azp c_hash client_id cnf cty dest ' +
  'entitlements events exp groups gty htm htu iat internal_server_error iss jcard jku jti jwe jwk kid may_act mky nbf nonce object_id ' +
  'org_id org_name orig origid permissions roles rph s_hash sid sip_callid sip_cseq_num sip_date sip_from_tag sip_via_branch sub sub_jwk ' +
  'toe txn typ uuid vot vtm x5t#S256').split(' '));
const keeps = (name) => !reserved.has(name) && !/^https?:\/\/([^/]*\.)?(auth0\.com|webtask\.(io|run))(\/|$)|^urn:auth0/.test(name);

class Claims {
  #claims = {};
  #self;
  constructor(api) { this.#self = api; }
  setCustomClaim(name, value) {
    if (typeof name === 'string' && keeps(name)) this.#claims[name] = clone(value);
    return this.#self();
  }
  toJSON() { return this.#claims; }
}

// Auth0: Actions limitations, "Cached data"; api.cache.
class Cache {
  #entries = new Map();
  get(key) {
    const entry = this.#entries.get(key);
    return entry && entry.expires_at > Date.now() ? { ...entry } : undefined;
  }
  set(key, value, { ttl, expires_at } = {}) {
    const day = 24 * 60 * 60 * 1000;
    const end = expires_at ?? Date.now() + (ttl ?? 15 * 60 * 1000);
    const others = [...this.#entries].filter(([name]) => name !== key);
    const size = others.reduce((sum, [name, entry]) => sum + name.length + entry.value.length, 0);
    const fault = typeof key !== 'string' || Buffer.byteLength(key) > 64 ? 'InvalidKey'
      : typeof value !== 'string' ? 'InvalidValue'
      : Buffer.byteLength(value) > 4096 ? 'ItemSizeExceeded'
      : others.length >= 20 ? 'CacheSizeExceeded'
      : size + key.length + value.length > 8192 ? 'CacheSizeExceeded'
      : end - Date.now() > day + 1000 ? 'InvalidExpiry' : undefined;
    if (fault) return { type: 'error', code: fault };
    this.#entries.set(key, { value, expires_at: end });
    return { type: 'success' };
  }
  delete(key) {
    return this.#entries.delete(key) ? { type: 'success' } : { type: 'error', code: 'ItemNotFound' };
  }
}

// What all instances share, and the instances.
let caches = new Map(); // trigger → Cache
let actions = new Map(); // file → what it exports
let container = {}; // `global` of Rules and database scripts

const require = createRequire(import.meta.url);
let log = [];
const world = () => ({
  AbortController, AbortSignal, Buffer, TextDecoder, TextEncoder, URL, URLSearchParams,
  clearTimeout, fetch, setTimeout, setImmediate, queueMicrotask, structuredClone,
  console: Object.fromEntries(['log', 'info', 'warn', 'error'].map((level) => [level, (...args) => log.push(args.join(' '))])),
  require: (name) => {
    if (name !== 'crypto') throw new Error(`Cannot find module '${name}'`);
    return require(name);
  },
});

const load = (file) => readFileSync(file, 'utf8');

async function runAction({ action, trigger, event }) {
  if (!actions.has(action)) {
    const context = { ...world(), exports: {} };
    context.module = { exports: context.exports };
    vm.runInNewContext(load(action), context, { filename: action });
    actions.set(action, context.module.exports);
  }
  if (!caches.has(trigger)) caches.set(trigger, new Cache());
  let denied;
  const api = { cache: caches.get(trigger) };
  if (trigger === 'onExecutePostLogin') {
    Object.assign(api, {
      accessToken: new Claims(() => api), idToken: new Claims(() => api),
      access: { deny: (reason) => { denied = reason; return api; } },
    });
  }
  await actions.get(action)[trigger](freeze(event), freeze({ ...api }));
  return clone({ accessToken: api.accessToken, idToken: api.idToken, denied });
}

// Calls a function that answers by its last argument, a callback, and waits a moment for a second call.
const answer = (call) => new Promise((resolve, reject) => {
  const calls = [];
  const callback = (...args) => {
    calls.push(args);
    if (calls.length === 1) setTimeout(() => resolve({ calls: calls.length, args }), 20);
  };
  Promise.resolve(call(callback)).catch(reject);
});

class UnauthorizedError extends Error { name = 'UnauthorizedError'; }
class WrongUsernameOrPasswordError extends Error {
  name = 'WrongUsernameOrPasswordError';
  constructor(id, message) { super(message); this.id = id; }
}
class ValidationError extends Error {
  name = 'ValidationError';
  constructor(code, message) { super(message); this.code = code; }
}
const described = (err) => err && { name: err.name, message: err.message, code: err.code, id: err.id };

const script = (file, more) => vm.runInNewContext(`(${load(file)}\n)`, { ...world(), global: container, UnauthorizedError, ...more }, { filename: file });

async function runRule({ rule, configuration, user, context }) {
  const run = script(rule, { configuration: freeze(configuration) });
  context = { accessToken: {}, idToken: {}, ...context };
  const { calls, args: [err, , after] } = await answer((callback) => run(freeze(user), context, callback));
  const kept = (claims) => Object.fromEntries(Object.entries(claims ?? {}).filter(([name]) => keeps(name)));
  return { calls, error: described(err), accessToken: kept(after?.accessToken), idToken: kept(after?.idToken) };
}

async function runDatabase({ database, configuration, arguments: args }) {
  const run = script(database, { configuration: freeze(configuration), WrongUsernameOrPasswordError, ValidationError });
  const { calls, args: [err, result] } = await answer((callback) => run(...freeze(args), callback));
  return { calls, error: described(err), result };
}

function restart({ cache }) {
  actions = new Map();
  container = {};
  if (cache !== 'keep') caches = new Map();
  return {};
}

let stray; // a rejection that nobody handles, which Auth0 would report as an error of the script
process.on('unhandledRejection', (err) => { stray = `unhandled: ${err}`; });

for await (const line of createInterface({ input: process.stdin })) {
  const command = JSON.parse(line);
  log = [];
  stray = undefined;
  const start = performance.now();
  let timer, outcome;
  try {
    const run = command.action ? runAction : command.rule ? runRule : command.database ? runDatabase : restart;
    const limit = new Promise((_, reject) => { timer = setTimeout(() => reject(new Error('Script execution time exceeded')), LIMIT); });
    outcome = await Promise.race([run(command), limit]);
  } catch (err) {
    outcome = { thrown: String(err) };
  }
  clearTimeout(timer);
  const ms = Math.round(performance.now() - start);
  process.stdout.write(JSON.stringify({ ...outcome, thrown: outcome.thrown ?? stray, ms, log }) + '\n');
}
