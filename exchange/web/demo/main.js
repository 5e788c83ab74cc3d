// The demo's page: who is logged in, in which mode, and what is to be seen of it. The panels are modules of their own;
// what an app needs of all this is in auth0.js, fauna.js and the client, /fauna-login.js.

import { createFaunaSession, LoginRequired } from '/fauna-login.js';
import { createAuth0 } from './auth0.js';
import { $, element, play, say } from './dom.js';
import { ask, send } from './fauna.js';
import { modes, snippet } from './modes.js';
import { createNotes } from './notes.js';
import { createSecretPanel } from './secret.js';
import { showToken } from './token.js';
import { explainError } from './words.js';

const REMEMBERED = 'fauna-login demo: page'; // the mode, and whether somebody was logged in: nothing secret

const config = await fetch('/demo/config.json').then((res) => res.json()).catch((error) => {
  document.body.dataset.phase = 'broken';
  $('error').hidden = false;
  $('error').textContent = 'The page could not read its configuration, /demo/config.json. See that “fauna-login dev” is running, then reload the page.';
  throw error;
});
const auth0 = createAuth0({ issuer: config.auth0, clientId: config.client_id, audience: config.audience, redirectUri: `${location.origin}/` });
const panel = createSecretPanel({ expired: () => session.getSecret().catch(fail) });
const notes = createNotes({ ask: askFauna });

const [title, lead] = [$('title').textContent, $('lead').textContent];
let mode = 'bearer';
let session, user; // of whoever is logged in
let leaving; // it is this page that ends the session
let queries;

// Phases: loading, broken, out, in, ended. The style sheet shows what belongs to each.
function enter(phase) {
  document.body.dataset.phase = phase;
  sessionStorage.setItem(REMEMBERED, JSON.stringify({ mode, loggedIn: phase === 'in' }));
  if (phase !== 'in') {
    user = undefined;
    document.title = 'fauna-login demo';
    $('title').textContent = title;
    $('lead').textContent = phase === 'ended' ? 'Log in again, as the same or as somebody else.' : lead;
    for (const row of ['flow-auth0', 'flow-login', 'flow-fauna']) delete $(row).dataset.state;
    $('flow-count').textContent = 'the database';
  }
}

function fail(error) {
  if (error.code === 'logged_out' || error.code === 'closed') return; // what was under way when the session ended
  if (error instanceof LoginRequired && document.body.dataset.phase === 'in') leaveHere();
  $('error').hidden = false;
  $('error').textContent = explainError(error);
}

function note(text) {
  $('note').hidden = !text;
  $('note').textContent = text ?? '';
}

// What the client sends to the exchange, for the page to show.
async function watched(url, init) {
  play($('flow-login'));
  const start = performance.now();
  const res = await fetch(url, init);
  const body = await res.clone().json().catch(() => undefined);
  const cookie = mode !== 'bearer';
  const lines = [`${init.method} ${url}`];
  if (init.headers.Authorization) lines.push(`Authorization: ${init.headers.Authorization.slice(0, 10)}…`);
  if (cookie) lines.push(`X-Fauna-Login: ${init.headers['X-Fauna-Login']}`);
  if (url.endsWith('/refresh')) lines.push('Cookie: … (which the browser adds)');
  if (init.method === 'POST') {
    panel.wire({ request: lines.join('\n'), status: res.status, cookie: cookie && res.ok, body, ms: performance.now() - start });
  }
  return res;
}

function open() {
  session?.close();
  session = createFaunaSession({ loginUrl: `/${mode}/fauna-login`, mode, getAccessToken: auth0.getAccessToken, maxWaitSeconds: 5, fetch: watched });
  session.onChange(({ type, current }) => {
    $('error').hidden = true;
    panel.change(type, current);
    if (current) $('flow-login').dataset.state = 'done';
    if (type === 'logout' && !leaving) leaveHere('You logged out in another tab, and that ended this one’s session, too.');
  });
  panel.begin(mode);
  return session;
}

async function askFauna(fql, args) {
  play($('flow-fauna'));
  const answer = await ask(session, fql, args).catch((error) => {
    if (error instanceof LoginRequired) fail(error);
    throw error;
  });
  $('flow-fauna').dataset.state = answer.ok ? 'done' : 'refused';
  $('flow-count').textContent = `${++queries} ${queries === 1 ? 'query' : 'queries'}`;
  return answer;
}

// begin shows whose the secret is, and what can be done with it.
async function begin({ user: { id } }) {
  user = config.users.find((known) => known.user === id) ?? { name: 'Somebody', user: id };
  const first = user.name.split(' ')[0];
  queries = 0;
  enter('in');
  note();
  document.title = `${first} – fauna-login demo`;
  $('title').textContent = `You are ${first}.`;
  $('lead').textContent = `Auth0 said so, the exchange checked it, and from here on Fauna answers this page with ${first}’s rights, straight from the database.`;
  $('who-name').textContent = user.name;
  $('who-face').textContent = first[0];
  $('who-face').classList.toggle('second', user === config.users[1]);
  if (auth0.token()) $('flow-auth0').dataset.state = 'done';
  else delete $('flow-auth0').dataset.state;
  showToken(auth0.token());
  await notes.begin(config.users.find((other) => other.user !== id));
}

