// A query and its answer side by side, as the panels of Fauna show them.

import { $, element, say } from './dom.js';
import { explainAnswer } from './words.js';

const inline = (args) => Object.entries(args).map(([name, value]) => `${name} = ${JSON.stringify(value)}`).join('\n');

// showTalk puts a query with its arguments and, once it is there, the answer into a panel. `meaning` says what the answer
// means in place of the general sentence.
export function showTalk(id, fql, args, answer, meaning = answer && explainAnswer(answer)) {
  const query = element('pre', { className: 'code', tabIndex: 0, ariaLabel: 'FQL' }, fql);
  if (args && Object.keys(args).length) query.append(element('span', { className: 'args' }, `\n\n${inline(args)}`));
  const parts = [element('p', { className: 'label' }, 'FQL that this page sent'), query];
  if (answer) {
    const verdict = answer.ok ? 'allowed' : 'refused';
    parts.push(
      element('p', { className: `verdict ${verdict}` }, element('b', {}, `${answer.status}${answer.ok ? '' : ` ${answer.code}`}`), ` ${meaning}`),
      // A summary points at the place in the query: its lines must not wrap.
      element('pre', { className: `code answer ${answer.ok ? 'wrap' : ''}`, tabIndex: 0, ariaLabel: 'Answer' }, answer.ok ? JSON.stringify(answer.data, null, 2) : answer.summary || answer.message || ''),
      element('p', { className: 'fine' }, `${answer.ms < 10 ? answer.ms.toFixed(1) : Math.round(answer.ms)} ms, there and back`),
    );
    say($('status'), meaning);
  }
  $(id).replaceChildren(...parts);
}

// showFailure says that there was no answer.
export function showFailure(id, text) {
  $(id).append(element('p', { className: 'verdict refused' }, text));
  say($('status'), text);
}
