// Panels 3, 4 and 5: one's own notes, somebody else's, and any FQL at all.

import { $, element, say } from './dom.js';
import { explainError, time } from './words.js';
import { showFailure, showTalk } from './talk.js';

const list = 'Note.byOwner(Query.identity()!.user)\n  .order(desc(.ts)) { id, text, ts }';
const add = 'Note.create({\n  owner: Query.identity()!.user,\n  text: text\n}) { id }';
const remove = 'Note.byId(id)!.delete()';

// attempts are what one may not do to somebody. `her` is a name; the sentences say why it comes as it does.
const attempts = (her) => [
  {
    title: `Read ${her}’s note`,
    fql: 'Note.byId(note)!.text',
    refused: `Refused. The page knows the note’s id, but the role lets through only notes whose owner you are.`,
  },
  {
    title: 'List everybody’s notes',
    fql: 'Note.all() { text, owner }',
    allowed: (n) => `No error, but ${n === 0 ? 'nothing there' : 'only yours'}: what you may not read is not in the set. ${her} has a note, and for you it does not exist.`,
  },
  {
    title: `Write a note in ${her}’s name`,
    fql: 'Note.create({ owner: User.byId(user), text: "I owe you ten" })',
    refused: 'Refused. The role’s create rule looks at the owner of the new note.',
  },
  {
    title: `Delete ${her}’s note`,
    fql: 'Note.byId(note)!.delete()',
    refused: 'Refused. Whoever wants to delete a note has to find it first, and for you it is not there.',
  },
  {
    title: `Look up ${her}’s e-mail`,
    fql: 'User.byId(user)!.email',
    refused: 'Refused. A session may read its own user document and no other.',
  },
];

const samples = (other) => [
  ['Who am I?', 'Query.identity()!.user'],
  ['My session', 'Query.identity()'],
  ['Everybody', 'User.all() { email }'],
  ['Become admin', 'Key.create({ role: "admin" })'],
  ['Block somebody', `User.byId("${other.user}")!.update({ blocked: true })`],
  ['Mint a session', 'exchangeAuth0Jwt({})'],
  ['Change the rules', 'Role.byName("note_owner")!.delete()'],
  ['Some sums', '[1, 2, 3].map(n => n * n)'],
];

// createNotes wires the panels up. `ask(fql, args)` sends a query as whoever is logged in.
export function createNotes({ ask }) {
  let other;

  // run sends a query and shows it with its answer in a panel; undefined when there was none.
  async function run(panel, fql, args, meaning) {
    showTalk(panel, fql, args);
    $(panel).setAttribute('aria-busy', 'true');
    try {
      const answer = await ask(fql, args);
      showTalk(panel, fql, args, answer, meaning?.(answer));
      return answer;
    } catch (error) {
      showFailure(panel, explainError(error));
    } finally {
      $(panel).removeAttribute('aria-busy');
    }
  }

  function showNotes(notes) {
    $('list').replaceChildren(...notes.map(({ id, text, ts }) => {
      const button = element('button', { type: 'button', ariaLabel: `Delete the note “${text}”` }, 'Delete');
      button.addEventListener('click', () => removeNote(id, text));
      const when = element('time', { dateTime: ts }, time(new Date(ts), { dateStyle: 'medium', timeStyle: 'short' }));
      return element('li', {}, element('p', {}, text, when), button);
    }));
    $('list-empty').hidden = notes.length > 0;
  }

  async function refresh() {
    const answer = await ask(list);
    if (answer.ok) showNotes(answer.data.data);
    return answer;
  }

  async function removeNote(id, text) {
    const answer = await run('notes-talk', remove, { id });
    if (!answer?.ok) return;
    await refresh();
    say($('status'), `Deleted “${text}”.`);
    $('text').focus(); // the button that had the focus is gone
  }

  $('add').addEventListener('submit', async (event) => {
    event.preventDefault();
    const text = $('text').value.trim();
    if (!text) return;
    const answer = await run('notes-talk', add, { text });
    if (!answer?.ok) return;
    $('text').value = '';
    await refresh();
    say($('status'), `Added “${text}”.`);
    $('text').focus();
  });

  const runConsole = () => run('console-talk', $('fql').value);
  $('ask-form').addEventListener('submit', (event) => {
    event.preventDefault();
    runConsole();
  });
  $('fql').addEventListener('keydown', (event) => {
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      runConsole();
    }
  });

  function showOther() {
    const her = other.name.split(' ')[0];
    $('other-heading').textContent = `${her}’s notes`;
    $('other-lead').textContent = `${her} has a note, too. Try to get at it.`;
    $('tries').replaceChildren(...attempts(her).map(({ title, fql, refused, allowed }) => {
      const args = Object.fromEntries(['note', 'user'].filter((name) => fql.includes(`(${name})`)).map((name) => [name, other[name]]));
      const button = element('button', { type: 'button' }, title);
      button.addEventListener('click', () => run('other-talk', fql, args, (answer) => {
        if (/permission.denied/.test(`${answer.code} ${answer.message}`)) return refused;
        return answer.ok && allowed ? allowed(answer.data.data.length) : undefined;
      }));
      return button;
    }));
    $('samples').replaceChildren(...samples(other).map(([title, fql]) => {
      const button = element('button', { type: 'button' }, title);
      button.addEventListener('click', () => {
        $('fql').value = fql;
        runConsole();
      });
      return button;
    }));
  }

  return {
    // A user logged in; `somebody` is who they are not.
    async begin(somebody) {
      other = somebody;
      $('notes-talk').replaceChildren();
      $('other-talk').replaceChildren();
      $('console-talk').replaceChildren(element('p', { className: 'fine' }, 'Fauna’s answer will stand here.'));
      $('list').replaceChildren();
      showOther();
      showTalk('notes-talk', list, undefined);
      const answer = await refresh();
      showTalk('notes-talk', list, undefined, answer);
    },
  };
}