function showMode() {
  $('mode-holds').textContent = modes[mode].holds;
  $('mode-loses').textContent = modes[mode].loses;
  $('flow-gives').textContent = modes[mode].gives;
  $('flow-query').textContent = modes[mode].query;
  $('snippet').textContent = snippet(mode);
  $(`mode-${mode}`).checked = true;
}

// leaveHere is what a session's end leaves to do.
function leaveHere(why) {
  session.close();
  auth0.forget();
  enter('out');
  note(why);
  if (why) say($('status'), why);
}

// end ends the session on the server, and in this user's other tabs.
async function end() {
  leaving = true;
  await session.logout().finally(() => (leaving = false));
}

// switchTo ends the session of one mode and begins one of the other, with a fresh token: the one before was used up with
// its session.
async function switchTo() {
  const hint = user.email;
  await end();
  if (!auth0.token()) return auth0.login({ hint, appState: { mode } });
  await auth0.getAccessToken({ fresh: true });
  await begin(await open().login());
  say($('status'), `Now in mode ${mode}: the earlier session was ended, and a fresh token exchanged.`);
}

// Arrow keys run through the modes faster than sessions end: one switch at a time, then the mode that is wanted by then.
let switching = false;
async function choose(next) {
  mode = next;
  showMode();
  if (document.body.dataset.phase !== 'in') {
    $('status').textContent = '';
    return enter(document.body.dataset.phase);
  }
  if (switching) return undefined;
  switching = true;
  try {
    for (let done; done !== mode; ) await switchTo((done = mode));
  } catch (error) {
    fail(error);
  } finally {
    switching = false;
  }
}

async function logout() {
  const [last, jwt, loginUrl] = [session.peek(), auth0.token(), `/${mode}/fauna-login`];
  try {
    await end();
    const proofs = [proof(`DELETE ${loginUrl}`, { ok: true, status: 204 }, 'The session’s document and all its secrets are deleted.')];
    if (last) {
      const answer = await send(last, 'Query.identity()');
      const what = last.secret ? 'The secret asks Fauna once more' : 'The page asks Fauna without a secret: the cookie is gone';
      proofs.push(proof(what, answer, answer.ok ? 'Still alive. That should not be.' : 'Dead at once, though its time was not up.'));
    }
    if (jwt) {
      const res = await fetch(loginUrl, { method: 'POST', credentials: 'omit', headers: { Authorization: `Bearer ${jwt}` } });
      const { error } = await res.json();
      proofs.push(proof('The Auth0 token asks for another secret', { ok: res.ok, status: res.status, code: error }, res.ok ? 'That should not be.' : 'Denied: its signature is good until it expires, but its session was ended.'));
    }
    $('proofs').replaceChildren(...proofs);
  } catch (error) {
    fail(error);
    return $('error').append(' The session may live on until you log out again.');
  }
  auth0.forget();
  session.close();
  enter('ended');
  $('ended-title').focus();
}

function proof(what, { ok, status, code }, meaning) {
  return element('li', {}, element('b', {}, what), element('code', { className: ok ? 'allowed' : 'refused' }, `${status}${code ? ` ${code}` : ''}`), element('span', {}, meaning));
}

function build() {
  $('people').replaceChildren(...config.users.map(({ name, email }) => {
    const button = element('button', { type: 'button', className: 'person' },
      element('span', { className: 'face', ariaHidden: 'true' }, name[0]), element('span', {}, element('b', {}, name), element('span', {}, email)));
    button.addEventListener('click', () => auth0.login({ hint: email, appState: { mode } }).catch(fail));
    return button;
  }));
  $('modes').replaceChildren(...Object.entries(modes).map(([name, { title }]) => {
    const input = element('input', { type: 'radio', name: 'mode', value: name, id: `mode-${name}` });
    input.addEventListener('change', () => choose(name));
    return element('label', {}, input, element('span', {}, title));
  }));
  $('logout').addEventListener('click', logout);
  $('renew').addEventListener('click', async () => {
    $('renew').textContent = 'Renewing…';
    session.invalidate();
    await session.getSecret().catch(fail);
    $('renew').textContent = 'Renew now';
  });
  $('auth0-logout').href = auth0.logoutUrl();
  fetch('/demo/notes.fsl').then((res) => res.text()).then((text) => ($('role').textContent = text));
}

// start finds out where the page is in the story: back from Auth0, reloaded, or new.
async function start() {
  const before = JSON.parse(sessionStorage.getItem(REMEMBERED)) ?? {};
  mode = modes[before.mode] ? before.mode : 'bearer';
  build();
  try {
    const back = await auth0.finishLogin();
    if (back) mode = back.mode;
    showMode();
    if (back) {
      play($('flow-auth0'));
      await begin(await open().login());
      $('title').focus();
      return;
    }
    if (before.loggedIn && mode === 'refresh') return await begin(await open().getSecret());
    enter('out');
    if (before.loggedIn) note('You reloaded the page, so what was in its memory is gone. Auth0 still knows you: logging in again is one click. In mode Refresh not even that is needed.');
  } catch (error) {
    showMode();
    enter('out');
    fail(error);
  }
}

await start();
