// The three ways to keep the secret: what the page says of them, and what an app writes.

export const modes = {
  bearer: {
    title: 'Bearer',
    gives: 'a secret, for a minute',
    query: 'FQL, with the secret',
    holds: 'The Fauna secret, in this page’s memory. A reload forgets it, and Auth0 has to be asked again.',
    loses: 'The secret, until it ends, and the Auth0 token beside it in memory, which is worth many secrets.',
    lead: 'The page sent the token and got this secret, which it keeps in memory and nowhere else.',
  },
  refresh: {
    title: 'Refresh',
    gives: 'a secret and a cookie',
    query: 'FQL, with the secret',
    holds: 'A short-lived secret in memory, and in a cookie that no script can read the handle for the next one. Reload this page: no login is needed.',
    loses: 'The secret of the moment, and new ones while the page is open, but not the handle; a handle stolen elsewhere is noticed, and ends the session. Also the Auth0 token, until a reload forgets it.',
    lead: 'The page keeps this secret in memory. The next one comes for the handle in the cookie, without Auth0.',
  },
  cookie: {
    title: 'Cookie',
    gives: 'a sealed cookie',
    query: 'FQL, by way of fauna-login',
    holds: 'Only a cookie that no script can read, with the secret sealed in it. Queries pass through the exchange, which opens it.',
    loses: 'No Fauna secret: it can query as you while the page is open, and no longer. The Auth0 token in memory it takes all the same; this mode protects the Fauna secret alone.',
    lead: 'There is no secret to show: it went into a cookie, sealed, and no script can read that. What you see is its life.',
  },
};

export const snippet = (mode) => `import * as fauna from 'fauna';
import { createAuth0Client } from '@auth0/auth0-spa-js';
import { createFaunaSession } from 'fauna-login';

const auth0 = await createAuth0Client({ … });
const session = createFaunaSession({
  loginUrl: 'https://login.example.com/fauna-login',
  getAccessToken: ({ fresh }) => auth0.getTokenSilently({ cacheMode: fresh ? 'off' : 'on' }),${mode === 'bearer' ? '' : `
  mode: '${mode}',`}
});

if (new URLSearchParams(location.search).has('state')) { // back from Auth0
  await auth0.handleRedirectCallback();
  await session.login(); // for whoever that was, not for who was here before
}

const client = session.client(fauna); // its secret renews itself
await client.query(fauna.fql\`Note.all()\`);`;
