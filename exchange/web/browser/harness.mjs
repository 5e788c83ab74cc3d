// The tests' side of cmd/fauna-login/browser_world_test.go: the world it started, and a browser in it.

import runner, { after, before } from 'node:test';
import assert from 'node:assert/strict';
import { chromium } from 'playwright-core';

if (!process.env.FAUNA_LOGIN_WORLD) throw new Error('run `go test -run TestBrowser ./cmd/fauna-login`: it starts what the pages talk to');

export const world = JSON.parse(process.env.FAUNA_LOGIN_WORLD);
export const modes = ['bearer', 'refresh', 'cookie'];
export const cookieNames = { refresh: '__Host-Http-fauna_login_refresh', cookie: '__Host-Http-fauna_login' };

// Longer than anything here takes, unless it will never happen.
const patience = 15_000;

// A test, which ends by and by.
export const test = (name, run) => runner(name, { timeout: 120_000 }, run);

let browser;

/** Starts the browser for the tests of a file. */
export function useBrowser() {
  before(async () => {
    browser = await chromium.launch({
      executablePath: world.chromium,
      args: ['--host-resolver-rules=MAP *.test 127.0.0.1', `--ignore-certificate-errors-spki-list=${world.spki}`],
    });
  });
  after(() => browser?.close());
}

/** A browser of somebody's own: cookies, pages, and a clock that {@link advance} moves. */
export async function newPerson(t, options) {
  const context = await newContext(options);
  t.after(() => context.close());
  return context;
}

async function newContext(options) {
  const context = await browser.newContext(options);
  context.setDefaultTimeout(patience);
  await context.clock.install({ time: +(await control('/now')) });
  return context;
}

const control = async (path) => (await fetch(world.control + path, { method: 'POST' })).text();

/** Moves the clock of the programs, of the tenant, and of these browsers. Cookies keep to the real time. */
export async function advance(seconds, ...contexts) {
  await control(`/advance?by=${seconds}s`);
  for (const context of contexts) await context.clock.fastForward(seconds * 1000);
}

/** A token without a login. */
export const mint = (seconds, name = 'Ada') => control(`/mint?life=${seconds}s&email=${name.toLowerCase()}@example.com`);

