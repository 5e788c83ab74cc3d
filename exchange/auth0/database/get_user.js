function getUser(email, callback) {
  // fauna-login, custom database: the get user script. Auth0 asks before sign-up and before it sends
  // an e-mail to reset a password.
  // Configuration: FAUNA_ENDPOINT, FAUNA_SECRET (a key of role auth0_database). See README.md.
  // With the Organizations context on, the signature is (email, context, callback).

  fauna('auth0DatabaseGetUser(email)', { email })
    .then((profile) => (profile ? [null, profile] : [null]), (err) => [err])
    .then((result) => callback(...result));

  // Calls a function of fauna-login.database.fsl. What the user typed goes as arguments, never into
  // the query's text, and nothing of it into the log. Auth0 may show the error's text to the user.
  async function fauna(query, args) {
    try {
      const response = await fetch(`${configuration.FAUNA_ENDPOINT}/query/1`, {
        method: 'POST',
        headers: { Authorization: `Bearer ${configuration.FAUNA_SECRET}`, 'Content-Type': 'application/json', 'X-Format': 'simple' },
        body: JSON.stringify({ query, arguments: args }),
        redirect: 'error',
        signal: AbortSignal.timeout(8000),
      });
      const answer = await response.json();
      if (response.status === 200 && answer.data !== undefined) return answer.data;
      console.log(`Fauna answers ${response.status} ${answer.error?.code ?? ''}`);
    } catch (err) {
      console.log(`Fauna does not answer: ${err.name}`);
    }
    throw new Error('The user store is not available.');
  }
}
