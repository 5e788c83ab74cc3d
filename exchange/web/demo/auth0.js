// Login at Auth0: authorization code with PKCE (RFC 7636), by a redirect of the whole page.
//
// In your app use @auth0/auth0-spa-js, which does this and more. Here it is written out so that nothing is hidden. Like
// that library it keeps tokens in memory alone, so a reload forgets them; what must outlive the redirect, the verifier and
// the state, is in sessionStorage until the redirect is back.

const TRANSACTION = 'fauna-login demo: auth0';

const base64url = (bytes) => btoa(String.fromCharCode(...new Uint8Array(bytes))).replace(/\+/g, '-').replace(/\//g, '_').replace(/=+$/, '');
const random = () => base64url(crypto.getRandomValues(new Uint8Array(32)));

export function createAuth0({ issuer, clientId, audience, redirectUri, storage = sessionStorage }) {
  let tokens; // the answer of /oauth/token

  async function askToken(parameters) {
    const body = new URLSearchParams({ client_id: clientId, ...parameters });
    const res = await fetch(`${issuer}/oauth/token`, { method: 'POST', body });
    const answer = await res.json();
    if (!res.ok) throw Object.assign(new Error(answer.error_description), { error: answer.error });
    tokens = answer;
  }

  return {
    // Leaves this page. `appState` comes back from finishLogin.
    async login({ hint, appState }) {
      const [state, verifier] = [random(), random()];
      const challenge = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(verifier));
      storage.setItem(TRANSACTION, JSON.stringify({ state, verifier, appState }));
      location.assign(`${issuer}/authorize?${new URLSearchParams({
        response_type: 'code',
        client_id: clientId,
        redirect_uri: redirectUri,
        audience, // without it the token is opaque and no API can read it
        scope: 'openid profile email offline_access',
        state,
        code_challenge: base64url(challenge),
        code_challenge_method: 'S256',
        login_hint: hint,
      })}`);
    },

    // After the redirect: the code becomes tokens. Undefined when this is no such redirect.
    async finishLogin() {
      const answer = new URLSearchParams(location.search);
      if (!answer.has('state')) return undefined;
      history.replaceState(null, '', location.pathname); // a code is good once: a reload must not send it again
      const { state, verifier, appState } = JSON.parse(storage.getItem(TRANSACTION)) ?? {};
      storage.removeItem(TRANSACTION);
      if (!state || answer.get('state') !== state) throw new Error('This login was not begun in this tab. Log in again.');
      if (answer.has('error')) throw new Error(answer.get('error_description') ?? answer.get('error'));
      await askToken({ grant_type: 'authorization_code', code: answer.get('code'), code_verifier: verifier, redirect_uri: redirectUri });
      return appState;
    },

    // What createFaunaSession wants: like auth0-spa-js's getTokenSilently, with refresh tokens.
    async getAccessToken({ fresh = false } = {}) {
      if (!tokens) throw Object.assign(new Error('Log in'), { error: 'login_required' });
      for (const old = tokens.access_token; fresh && tokens.access_token === old; ) {
        await askToken({ grant_type: 'refresh_token', refresh_token: tokens.refresh_token });
        // Two tokens of one second are the same to the byte: then it is not fresh.
        if (tokens.access_token === old) await new Promise((resolve) => setTimeout(resolve, 500));
      }
      return tokens.access_token;
    },

    // The access token in memory, if there is one.
    token: () => tokens?.access_token,
    forget: () => (tokens = undefined),
    logoutUrl: () => `${issuer}/v2/logout?${new URLSearchParams({ client_id: clientId, returnTo: redirectUri })}`,
  };
}
