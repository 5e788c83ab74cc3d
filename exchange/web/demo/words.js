// What went wrong, or was refused, in words, and what to do.

const logins = {
  login_required: 'Auth0 has no login of yours any more. Log in again.',
  logged_out: 'You are logged out. Log in again.',
  network: 'The exchange does not answer. Is “fauna-login dev” still running?',
  token_unavailable: 'The stand-in Auth0 tenant does not answer. Is “fauna-login dev” still running?',
  temporarily_unavailable: 'The exchange cannot reach Auth0’s keys or Fauna just now. Try again in a moment.',
  too_many_requests: 'Too many requests. Try again in a moment.',
  access_denied: 'This user may not log in here: blocked, or of a client or organisation that is not allowed.',
  bad_response: 'That was not the exchange, or it is in another mode. Reload the page.',
};

// explainError: an error of the client, of auth0.js, or of fetch.
export function explainError(error) {
  const known = logins[error.code ?? error.error];
  if (known) return known;
  if (error instanceof TypeError) return logins.network; // fetch found nobody
  const id = error.requestId ? ` The log has more under request id ${error.requestId}.` : '';
  return `${error.message || error.code}.${id}`.replace('..', '.');
}

const codes = {
  unauthorized: 'Fauna knows no such secret (any more), or there is no cookie with one.',
  permission_denied: 'Refused: none of your roles grants this.',
  invalid_query: 'Fauna cannot make sense of the query. It says where below.',
  null_value: 'Nothing is there, as far as you may see.',
  constraint_failure: 'The collection’s schema does not allow this document.',
  abort: 'The function called abort(): it refuses.',
};

// explainAnswer: what an answer of Fauna means, in a sentence.
export function explainAnswer(answer) {
  // Of what may not be read Fauna says that it is null, and why.
  if (/permission denied/i.test(answer.message)) return codes.permission_denied;
  if (!answer.ok) return codes[answer.code] ?? answer.message ?? `Fauna answered ${answer.status}.`;
  const set = answer.data?.data ?? answer.data;
  if (answer.data === null) return 'null: there is no such document, as far as you may see.';
  if (Array.isArray(set)) return set.length === 0 ? 'Empty: there is nothing that you may see.' : `Allowed: ${count(set.length, 'result')}.`;
  return 'Allowed.';
}

export const count = (n, noun) => `${n} ${noun}${n === 1 ? '' : 's'}`;

// time: a moment as this machine's clock shows it.
export const time = (ms, options = { hour: '2-digit', minute: '2-digit', second: '2-digit' }) => new Intl.DateTimeFormat(undefined, options).format(ms);

// span: seconds as a person says them, such as "24 hours".
export function span(seconds) {
  for (const [unit, size] of [['day', 172800], ['hour', 3600], ['minute', 60]]) {
    if (seconds >= size) return count(Math.round(seconds / (unit === 'day' ? 86400 : size)), unit);
  }
  return count(Math.round(seconds), 'second');
}
