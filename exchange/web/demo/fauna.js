// Queries straight to Fauna: POST /query/1 with FQL and its arguments. In your app the official driver does this,
// `session.client(fauna)`; here each request is to be seen.

// Sends one query as the bearer of `secret`. Without one the cookie stands for it, with the header that no form can send: it
// says whose cookie counts, should another tab have another user's.
export async function send({ secret, endpoint, user }, fql, args) {
  const start = performance.now();
  const res = await fetch(`${endpoint}/query/1`, {
    method: 'POST',
    credentials: secret ? 'omit' : 'same-origin',
    headers: {
      'Content-Type': 'application/json',
      'X-Format': 'simple', // plain JSON; the driver asks for types as well
      ...(secret ? { Authorization: `Bearer ${secret}` } : { 'X-Fauna-Login': user.id }),
    },
    body: JSON.stringify({ query: fql, arguments: args }),
  });
  const { data, error, summary } = await res.json();
  return { ok: res.ok, status: res.status, data, code: error?.code, message: error?.message, summary, ms: performance.now() - start };
}

// The same with the session's secret of the moment. A 401 is worth one new secret: it may have been taken back.
export async function ask(session, fql, args) {
  const first = await session.getSecret();
  const answer = await send(first, fql, args);
  if (answer.status !== 401) return answer;
  session.invalidate(first.secret);
  return send(await session.getSecret(), fql, args);
}
