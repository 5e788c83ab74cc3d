/** @license Apache-2.0. What it does, and asks of the server: fauna-login.d.ts. */

export class FaunaLoginError extends Error {
  name = 'FaunaLoginError';
  constructor(code, { cause, message = code, ...more } = {}) {
    super(message, { cause });
    Object.assign(this, more, { code });
  }
}

export class LoginRequired extends FaunaLoginError {
  name = 'LoginRequired';
}

const noop = () => {};

// A cookie counts with a header that no form sends.
const proof = (token, page, headers) => ({
  credentials: page ? 'include' : 'omit',
  redirect: 'error',
  headers: { ...headers, ...(token && { Authorization: `Bearer ${token}` }), ...(page && { 'X-Fauna-Login': page }) },
});

// No session there, or no user at Auth0.
const allowNone = (e) => {
  if (e.status !== 401 && e.code !== 'login_required') throw e;
};

export function createFaunaSession({
  loginUrl,
  getAccessToken,
  mode = 'bearer',
  resume = true,
  skewSeconds = 30,
  refreshAheadSeconds = 60,
  timeoutSeconds = 6,
  maxWaitSeconds = 30,
  fetch = globalThis.fetch,
  // The one may be set back, the other sleep.
  now = () => Math.max(Date.now(), performance.timeOrigin + performance.now()),
  random = Math.random,
  document = globalThis.document,
  BroadcastChannel = document && globalThis.BroadcastChannel,
  setTimeout = globalThis.setTimeout,
  clearTimeout = globalThis.clearTimeout,
}) {
  const listeners = new Set();
  let epoch = 0; // counts logins and logouts: what began before is void
  let ended; // 'logged_out' or 'closed'
  let current, margin, renewAt; // ms
  let previous, whose; // the answer, its user's id
  let spent; // it ends with its token: the next takes a new token
  let resumable;
  let pending; // the attempt in flight
  let wire; // its request, or logout's; the next waits, lest a late answer sets a cookie
  let failures, notBefore, trouble; // an outage
  let timer;

  const check = (mine) => {
    if (mine !== epoch || ended) throw new (ended === 'closed' ? FaunaLoginError : LoginRequired)(ended ?? 'logged_out');
  };

  const emit = (type) => listeners.forEach((cb) => queueMicrotask(cb.bind(null, { type, current })));

  const peek = () => (now() < current?.expiresAt ? current : undefined);

  const isOther = (id) => id && whose && id !== whose;

  // Whose cookie counts; 1: anybody's.
  const page = (id = whose ?? '1') => mode !== 'bearer' && id;

  async function send(path, token, page, method = 'POST') {
    try {
      const res = await fetch(loginUrl + path, {
        ...proof(token, page),
        method,
        signal: AbortSignal.timeout(timeoutSeconds * 1e3),
      });
      const { ok, status, headers } = res;
      if (ok) return status === 204 || Object(await res.json());
      const { error, request_id } = Object(await res.json().catch(noop));
      const wait = headers.get('Retry-After');
      // Our clock may be wrong.
      const seconds = +wait || (Date.parse(wait) - (Date.parse(headers.get('Date')) || now())) / 1e3;
      throw new FaunaLoginError(error ?? `http_${status}`, {
        status,
        requestId: request_id,
        retryAfter: status === 429 || status > 499 ? Math.min(Math.max(seconds, 0), 3600) || 0 : undefined,
      });
    } catch (cause) {
      throw cause instanceof FaunaLoginError ? cause : new FaunaLoginError('network', { cause, retryAfter: 0 });
    }
  }

  async function accessToken(fresh = false) {
    let token, cause;
    try {
      token = await getAccessToken({ fresh });
    } catch (e) {
      cause = e;
    }
    if (cause && !/_required$|_refresh_token$|^(invalid_grant|access_denied)$/.test(cause.error)) throw new FaunaLoginError('token_unavailable', { cause, retryAfter: 0 });
    if (!token) throw new LoginRequired('login_required', { cause });
    if (token.split('.').length !== 3) throw new FaunaLoginError('no_audience', { message: 'An opaque token: set `audience` in authorizationParams' });
    return token;
  }

  async function attempt(mine) {
    await wire?.catch(noop);
    let at, answer;
    const post = (path, token) => {
      check(mine);
      at = now(); // its life begins later
      return (wire = send(path, token, page()).then(async (body) => {
        if (ended === 'logged_out' && !isOther(body.user?.id)) await send('', body.secret, page(body.user?.id), 'DELETE').catch(noop);
        check(mine);
        return body;
      }));
    };
    if (resumable && !spent) answer = await post('/refresh').catch((e) => (resumable = allowNone(e)));
    for (let fresh = spent; !answer; fresh = true) {
      const token = await accessToken(fresh);
      answer = await post('', token).catch((e) => {
        allowNone(e);
        // "cnf" in base64url, for the error's text alone.
        if (fresh) throw /ImNuZiI|JjbmYi|iY25mI/.test(token) ? new FaunaLoginError('dpop', { ...e, message: 'Bound to a DPoP key: turn useDpop off' }) : new LoginRequired('login_required', { ...e });
      });
    }
    const { secret, expires_in, expires_at, endpoint, user, session } = answer;
    const life = expires_in * 1e3;
    const expiresAt = at + life;
    if (!(life > 0 && endpoint && user?.id && session?.id) || !secret !== (mode === 'cookie')) throw new FaunaLoginError('bad_response');
    if (now() >= expiresAt) throw new FaunaLoginError('network', { retryAfter: 0 }); // slept on the way
    spent = expires_at <= previous?.expires_at && expires_in < previous.expires_in;
    resumable = mode === 'refresh';
    failures = notBefore = 0;
    margin = Math.min(skewSeconds * 1e3, (expiresAt - now()) / 4);
    renewAt = expiresAt - Math.min(refreshAheadSeconds * 1e3, life / 2) * (1 - random() / 4);
    current = Object.freeze({ secret, expiresAt, endpoint, user, session });
    arm();
    emit(whose === user.id ? 'renewal' : 'login');
    previous = answer;
    whose = user.id;
    return current;
  }

  function share() {
    const mine = epoch;
    return (pending ??= attempt(mine)
      .catch((e) => {
        check(mine);
        if (e.retryAfter >= 0) {
          notBefore = now() + Math.max(Math.min(2 ** failures++ / 2, 15) * (1 + random()), e.retryAfter * (1 + random() / 10)) * 1e3;
          trouble = e;
        } else renewAt = Infinity;
        arm();
        throw e;
      })
      .finally(() => mine === epoch && (pending = undefined)));
  }

  // Not for a hidden page, nor on and on in an outage.
  function arm() {
    clearTimeout(timer);
    if (current && !document?.hidden && (!failures || peek())) timer = setTimeout(() => renew() || arm(), Math.min(due(), 2 ** 31 - 1));
  }

  const due = () => Math.max(renewAt, notBefore) - now();
  const renew = () => due() <= 0 && share().catch(noop);

  async function obtain() {
    const mine = epoch;
    for (let patience = maxWaitSeconds * 1e3; ; ) {
      check(mine);
      const wait = notBefore - now();
      // In an outage it serves to its very end.
      if (now() < current?.expiresAt - (wait > 0 ? 0 : margin)) {
        renew();
        return current;
      }
      if (wait > 0) {
        trouble.retryAfter = wait / 1e3;
        if ((patience -= wait) < 0) throw trouble;
        await new Promise((resolve) => setTimeout(resolve, wait));
      } else {
        await share().catch((e) => {
          if (!(e.retryAfter >= 0)) throw e;
        });
      }
    }
  }

  const getSecret = (signal) =>
    new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      const stop = () => reject(signal.reason);
      signal?.addEventListener('abort', stop);
      obtain().then(resolve, reject).finally(() => signal?.removeEventListener('abort', stop));
    });

  function drop(lost) {
    if (lost && lost !== current && lost !== current?.secret) return;
    current = undefined;
    arm();
  }

  function reset(why) {
    epoch++;
    ended = why;
    pending = spent = resumable = undefined;
    failures = notBefore = 0;
    drop();
  }

  // Beside the cookie, which may be another user's, the token. In other tabs neither: they may be of a newer login.
  async function leave(own) {
    const last = peek();
    const cookie = own && page();
    reset('logged_out');
    emit('logout');
    await wire?.catch(noop);
    const asked = (async () => last?.secret ?? (own && accessToken()))();
    const token = await asked.catch(noop);
    if (token || cookie) await send('', token, cookie, 'DELETE').catch(allowNone);
    if (!last) await asked.catch(allowNone);
  }

  function client(fauna, config) {
    const wrapped = (cause) => {
      throw cause instanceof FaunaLoginError ? cause : new fauna.NetworkError('network', { cause });
    };
    async function call({ data, headers: { Authorization, ...headers }, method, path }, signal, again) {
      const used = await obtain();
      const { secret, endpoint, user } = used;
      const res = await fetch(endpoint + path, {
        ...proof(secret, !secret && user.id, { ...headers, 'Content-Type': 'application/json' }),
        method,
        body: JSON.stringify(data),
        signal: signal(),
      });
      if (again || res.status !== 401) return res;
      drop(used);
      return call(...arguments, true);
    }
    // Our errors out of the driver's.
    class Client extends fauna.Client {
      query(...args) {
        return super.query(...args).catch((e) => {
          throw e.cause instanceof FaunaLoginError ? e.cause : e;
        });
      }
    }
    return new Client({ ...config, secret: '-' }, {
      async request(req) {
        const res = await call({ path: '/query/1', ...req }, () => AbortSignal.timeout(req.client_timeout_ms)).catch(wrapped);
        return { status: res.status, headers: Object.fromEntries(res.headers), body: await res.text().catch(wrapped) };
      },
      stream(req) {
        const abort = new AbortController();
        async function* read() {
          const res = await call({ path: '/stream/1', ...req }, () => abort.signal).catch(wrapped);
          if (!res.ok) throw new fauna.ServiceError(await res.json().catch(wrapped), res.status);
          const reader = res.body.pipeThrough(new TextDecoderStream()).getReader();
          for (let rest = ''; ; ) {
            const { done, value } = await reader.read().catch(wrapped);
            if (done) return;
            const lines = (rest + value).split('\n');
            rest = lines.pop();
            yield* lines;
          }
        }
        return { read: read(), close: () => abort.abort() };
      },
      close: noop,
    });
  }

  reset();
  resumable = mode === 'refresh' && resume;
  document?.addEventListener('visibilitychange', arm);
  let channel;
  try {
    channel = new BroadcastChannel(`fauna-login ${loginUrl}`);
    channel.onmessage = ({ data }) => ended || isOther(data) || ((whose ??= data), (wire = leave()).catch(noop));
  } catch {} // None where storage is denied.

  return {
    getSecret,
    peek,
    invalidate: drop,
    login(signal) {
      previous = whose = undefined;
      reset();
      return getSecret(signal);
    },
    logout() {
      channel?.postMessage(whose);
      return (wire = leave(true));
    },
    onChange(cb) {
      listeners.add(cb);
      return () => listeners.delete(cb);
    },
    client,
    close() {
      reset('closed');
      listeners.clear();
      channel = channel?.close();
      document?.removeEventListener('visibilitychange', arm);
    },
  };
}
