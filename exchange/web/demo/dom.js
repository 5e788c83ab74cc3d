// Small doings with the document. Text goes in as text, never as markup: the page's CSP has Trusted Types on.

export const $ = (id) => document.getElementById(id);

// element('li', { className: 'note' }, 'text', child, …)
export function element(name, properties = {}, ...children) {
  const { dataset, ...rest } = properties;
  const made = Object.assign(document.createElement(name), rest);
  Object.assign(made.dataset, dataset);
  made.append(...children);
  return made;
}

// play starts an element's animation, also when it is running already.
export function play(target) {
  target.classList.remove('play');
  void target.offsetWidth;
  target.classList.add('play');
}

// say puts a text into a live region, also when it is the one that stands there.
export function say(region, text) {
  region.replaceChildren();
  setTimeout(() => region.replaceChildren(text), 50);
}
