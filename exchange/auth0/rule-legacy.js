/*
 * ENDED: Auth0 announced that Rules stop being executed and are removed on 2026-11-18, and no Rule
 * could be changed since 2024-11-18. This is for reading old tenants; what replaces it is
 * post-login-links.js and post-login-server.js.
 *
 * fauna-login's link claims as a Rule, and with FAUNA_LOGIN_URL also the session, made server to
 * server. It needs fetch, so a tenant whose Rules ran on Node.js 18 or later. It had to be the last
 * Rule, for another one may deny the login or change the primary user.
 *
 * Settings: NAMESPACE; and for the session FAUNA_LOGIN_URL, TOKEN_URL, CLIENT_ID, CLIENT_SECRET,
 * AUDIENCE, FAIL ("closed": nobody logs in while fauna-login does not answer or refuses the user).
 */
function faunaLogin(user, context, callback) {
  const { NAMESPACE, FAUNA_LOGIN_URL, TOKEN_URL, CLIENT_ID, CLIENT_SECRET, AUDIENCE, FAIL } = configuration;
  if (['samlp', 'wsfed', 'wstrust-usernamemixed', 'delegation'].includes(context.protocol)) {
    return callback(null, user, context); // no access token
  }
  const linkId = require('crypto').randomUUID();
  // In other logins the session's id may change after the Rules.
  const silent = context.request.query && context.request.query.prompt === 'none';
  const sessionId = silent ? context.sessionID : undefined;
  if (sessionId) context.accessToken[`${NAMESPACE}/sid`] = sessionId;
  if (!FAUNA_LOGIN_URL) return callback(null, user, context);

  context.accessToken[`${NAMESPACE}/tid`] = linkId;
  const signal = AbortSignal.timeout(1500); // ms: the user waits for it at each login
  onBehalf({ sub: context.primaryUser || user.user_id, session_id: sessionId, link_id: linkId, issue: 'session' })
    .then(() => [null, user, context], (err) => {
      console.log(`fauna-login: ${err.message}`);
      return FAIL === 'closed' ? [new UnauthorizedError('The login service is not available. Please try again later.')] : [null, user, context];
    })
    .then((result) => callback(...result));

  async function onBehalf(request) {
    const url = `${FAUNA_LOGIN_URL}/fauna-login/on-behalf`;
    let answer = await post(url, request, await machineToken());
    if (answer.status === 401) { // the token is good no more: a key was revoked, say
      global.faunaLoginToken = undefined;
      answer = await post(url, request, await machineToken());
    }
    if (answer.status !== 200) throw new Error(`on-behalf answers ${answer.status} ${answer.body.error || ''}`);
  }

  // `global` lives as long as its container, and is shared by all logins: for nothing of a user's.
  async function machineToken() {
    const kept = global.faunaLoginToken;
    if (kept && kept.until > Date.now()) return kept.token;
    const { status, body } = await post(TOKEN_URL, {
      grant_type: 'client_credentials', client_id: CLIENT_ID, client_secret: CLIENT_SECRET,
      audience: AUDIENCE, scope: 'fauna:issue_for_user',
    });
    if (status !== 200) throw new Error(`TOKEN_URL answers ${status} ${body.error || ''}`);
    global.faunaLoginToken = { token: body.access_token, until: Date.now() + (body.expires_in - 60) * 1000 };
    return body.access_token;
  }

  async function post(url, body, token) {
    const headers = { 'Content-Type': 'application/json' };
    if (token) headers.Authorization = `Bearer ${token}`;
    try {
      const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body), signal, redirect: 'error' });
      return { status: response.status, body: await response.json() };
    } catch (err) {
      throw new Error(`${new URL(url).host} does not answer: ${err.name}`); // nothing of what was sent
    }
  }
}
