/*
 * fauna-login: makes the user's Fauna session while they log in. A post-login Action that calls
 * fauna-login server to server. Take post-login-links.js unless you need the session, or a blocked
 * user's refusal, before the page has its token. How to deploy it is in README.md beside this file.
 *
 * The session waits for the JWT that carries its link id, and becomes that JWT's when the page
 * exchanges it.
 *
 * Secrets of this Action:
 *   FAUNA_LOGIN_URL  fauna-login, without a slash at its end: https://login.example.com
 *   TOKEN_URL        your tenant's token endpoint: https://tenant.eu.auth0.com/oauth/token
 *   CLIENT_ID, CLIENT_SECRET  of the machine-to-machine application that may ask on users' behalf
 *   AUDIENCE         identifier of the API whose access tokens go to fauna-login
 *   NAMESPACE        of the claims, a URL of yours without a slash at its end: https://example.com
 *   FAIL             "closed": nobody logs in while fauna-login does not answer or refuses the
 *                    user. Anything else: the login goes on, and the page's exchange decides
 *   ID_TOKEN_CLAIM   leave it out. Where it is the name of a claim, such as
 *                    https://example.com/fauna, the ID token carries a Fauna secret in it: whoever
 *                    gets hold of the ID token is the user. README.md says what that means
 *
 * fauna-login's configuration:
 *   link_id_claim:    "/https:~1~1example.com~1tid"
 *   session_id_claim: "/https:~1~1example.com~1sid"
 *   on_behalf: {clients: [CLIENT_ID]}
 */
const { randomUUID } = require('crypto');

const TIMEOUT = 1500; // ms, for everything: the user waits for it at each login

exports.onExecutePostLogin = async (event, api) => {
  const { AUDIENCE, NAMESPACE, FAIL, ID_TOKEN_CLAIM } = event.secrets;
  // A token for another API, SAML, an opaque token: nothing of ours. A token that a server got in
  // exchange for a user's is that server's.
  const audience = event.resource_server?.identifier;
  if (!audience || audience !== AUDIENCE || event.transaction?.protocol === 'oauth2-token-exchange') return;

  const linkId = randomUUID();
  // On a refresh exchange there is no session, but the refresh token knows the one it came from.
  const sessionId = event.session?.id ?? event.refresh_token?.session_id;
  // Before the call: if only its answer gets lost, the JWT finds the session all the same.
  api.accessToken.setCustomClaim(`${NAMESPACE}/tid`, linkId);
  if (sessionId) api.accessToken.setCustomClaim(`${NAMESPACE}/sid`, sessionId);

  const inIDToken = ID_TOKEN_CLAIM && event.transaction?.requested_scopes?.includes('openid');
  try {
    if (!NAMESPACE) throw new Error('NAMESPACE is needed.');
    const session = await onBehalf(event.secrets, api.cache, {
      sub: event.user.user_id,
      session_id: sessionId, // undefined is left out
      link_id: linkId,
      issue: inIDToken ? 'secret' : 'session',
    });
    if (inIDToken) {
      api.idToken.setCustomClaim(ID_TOKEN_CLAIM, { secret: session.secret, expires_at: session.expires_at });
    }
  } catch (err) {
    console.log(`fauna-login: ${err.message}`);
    if (FAIL === 'closed') api.access.deny('The login service is not available. Please try again later.');
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
