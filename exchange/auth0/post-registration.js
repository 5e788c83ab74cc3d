/*
 * fauna-login: makes the user document at sign-up. A post-user-registration Action; Auth0 runs it
 * for database and passwordless connections, beside the sign-up, which does not wait for it. Without
 * it the first exchange makes the document. How to deploy it is in README.md beside this file.
 *
 * Secrets of this Action:
 *   FAUNA_LOGIN_URL  fauna-login, without a slash at its end: https://login.example.com
 *   TOKEN_URL        your tenant's token endpoint: https://tenant.eu.auth0.com/oauth/token
 *   CLIENT_ID, CLIENT_SECRET  of the machine-to-machine application that may ask on users' behalf
 *   AUDIENCE         identifier of the API whose access tokens go to fauna-login
 *   USER_FIELDS      what of the user's profile goes into the document: "email,name". Each has to
 *                    be a field of claims.user in fauna-login's configuration. Empty: nothing
 *
 * fauna-login's configuration:
 *   on_behalf: {clients: [CLIENT_ID]}
 */
const TIMEOUT = 5000; // ms, for everything

exports.onExecutePostUserRegistration = async (event, api) => {
  const names = (event.secrets.USER_FIELDS ?? '').split(',').map((name) => name.trim()).filter(Boolean);
  try {
    await onBehalf(event.secrets, api.cache, {
      sub: event.user.user_id,
      user: Object.fromEntries(names.map((name) => [name, event.user[name]])), // undefined is left out
      issue: 'user',
    });
  } catch (err) {
    console.log(`fauna-login: ${err.message}`); // the first exchange makes up for it
  }
};

// POST /fauna-login/on-behalf. To ask twice is harmless: it finds the same session or user.
async function onBehalf(secrets, cache, request) {
  const signal = AbortSignal.timeout(TIMEOUT);
  const url = `${secrets.FAUNA_LOGIN_URL}/fauna-login/on-behalf`;
  const token = await machineToken(secrets, cache, signal);
  let answer = await post(url, request, signal, token);
  if (answer.status === 401) { // the token is good no more: a key was revoked, say
    forget(cache, token);
    answer = await post(url, request, signal, await machineToken(secrets, cache, signal));
  }
  if (answer.status !== 200) throw new Error(`on-behalf answers ${answer.status} ${answer.body.error ?? ''}`);
  return answer.body;
}

// The machine-to-machine token is kept by this instance, and by api.cache for the others. It is no
// user's. Each costs a call of your tenant's quota, so one serves until a minute before it ends.
const KEY = 'fauna-login-m2m';
let kept; // {token, until}

async function machineToken(secrets, cache, signal) {
  if (kept?.until > Date.now()) return kept.token;
  const cached = cache.get(KEY);
  if (cached?.expires_at > Date.now()) {
    kept = { token: cached.value, until: cached.expires_at };
    return kept.token;
  }
  const { status, body } = await post(secrets.TOKEN_URL, {
    grant_type: 'client_credentials',
    client_id: secrets.CLIENT_ID,
    client_secret: secrets.CLIENT_SECRET,
    audience: secrets.AUDIENCE,
    scope: 'fauna:issue_for_user',
  }, signal);
  if (status !== 200) throw new Error(`TOKEN_URL answers ${status} ${body.error ?? ''}`);
  const life = Math.min(body.expires_in - 60, 24 * 60 * 60) * 1000; // ms; a day is the most that api.cache keeps
  kept = { token: body.access_token, until: Date.now() + life };
  if (life > 0) cache.set(KEY, kept.token, { ttl: life });
  return kept.token;
}

function forget(cache, token) {
  if (kept?.token === token) kept = undefined;
  if (cache.get(KEY)?.value === token) cache.delete(KEY);
}

async function post(url, body, signal, token) {
  const headers = { 'Content-Type': 'application/json' };
  if (token) headers.Authorization = `Bearer ${token}`;
  try {
    const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body), signal, redirect: 'error' });
    return { status: response.status, body: await response.json() };
  } catch (err) {
    throw new Error(`${new URL(url).host} does not answer: ${err.name}`); // nothing of what was sent
  }
}
