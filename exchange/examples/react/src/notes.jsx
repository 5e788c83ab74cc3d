import { useCallback, useEffect, useState } from 'react';
import { useAuth0 } from '@auth0/auth0-react';
import { fql } from 'fauna';
import { LoginRequired } from 'fauna-login';
import { useFauna } from './fauna.jsx';

export function Notes({ page }) {
  const { loginWithRedirect, logout } = useAuth0();
  const { session, client } = useFauna();
  const [notes, setNotes] = useState();
  const [error, setError] = useState();

  // Makes a change, if there is one, and reads the notes.
  const act = useCallback(
    async (change) => {
      try {
        if (change) await client.query(change);
        const { data } = await client.query(fql`Note.byOwner(Query.identity()!.user).order(.text) { id, text }`);
        setNotes(data.data);
        setError(undefined);
      } catch (cause) {
        if (cause.code !== 'closed') setError(cause);
      }
    },
    [client],
  );

  useEffect(() => void act(), [act]);
  useEffect(() => session.onChange(({ type }) => type === 'logout' && act()), [session, act]); // also in another tab

  async function leave() {
    try {
      await session.logout(); // first ours, which may need Auth0's token
      await logout({ logoutParams: { returnTo: page } });
    } catch (cause) {
      setError(cause);
    }
  }

  function add(event) {
    event.preventDefault();
    const { text } = event.target.elements;
    act(fql`Note.create({ owner: Query.identity()!.user, text: ${text.value} })`);
    event.target.reset();
  }

  if (error instanceof LoginRequired) {
    return (
      <>
        <p role="status">Nobody is logged in.</p>
        <button onClick={() => loginWithRedirect()}>Log in</button>
      </>
    );
  }
  if (!notes) return <p role="status">{error ? error.message : '…'}</p>;
  return (
    <main>
      <p role="status">{error ? error.message : `You are user ${session.peek()?.user.id}.`}</p>
      <form onSubmit={add}>
        <label>
          New note <input name="text" required />
        </label>
        <button>Add</button>
      </form>
      <ul>
        {notes.map(({ id, text }) => (
          <li key={id + text}>
            <input
              aria-label={`Note ${text}`}
              defaultValue={text}
              onBlur={({ target }) => target.value !== text && act(fql`Note.byId(${id})!.update({ text: ${target.value} })`)}
            />
            <button aria-label={`Delete ${text}`} onClick={() => act(fql`Note.byId(${id})!.delete()`)}>
              Delete
            </button>
          </li>
        ))}
      </ul>
      <button onClick={leave}>Log out</button>
    </main>
  );
}
