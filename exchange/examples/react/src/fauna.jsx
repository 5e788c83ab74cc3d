// The Fauna client of whoever Auth0 says is logged in. One for the whole page; copy this file into your app.

import { createContext, useContext, useEffect, useState } from 'react';
import { useAuth0 } from '@auth0/auth0-react';
import * as fauna from 'fauna';
import { createFaunaSession } from 'fauna-login';

const Context = createContext(undefined);

/** @returns {{client: fauna.Client, session: import('fauna-login').FaunaSession}} */
export const useFauna = () => useContext(Context);

export function FaunaProvider({ loginUrl, mode, resume, children }) {
  const { getAccessTokenSilently, isLoading } = useAuth0();
  const [value, setValue] = useState();

  useEffect(() => {
    if (isLoading) return; // the redirect back from Auth0 is still being handled
    const session = createFaunaSession({
      loginUrl,
      mode,
      resume, // in mode `refresh`, not after a redirect: the cookie may be of the user before
      getAccessToken: ({ fresh }) => getAccessTokenSilently({ cacheMode: fresh ? 'off' : 'on' }),
    });
    setValue({ session, client: session.client(fauna) });
    return () => session.close(); // StrictMode does this once for nothing
  }, [loginUrl, mode, resume, isLoading, getAccessTokenSilently]);

  return value && <Context value={value}>{children}</Context>;
}
