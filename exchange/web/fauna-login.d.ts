/**
 * fauna-login: a short-lived Fauna secret for a page whose user is logged in with Auth0, kept in memory and renewed ahead of its end.
 *
 * ```js
 * const session = createFaunaSession({
 *   loginUrl: 'https://login.example.com/fauna-login',
 *   getAccessToken: ({ fresh }) => auth0.getTokenSilently({ cacheMode: fresh ? 'off' : 'on' }),
 * });
 * await session.login(); // after a login at Auth0
 * const client = session.client(fauna); // import * as fauna from 'fauna'
 * await client.query(fauna.fql`Note.all()`);
 * await session.logout(); // then auth0.logout()
 * ```
 *
 * What it asks of the server, the same program in each mode:
 *
 * - `POST {loginUrl}`, `Authorization: Bearer <Auth0 token>`, no body → 200 `{secret, token_type, expires_in, expires_at, issued_at,
 *   endpoint, user: {id}, session: {id}}`. Times of the secret in UTC and whole seconds, `expires_in` = `expires_at` − `issued_at`.
 *   Mode `refresh` also sets the refresh cookie. Mode `cookie` sets the cookie that holds the secret, and leaves `secret` out;
 *   `expires_in` is then the cookie's life and `endpoint` the origin that takes it.
 * - `POST {loginUrl}/refresh`, mode `refresh` alone: the cookie in place of a token → the same 200 and the next cookie; 401 when an
 *   Auth0 token is needed: no cookie, another user's, a session that has ended, or too little of it left for a secret.
 * - `DELETE {loginUrl}` → 204. Ends the session of the secret or Auth0 token in `Authorization`, and that of the cookie, whichever are
 *   there; clears the cookie; also 204 when there was nothing to end. 401 only for an Auth0 token that does not verify.
 * - Requests that may carry a cookie are sent with `credentials: 'include'` and the header `X-Fauna-Login`: all of those above in modes
 *   `refresh` and `cookie`, and in mode `cookie` also `POST {endpoint}/query/1`, `/stream/1` and `/feed/1`, which have no
 *   `Authorization` then. In mode `bearer`, and to Fauna itself, there are no credentials and no such header; nor for the `DELETE` of
 *   a secret after another tab's logout.
 * - `X-Fauna-Login` is the `user.id` of the page, or `1` while it knows none. A cookie of another user then does not count, is not used
 *   up, and stays: `/refresh` and queries are answered 401, `DELETE` ends no more than the session of its `Authorization`. `POST
 *   {loginUrl}` has a token, and sets a cookie whatever the header says.
 * - Errors are `{error, error_description, request_id}`: 401 takes one more try with a fresh Auth0 token, then a login; 429 and 5xx are
 *   tried again after `Retry-After` (seconds, or a date); all others are final. Behind `/query/1` errors are Fauna's own: 401
 *   `unauthorized` takes one new secret and one more try.
 * - Redirects are not followed. To pages of other origins `Retry-After` must be exposed, and if it may be a date, `Date`.
 *
 * Several tabs: each has a secret of its own, the cookie is one for all and is that of the last login or renewal.
 *
 * - {@link FaunaSession.logout} in one tab logs out the others of the page's origin that have the same `loginUrl` and user, or do not
 *   know their user yet; all, if its own does not know the user. They hear it over a `BroadcastChannel` named `fauna-login {loginUrl}`,
 *   whose messages are `user.id`, or undefined. Each forgets its secret, ends it on the server, tells its listeners `logout`, and gives
 *   out no other until {@link FaunaSession.login}; an answer still under way is ended when it comes, unless it is another user's. Where
 *   the browser denies the page its storage, there may be no such channel: then each tab is logged out by itself.
 * - Tabs of two users go on side by side. The cookie that the one has set is refused to the other, which exchanges its own Auth0 token
 *   then, and so takes its place: in mode `refresh` when it renews, in mode `cookie` with its next query. A logout ends nothing of the
 *   other's.
 */

/** How the secret is kept: see `session.mode` of the server, which must be in the same one. */
export type Mode = 'bearer' | 'refresh' | 'cookie';

export interface Options<M extends Mode = 'bearer'> {
  /** The server's route, without a slash at its end: `https://login.example.com/fauna-login`. The same in all tabs. */
  loginUrl: string;
  /**
   * An Auth0 access token for the API's audience, anew if `fresh`: after one was refused, or has ended the last secret. None, or an
   * error with one of Auth0's codes (`login_required`, `invalid_grant`, …), becomes {@link LoginRequired}; any other error counts as
   * an outage. It must settle: {@link FaunaSession.logout} asks for a token too, and later logins wait for that. The token says who
   * the user is, so it must be of this page's user, also where tabs of two users share what Auth0 keeps.
   */
  getAccessToken: (options: { fresh: boolean }) => Promise<string | undefined>;
  /** Default: `'bearer'`. */
  mode?: M;
  /** Mode `refresh`: the first secret may come from the cookie of an earlier page. Default: true. */
  resume?: boolean;
  /** A secret with less left than this, or than a quarter of what it came with, is not handed out unless there is an outage. Default: 30. */
  skewSeconds?: number;
  /** Renewal begins so long before the end, or at half of the life, or up to a quarter of that later. Default: 60. */
  refreshAheadSeconds?: number;
  /** How long one request may take; in mode `refresh` below ten, for then a lost answer can be had again. Default: 6. */
  timeoutSeconds?: number;
  /** How long a caller without a secret waits between tries in an outage, all in all. Default: 30. */
  maxWaitSeconds?: number;
  fetch?: typeof globalThis.fetch;
  /** Milliseconds. Default: the later of `Date.now` and of what `performance.now` has counted. */
  now?: () => number;
  random?: () => number;
  /** Whose visibility counts. Default: the page, if there is one. */
  document?: Pick<Document, 'hidden' | 'addEventListener' | 'removeEventListener'>;
  /** How tabs hear of each other's logout. Default: the page's; none where there is no page, or where making one throws. */
  BroadcastChannel?: new (name: string) => Pick<BroadcastChannel, 'postMessage' | 'onmessage' | 'close'>;
  setTimeout?: (callback: () => void, ms: number) => unknown;
  clearTimeout?: (id: any) => void;
}

