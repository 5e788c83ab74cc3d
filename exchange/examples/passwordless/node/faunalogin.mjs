// Asks fauna-login for secrets on users' behalf. The backend identifies itself with a token of
// the client credentials grant (RFC 6749 §4.4), which is kept until shortly before it expires.

const { EXCHANGE_URL, AUTH0_ISSUER, AUTH0_AUDIENCE, AUTH0_CLIENT_ID, AUTH0_CLIENT_SECRET } = process.env;

// An answer other than 200.
class Refusal extends Error {
  constructor(from, status) {
    super(`${from} answered ${status}`);
    this.from = from;
    this.status = status;
  }
}

async function post(from, url, headers, body) {
  const res = await fetch(url, { method: "POST", headers, body, redirect: "error", signal: AbortSignal.timeout(10_000) });
  if (res.status !== 200) {
    await res.body?.cancel();
    throw new Refusal(from, res.status);
  }
  return res.json();
}

let token; // a promise, so that there is one fetch at a time
let expires = 0; // milliseconds since 1970

// This backend's own access token.
function machineToken() {
  if (Date.now() >= expires) {
    expires = Infinity; // while it is being fetched
    token = post("Auth0", AUTH0_ISSUER + "oauth/token", {}, new URLSearchParams({
      grant_type: "client_credentials", client_id: AUTH0_CLIENT_ID, client_secret: AUTH0_CLIENT_SECRET,
      audience: AUTH0_AUDIENCE, scope: "fauna:issue_for_user",
    })).then(({ access_token, expires_in }) => {
      expires = Date.now() + (expires_in - 60) * 1000;
      return access_token;
    }, (err) => {
      expires = 0;
      throw err;
    });
  }
  return token;
}

// Gets a secret for a user whom the app has authenticated: {secret, endpoint, expires_at, …}.
// user are fields for the user's document, such as claims.user of fauna-login's configuration
// names.
export async function onBehalf(sub, user) {
  const ask = async () => post("fauna-login", EXCHANGE_URL + "/fauna-login/on-behalf", {
    Authorization: `Bearer ${await machineToken()}`, "Content-Type": "application/json",
  }, JSON.stringify({ sub, user }));
  try {
    return await ask();
  } catch (err) {
    if (err.from !== "fauna-login" || err.status !== 401) throw err;
    expires = 0; // a key was rotated, or a clock is wrong: once more with a new one
    return ask();
  }
}
