// Panel 1: the Auth0 token's claims, and which ones the exchange used.

import { $, element } from './dom.js';
import { span, time } from './words.js';

// What the exchange does with a claim, in the order in which it is worth reading.
const uses = {
  iss: 'Picks the tenant, and with it the keys that may have signed',
  sub: 'With the tenant, finds or makes your user document',
  aud: 'Has to name our API',
  iat: 'Must not lie ahead; ending all your sessions ends tokens older than that',
  exp: 'The session ends with it, and no secret outlives it',
  azp: 'Kept in the session: the app that asked',
  scope: 'Kept in the session, for your roles to look at',
  permissions: 'Kept in the session, for your roles to look at',
  org_id: 'Kept in the session, for your roles to look at',
  gty: 'Not a machine’s token: those are refused',
  'https://example.com/email': 'Copied into your user document, as email',
  'https://example.com/roles': 'Copied into the session, as claims.roles',
};

const order = Object.keys(uses);
const rank = ([name]) => (order.includes(name) ? order.indexOf(name) : order.length);

const part = (jwt, n) => JSON.parse(new TextDecoder().decode(Uint8Array.from(atob(jwt.split('.')[n].replace(/-/g, '+').replace(/_/g, '/')), (c) => c.charCodeAt())));

function value(name, claim) {
  if (name === 'iat' || name === 'exp') {
    const left = claim - Date.now() / 1000;
    return `${time(claim * 1000, { dateStyle: 'medium', timeStyle: 'medium' })}, ${left > 0 ? `in ${span(left)}` : left > -5 ? 'just now' : `${span(-left)} ago`}`;
  }
  return Array.isArray(claim) ? claim.join(', ') : String(claim);
}

// showToken fills the panel. It looks into the token only to show it: the server alone judges tokens.
export function showToken(jwt) {
  $('token').classList.toggle('absent', !jwt);
  if (!jwt) {
    $('token-lead').textContent = 'There is none. The page was reloaded, its memory is gone, and yet you are logged in: the cookie’s handle fetched a new secret without Auth0.';
    return;
  }
  const [header, claims] = [part(jwt, 0), part(jwt, 1)];
  $('token-lead').replaceChildren(
    'It says who you are, to one API and for one day. The exchange checked its signature (', element('b', {}, header.alg), ', key ',
    element('code', {}, `${header.kid.slice(0, 8)}…`), ') and then read its claims.',
  );
  const cell = (label, ...content) => {
    const td = element('td', { dataset: { label } }, ...content);
    td.setAttribute('role', 'cell');
    return td;
  };
  $('claims').replaceChildren(...Object.entries(claims).sort((a, b) => rank(a) - rank(b)).map(([name, claim]) => {
    const th = element('th', { scope: 'row' }, element('code', {}, name));
    th.setAttribute('role', 'rowheader');
    const row = element('tr', { className: uses[name] ? 'used' : '' }, th, cell('Value', value(name, claim)), cell('Use', uses[name] ?? 'Not used'));
    row.setAttribute('role', 'row');
    return row;
  }));
  const [head, payload, signature] = jwt.split('.');
  $('jwt').replaceChildren(element('span', {}, head), '.', element('span', {}, payload), '.', element('span', {}, signature));
}