/** What an exchange has given; frozen. */
export interface FaunaSecret<M extends Mode = 'bearer'> {
  /** Mode `cookie` keeps it from the page. */
  readonly secret: M extends 'cookie' ? undefined : string;
  /** Milliseconds on this machine's clock, whatever that is set to. */
  readonly expiresAt: number;
  /** Where queries go. */
  readonly endpoint: string;
  readonly user: { readonly id: string };
  readonly session: { readonly id: string };
}

export interface Change<M extends Mode = 'bearer'> {
  /** `login` also when another user's secret takes the place of one, `logout` also in another tab. */
  type: 'login' | 'renewal' | 'logout';
  current: FaunaSecret<M> | undefined;
}

/** The parts of the npm package `fauna` that are used. */
export interface Driver<C> {
  Client: new (config?: any, httpClient?: any) => C;
  NetworkError: new (message: string, options: { cause: any }) => Error;
  ServiceError: new (failure: any, httpStatus?: number) => Error;
}

export interface FaunaSession<M extends Mode = 'bearer'> {
  /**
   * A secret that is alive; all callers share one exchange. An abort of `signal` ends this caller's wait alone.
   * @throws {FaunaLoginError} or what the signal was aborted with.
   */
  getSecret(signal?: AbortSignal): Promise<FaunaSecret<M>>;
  /** The secret in hand, if it is alive. Asks nobody. */
  peek(): FaunaSecret<M> | undefined;
  /** Forgets the secret in hand, if it is this one: Fauna took it no more. Without an argument, whichever it is. */
  invalidate(secret?: string): void;
  /** A new session for whoever Auth0 says is logged in, not for the cookie's user: after a login, and after {@link logout}. */
  login(signal?: AbortSignal): Promise<FaunaSecret<M>>;
  /**
   * Forgets the secret, here and in the user's other tabs, ends the user's session on the server, then resolves: Auth0's own logout
   * comes after. Until {@link login} there are no secrets any more.
   *
   * What ends: the session of the secret in hand, if it is alive, else that of the Auth0 token, for which it asks then (in mode
   * `cookie`, whose secret it does not hold, always); besides, that of the cookie, if it is this user's, or the page knows none.
   * Without a login at Auth0 the cookie's alone. Where the token cannot be had for another reason, likewise, and unless a secret was
   * alive (in mode `cookie`: its cookie had not yet run out or been refused) it then rejects with that error.
   *
   * If it rejects, the session may live on (a cookie, too): call it again.
   */
  logout(): Promise<void>;
  /** @returns what ends the subscription. */
  onChange(listener: (change: Change<M>) => void): () => void;
  /**
   * A client of the official driver, which is passed in: `import * as fauna from 'fauna'`. Each request takes the secret of the moment;
   * `endpoint`, `secret` and `fetch_keepalive` of `config` have no meaning here.
   */
  client<C>(fauna: Driver<C>, config?: object): C;
  /** Forgets the secret, ends timers and hears of no other tab's logout any more. The session lives on where others use it. */
  close(): void;
}

/** One for each page. */
export function createFaunaSession<M extends Mode = 'bearer'>(options: Options<M>): FaunaSession<M>;

/** Holds no secret and no token; `cause` is the error of `fetch` or `getAccessToken`. */
export class FaunaLoginError extends Error {
  /**
   * The server's `error` (`access_denied`, `insufficient_scope`, `too_many_requests`, `temporarily_unavailable`, …), else
   * `http_<status>`, `network`, `token_unavailable` (`getAccessToken` failed), `no_audience` (an opaque token), `dpop` (a token bound
   * to a DPoP key), `bad_response` (not fauna-login, or in another mode), `closed`; see also {@link LoginRequired}.
   */
  code: string;
  /** HTTP status, if there was an answer. */
  status?: number;
  /** Seconds until a new try makes sense; undefined: it does not. */
  retryAfter?: number;
  /** Finds the refusal in the server's log. */
  requestId?: string;
}

/** The user must log in with Auth0: `login_required`, or `logged_out` after {@link FaunaSession.logout} here or in another tab. */
export class LoginRequired extends FaunaLoginError {}
