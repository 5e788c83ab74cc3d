// A page of notes: login at Auth0, a Fauna secret from fauna-login, and then nothing but Fauna.

import { Auth0Client } from '@auth0/auth0-spa-js';
import * as fauna from 'fauna';
import { createFaunaSession, LoginRequired } from 'fauna-login';

const { fql } = fauna;
const find = (selector) => document.querySelector(selector);
const say = (text) => (find('[role=status]').textContent = text);

const config = await (await fetch('config.json')).json();
const page = location.origin + location.pathname;

const auth0 = new Auth0Client({
  domain: config.domain,
  clientId: config.clientId,
  authorizationParams: { redirect_uri: page, audience: config.audience }, // without the audience the token is for no API
});

const session = createFaunaSession({
  loginUrl: config.loginUrl,
  mode: config.mode,
  getAccessToken: ({ fresh }) => auth0.getTokenSilently({ cacheMode: fresh ? 'off' : 'on' }),
});

const client = session.client(fauna); // its secret renews itself

async function start() {
  if (new URLSearchParams(location.search).has('state')) {
    await auth0.handleRedirectCallback();
    history.replaceState(null, '', page);
    await session.login(); // whoever it was before
  }
  await list();
}

async function list() {
  const { data } = await client.query(fql`Note.byOwner(Query.identity()!.user).order(.text) { id, text }`);
  find('#notes').replaceChildren(...data.data.map(row));
  find('main').hidden = false;
  find('#login').hidden = true;
  say(`You are user ${session.peek().user.id}.`);
}

function row({ id, text }) {
  const item = document.createElement('li');
  const field = Object.assign(document.createElement('input'), { value: text, ariaLabel: `Note ${text}` });
  field.onchange = () => act(() => client.query(fql`Note.byId(${id})!.update({ text: ${field.value} })`));
  const remove = Object.assign(document.createElement('button'), { textContent: 'Delete', ariaLabel: `Delete ${text}` });
  remove.onclick = () => act(() => client.query(fql`Note.byId(${id})!.delete()`));
  item.append(field, remove);
  return item;
}

async function act(change) {
  try {
    await change();
    await list();
  } catch (error) {
    failed(error);
  }
}

function failed(error) {
  if (error instanceof LoginRequired) {
    find('main').hidden = true;
    find('#login').hidden = false;
    say('Nobody is logged in.');
  } else {
    say(error.message);
  }
}

find('#login').onclick = () => auth0.loginWithRedirect();

find('#logout').onclick = async () => {
  try {
    await session.logout(); // first ours, which may need Auth0's token
    await auth0.logout({ logoutParams: { returnTo: page } });
  } catch (error) {
    say(`Not logged out, try again: ${error.message}`);
  }
};

find('#add').onsubmit = (event) => {
  event.preventDefault();
  const form = event.target;
  const text = form.elements.text.value;
  form.reset();
  act(() => client.query(fql`Note.create({ owner: Query.identity()!.user, text: ${text} })`));
};

session.onChange(({ type }) => type === 'logout' && list().catch(failed)); // also in another tab

start().catch(failed);
