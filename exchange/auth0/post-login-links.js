/*
 * fauna-login: link claims on the access token. A post-login Action, without any network: the
 * recommended form. How to deploy it is in README.md beside this file.
 *
 * It tells fauna-login of Auth0's session, so that ending that one ends the user's Fauna sessions.
 *
 * Secrets of this Action:
 *   NAMESPACE  of the claims, a URL of yours without a slash at its end: https://example.com
 *   AUDIENCE   identifier of the API whose access tokens go to fauna-login
 *   LINK_ID    "yes": also a random id in each token, for a server of yours that makes sessions
 *              for it (POST /fauna-login/on-behalf)
 *
 * fauna-login's configuration:
 *   session_id_claim: "/https:~1~1example.com~1sid"
 *   link_id_claim:    "/https:~1~1example.com~1tid"      with LINK_ID only
 */
const { randomUUID } = require('crypto');

exports.onExecutePostLogin = async (event, api) => {
  const { NAMESPACE, AUDIENCE, LINK_ID } = event.secrets;
  if (!NAMESPACE || !AUDIENCE) {
    console.log('fauna-login: NAMESPACE and AUDIENCE are needed.');
    return;
  }
  // A token for another API, SAML, an opaque token: nothing of ours. There is no denying anything
  // here either, so whatever goes wrong the login goes on.
  if (event.resource_server?.identifier !== AUDIENCE) return;

  // On a refresh exchange there is no session, but the refresh token knows the one it came from.
  const sid = event.session?.id ?? event.refresh_token?.session_id;
  if (sid) api.accessToken.setCustomClaim(`${NAMESPACE}/sid`, sid);
  if (LINK_ID === 'yes') api.accessToken.setCustomClaim(`${NAMESPACE}/tid`, randomUUID());
};
