// What an app would bundle, in the hands of the tests.

import * as fauna from 'fauna';
import { createFaunaSession } from '../../fauna-login.js';

// An error as far as it can leave the page.
const plain = (error) => ({ name: error.name, message: error.message, code: error.code, status: error.status ?? error.httpStatus });

window.kit = {
  fauna,
  createFaunaSession,
  // The page's login at the tenant; a redirect back is handled here.
  async auth0({ domain, clientId, audience, ...options }) {
    const { Auth0Client } = await import('@auth0/auth0-spa-js'); // when it is wanted: it is most of the kit
    const client = new Auth0Client({ domain, clientId, ...options, authorizationParams: { redirect_uri: location.origin + location.pathname, audience } });
    if (location.search.includes('state=')) {
      await client.handleRedirectCallback();
      history.replaceState(null, '', location.pathname);
    }
    return client;
  },
  // What became of a promise.
  outcome: (promise) => Promise.resolve(promise).then((value) => ({ value }), (error) => ({ error: plain(error) })),
};