/** A query on the wire port of the engine behind a mode. @returns {Promise<{status: number, data?: any}>} */
export async function fql(mode, query, secret = world[mode].root) {
  const res = await fetch(`${world[mode].fauna}/query/1`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${secret}`, 'X-Format': 'simple' },
    body: JSON.stringify({ query }),
  });
  return { status: res.status, ...(await res.json()) };
}

export async function assertDead(mode, secret) {
  assert.equal((await fql(mode, '1', secret)).status, 401, 'a secret lives on');
}

/** For a secret that another tab ends, by and by. */
export async function diesSoon(mode, secret) {
  for (const end = Date.now() + patience; Date.now() < end && (await fql(mode, '1', secret)).status === 200; );
  await assertDead(mode, secret);
}

export async function assertAlive(mode, secret) {
  assert.equal((await fql(mode, '1', secret)).status, 200, 'a secret is dead');
}

/** Keeps what the pages of a browser ask of the program and of the tenant, and the secrets that come. */
export function listen(context, mode) {
  const heard = { requests: [], secrets: [] };
  context.on('response', async (res) => {
    const url = new URL(res.url());
    const method = res.request().method();
    if (method === 'OPTIONS' || (url.origin !== world[mode].url && url.origin !== world.auth0)) return;
    heard.requests.push(`${method} ${url.pathname} ${res.status()}`);
    if (method !== 'POST' || !url.pathname.startsWith('/fauna-login') || res.status() !== 200) return;
    const { secret } = await res.json().catch(() => ({}));
    if (secret) heard.secrets.push(secret);
  });
  heard.take = () => heard.requests.splice(0);
  return heard;
}

/** On the tenant's own page. */
export async function logInAs(page, name) {
  await page.waitForURL(`${world.auth0}/authorize?*`);
  await page.getByRole('button', { name }).click();
}

/** The bare page with window.kit, at an origin. */
export async function openKit(context, origin = world.app) {
  const page = await context.newPage();
  await page.goto(`${origin}/kit/`);
  return page;
}

/**
 * A page of the service's own origin, where a script has most rights. The service has none, so /healthz must do, for
 * a person who looks at no policy. (No routes: with one, the browser is told that every preflight was answered.)
 */
export async function openOwn(context, origin) {
  const page = await context.newPage();
  await page.goto(`${origin}/healthz`);
  return page;
}

/** A frame without an origin of its own, in a page: its requests say `Origin: null`. */
export async function openSandbox(page) {
  const frame = await page.evaluateHandle(() => {
    const frame = Object.assign(document.createElement('iframe'), { srcdoc: '<!doctype html><title>sandbox</title>' });
    frame.sandbox = 'allow-scripts allow-forms allow-popups';
    document.body.append(frame);
    return new Promise((resolve) => (frame.onload = () => resolve(frame)));
  });
  return frame.contentFrame();
}

/** Options of {@link newPerson} for {@link openOwn}. */
export const noPolicy = { bypassCSP: true };

const shared = {};

/**
 * A person without cookies, and a page at every origin that there is to tell apart, by name; `allowed` says which may use
 * the service of the mode. The tests of a file share them: pages take their time to open.
 * @typedef {import('playwright-core').Page | import('playwright-core').Frame} Place
 * @returns {Promise<{person: import('playwright-core').BrowserContext, places: [name: string, where: Place, allowed: boolean][]}>}
 */
export async function everywhere(mode) {
  shared[mode] ??= await newContext(noPolicy).then(async (person) => ({ person, places: await openPlaces(person, world[mode].url) }));
  await shared[mode].person.clearCookies();
  return shared[mode];
}

async function openPlaces(context, service) {
  const [own, app, otherPort, sibling, http, evil, lookalike] = await Promise.all([
    openOwn(context, service),
    ...[world.app, world.otherPort, world.sibling, world.plain, world.evil, world.lookalike].map((origin) => openKit(context, origin)),
  ]);
  return [
    ['own', own, true],
    ['app', app, true],
    ['other port', otherPort, false],
    ['sibling', sibling, false],
    ['http', http, false],
    ['evil', evil, false],
    ['lookalike', lookalike, false],
    ['sandbox in own', await openSandbox(own), false],
    ['sandbox in app', await openSandbox(app), false],
    ['sandbox in evil', await openSandbox(evil), false],
  ];
}

/** What {@link logInKit} passes to the page. */
export const auth0Options = (options) => ({ domain: new URL(world.auth0).host, clientId: 'kit', audience: world.audience, ...options });

/** A bare page whose user is logged in: window.auth0, and window.session in the mode. */
export async function logInKit(context, name, mode, { auth0 } = {}) {
  const page = await openKit(context);
  const options = auth0Options(auth0);
  const leave = async (o) => void (await (await window.kit.auth0(o)).loginWithRedirect());
  await page.evaluate(leave, options).catch(() => {}); // the page is gone before it answers
  await logInAs(page, name);
  await page.waitForURL(`${world.app}/kit/?code=*`);
  await page.evaluate(async (o) => void (window.auth0 = await window.kit.auth0(o)), options);
  await startSession(page, mode);
  return page;
}

/** window.session, and window.client of the driver. Without a login `token` is all there is of Auth0. */
export async function startSession(page, mode, options) {
  await page.evaluate(
    ({ token, ...o }) => {
      const getAccessToken = async ({ fresh }) => (window.auth0 ? window.auth0.getTokenSilently({ cacheMode: fresh ? 'off' : 'on' }) : token);
      window.session = window.kit.createFaunaSession({ getAccessToken, ...o });
      window.client = window.session.client(window.kit.fauna);
    },
    { loginUrl: `${world[mode].url}/fauna-login`, mode, ...options },
  );
}

/** A bare page with a session, of somebody whose token came without a login. */
export async function openAs(context, name, mode, life = 86_400) {
  const page = await openKit(context);
  await startSession(page, mode, { token: await mint(life, name) });
  return page;
}

/** What comes of a method of window.session: {value} or {error}. */
export const ask = (page, method) => page.evaluate((m) => window.kit.outcome(window.session[m]()), method);

/** What comes of a query by window.client. */
export const query = (page, text) =>
  page.evaluate((text) => window.kit.outcome(window.client.query(window.kit.fauna.fql([text])).then((r) => r.data)), text);

/** The cookie of a mode, if the browser has it. */
export async function cookieOf(context, mode) {
  const cookies = await context.cookies(world[mode].url);
  return cookies.find(({ name }) => name === cookieNames[mode]);
}

/** Puts a value in the cookie's place, as somebody could who has the browser's disk. */
export async function plant(context, mode, value) {
  await context.addCookies([
    { name: cookieNames[mode], value, url: `${world[mode].url}/`, secure: true, httpOnly: true, sameSite: 'Strict' },
  ]);
}
