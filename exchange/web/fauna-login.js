/**
 * A short-lived Fauna secret, kept in memory, for a page whose user Auth0 knows.
 * Types, options, and what it asks of the server: fauna-login.d.ts.
 * @license Apache-2.0
 */

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

// Date.now may be set back, performance.now may sleep: by the later one no secret lives too long.
const clock = (start = Date.now() - performance.now()) => () => Math.max(Date.now(), start + performance.now());

// For the error's text alone: the server judges tokens.
const isDPoP = (token) => {
  try {
    return 'cnf' in JSON.parse(atob(token.split('.')[1].replace(/-/g, '+').replace(/_/g, '/')));
  } catch {}
};

// What a request shows: a token or secret, cookies with the header that no form sends.
const proof = (token, cookie, headers) => ({
  credentials: cookie ? 'include' : 'omit',
  redirect: 'error',
  headers: { ...headers, ...(token && { Authorization: `Bearer ${token}` }), ...(cookie && { 'X-Fauna-Login': '1' }) },
});

const allow401 = (e) => {
  if (e.status !== 401) throw e;
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
  now = clock(),
  random = Math.random,
  document = globalThis.document,
  setTimeout = globalThis.setTimeout,
  clearTimeout = globalThis.clearTimeout,
}) {
  const cookies = mode !== 'bearer';
  const listeners = new Set();
  let epoch = 0; // counts logins and logouts: what began before is void
  let ended; // 'logged_out' or 'closed'
  let current, margin, renewAt; // the answer; ms
  let previous; // the same as it came, in times of the server's clock
  let spent; // it ends with its token: the next takes a new token
  let resumable;
  let pending; // the attempt in flight
  let wire; // its request, or logout's; the next waits, lest a late answer sets a cookie
  let failures, notBefore, trouble; // an outage
  let timer;

  const check = (mine) => {
    if (mine !== epoch || ended) throw new (ended === 'closed' ? FaunaLoginError : LoginRequired)(ended ?? 'logged_out');
  };

  const emit = (type) => {
    const event = { type, current };
    listeners.forEach((cb) => queueMicrotask(() => cb(event)));
  };

  const peek = () => (now() < current?.expiresAt ? current : undefined);

  async function send(path, token, method = 'POST') {
    try {
      const res = await fetch(loginUrl + path, {
        ...proof(token, cookies),
        method,
        signal: AbortSignal.timeout(timeoutSeconds * 1e3),
      });
      const { ok, status, headers } = res;
      if (ok) return status === 204 ? {} : Object(await res.json());
      const { error, request_id } = (await res.json().catch(noop)) ?? {};
      const wait = headers.get('Retry-After');
      // A date counts from the server's own if we may read that: our clock may be wrong.
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
    if (token.split('.').length !== 3) throw new FaunaLoginError('no_audience', { message: 'Auth0 gave an opaque token: pass `audience` in authorizationParams' });
    return token;
  }

  async function attempt(mine) {
    await wire?.catch(noop);
    let at, answer;
    const post = (path, token) => {
      check(mine);
      at = now(); // before the secret's life begins there
      return (wire = send(path, token).then(async (body) => {
        if (body.secret && ended === 'logged_out') await send('', body.secret, 'DELETE').catch(noop);
        check(mine);
        return body;
      }));
    };
    if (resumable && !spent) answer = await post('/refresh').catch((e) => (resumable = allow401(e)));
    for (let fresh = spent; !answer; fresh = true) {
      const token = await accessToken(fresh);
      answer = await post('', token).catch((e) => {
        allow401(e);
        if (fresh) throw isDPoP(token) ? new FaunaLoginError('dpop', { ...e, message: 'The token is bound to a DPoP key: turn useDpop off' }) : new LoginRequired('login_required', { ...e });
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
    margin = Math.min(skewSeconds * 1e3, life / 4);
    renewAt = expiresAt - Math.min(refreshAheadSeconds * 1e3, life / 2) * (1 - random() / 4);
    current = Object.freeze({ secret, expiresAt, endpoint, user, session });
    arm();
    emit(previous?.user.id === user.id ? 'renewal' : 'login');
    previous = answer;
    return current;
  }

  // One attempt for all callers.
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
      .finally(() => {
        if (mine === epoch) pending = undefined;
      }));
  }

  // Renews ahead, but not for a page that nobody sees, nor on and on in an outage.
  function arm() {
    clearTimeout(timer);
    if (!current || document?.hidden || (failures && !peek())) return;
    timer = setTimeout(() => renew() || arm(), Math.min(Math.max(renewAt, notBefore) - now(), 2 ** 31 - 1));
  }

  const renew = () => now() >= Math.max(renewAt, notBefore) && share().catch(noop);

  async function obtain() {
    const mine = epoch;
    for (let patience = maxWaitSeconds * 1e3; ; ) {
      check(mine);
      const wait = notBefore - now();
      // In an outage the secret serves to its very end, else to the margin.
      if (now() < current?.expiresAt - (wait > 0 ? 0 : margin)) {
        renew();
        return current;
      }
      if (wait > 0) {
        trouble.retryAfter = wait / 1e3;
        if ((patience -= wait) < 0) throw trouble;
        await new Promise((resolve) => setTimeout(resolve, wait));
      } else {
        try {
          const fresh = await share();
          check(mine);
          return fresh;
        } catch (e) {
          if (!(e.retryAfter >= 0)) throw e;
        }
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
    previous = pending = spent = resumable = undefined;
    failures = notBefore = 0;
    drop();
  }

  async function end(secret, before) {
    await before?.catch(noop);
    try {
      await send('', secret || cookies ? secret : await accessToken(), 'DELETE');
    } catch (e) {
      if (!(e instanceof LoginRequired)) allow401(e); // nothing to end
    }
  }

  function client(fauna, config) {
    const wrapped = (cause) => {
      throw cause instanceof FaunaLoginError ? cause : new fauna.NetworkError('network', { cause });
    };
    // Fauna's 401 is worth one new secret.
    async function call({ data, headers: { Authorization, ...headers }, method, path }, signal, again) {
      const used = await obtain();
      const { secret, endpoint } = used;
      const res = await fetch(endpoint + path, {
        ...proof(secret, !secret, { ...headers, 'Content-Type': 'application/json' }),
        method,
        body: JSON.stringify(data),
        signal: signal(),
      });
      if (again || res.status !== 401) return res;
      drop(used);
      return call(...arguments, true);
    }
    // The driver wraps what its HTTP client throws: ours comes out as it is.
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

  return {
    getSecret,
    peek,
    invalidate: drop,
    login(signal) {
      reset();
      return getSecret(signal);
    },
    logout() {
      const secret = peek()?.secret;
      reset('logged_out');
      emit('logout');
      return (wire = end(secret, wire));
    },
    onChange(cb) {
      listeners.add(cb);
      return () => listeners.delete(cb);
    },
    client,
    close() {
      reset('closed');
      listeners.clear();
      document?.removeEventListener('visibilitychange', arm);
    },
  };
}
