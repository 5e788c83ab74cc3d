import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { Auth0Provider } from '@auth0/auth0-react';
import { FaunaProvider } from './fauna.jsx';
import { Notes } from './notes.jsx';

const config = await (await fetch('config.json')).json();
const page = location.origin + location.pathname;
const redirected = new URLSearchParams(location.search).has('state'); // back from Auth0

createRoot(document.getElementById('root')).render(
  <StrictMode>
    <Auth0Provider
      domain={config.domain}
      clientId={config.clientId}
      authorizationParams={{ redirect_uri: page, audience: config.audience }}
    >
      <FaunaProvider loginUrl={config.loginUrl} mode={config.mode} resume={!redirected}>
        <Notes page={page} />
      </FaunaProvider>
    </Auth0Provider>
  </StrictMode>,
);
