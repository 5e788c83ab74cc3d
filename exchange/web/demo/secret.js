// Panel 2: the exchange's answer, its secret's life, and its renewals.

import { $, play, say } from './dom.js';
import { count, time } from './words.js';
import { modes } from './modes.js';

const masked = (text, shown) => (shown ? text : `${text.slice(0, 3)}${'•'.repeat(20)}`);

// createSecretPanel watches a session. `expired` is called when a secret ended and none came after it.
export function createSecretPanel({ expired }) {
  let current, life, renewals, shown, latest, told;
  let timer;

  $('reveal').addEventListener('click', () => reveal(!shown));

  function reveal(yes) {
    shown = yes;
    $('reveal').setAttribute('aria-pressed', String(yes));
    $('reveal').textContent = yes ? 'Hide' : 'Reveal';
    if (current?.secret) $('secret-value').textContent = masked(current.secret, shown);
    showWire();
  }

  function showWire() {
    if (!latest) return;
    const { request, status, cookie, body, ms } = latest;
    const answer = body && JSON.stringify({ ...body, ...(body.secret && { secret: masked(body.secret, shown) }) }, null, 2);
    $('wire').textContent = `${request}\n\n${status}, ${Math.round(ms)} ms\n${cookie ? 'Set-Cookie: … (which the browser keeps from scripts)\n' : ''}${answer ?? ''}`;
  }

  function tick() {
    clearTimeout(timer);
    if (!current) return;
    const left = Math.max(current.expiresAt - Date.now(), 0);
    $('left').textContent = `${Math.floor(left / 60000)}:${String(Math.floor(left / 1000) % 60).padStart(2, '0')}`;
    $('life').max = life;
    $('life').value = left;
    $('secret').classList.toggle('late', left < 10000);
    if (left === 0) return expired();
    timer = setTimeout(tick, left % 1000 || 1000);
  }

  return {
    // A session of this mode begins; the panel forgets the one before.
    begin(mode) {
      current = latest = undefined;
      renewals = 0;
      told = false;
      reveal(false);
      $('fact-renewed').textContent = 'not yet: that happens by itself';
      $('secret-lead').textContent = modes[mode].lead;
      $('secret-row').hidden = mode === 'cookie';
      $('left-label').textContent = mode === 'cookie' ? 'left of the cookie’s life' : 'left of the secret’s life';
      $('life').setAttribute('aria-label', `What is ${$('left-label').textContent}`);
    },

    // An answer of the client: a new secret, or none.
    change(type, next) {
      current = next;
      if (!next) return clearTimeout(timer);
      life = Math.max(next.expiresAt - Date.now(), 1);
      if (next.secret) $('secret-value').textContent = masked(next.secret, shown);
      $('fact-user').textContent = next.user.id;
      $('fact-session').textContent = next.session.id;
      $('fact-endpoint').textContent = `${next.endpoint}/query/1`;
      if (type === 'renewal') {
        renewals++;
        $('fact-renewed').textContent = `${renewals === 1 ? 'once' : count(renewals, 'time')}, last at ${time(Date.now())}`;
        play($('secret'));
        // Whoever listens needs to hear it once, not twice a minute.
        if (!told) say($('status'), 'The secret was renewed, before its end and by itself. That goes on; it is not announced again.');
        told = true;
      }
      tick();
    },

    // What went over the wire.
    wire(exchange) {
      latest = exchange;
      showWire();
    },
  };
}
