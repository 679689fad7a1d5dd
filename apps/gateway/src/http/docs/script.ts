/** What the pages do by themselves: searching, copying, and showing in the contents where one is. They can be read without it. */
export const SCRIPT = `'use strict';
const field = document.querySelector('input[type=search]');
const entries = [...document.querySelectorAll('[data-words]')];
const groups = [...document.querySelectorAll('[data-group]')];
const links = new Map([...document.querySelectorAll('.contents a[href^="#"]')].map((link) => [link.hash.slice(1), link]));
const nothing = document.querySelector('.nothing');
const contents = document.querySelector('.contents');

function search() {
  const words = field.value.toLowerCase().split(/\\s+/).filter(Boolean);
  let found = 0;
  for (const entry of entries) {
    const hidden = !words.every((word) => entry.dataset.words.includes(word));
    entry.hidden = hidden;
    const link = links.get(entry.id);
    if (link) link.hidden = hidden;
    if (!hidden) found += 1;
  }
  for (const group of groups) group.hidden = words.length > 0 && !group.querySelector('[data-words]:not([hidden])');
  for (const list of document.querySelectorAll('.contents section'))
    list.hidden = words.length > 0 && !list.querySelector('a[href^="#"]:not([hidden]):not(.group)');
  nothing.hidden = found > 0;
  if (words.length > 0) contents.open = true;
}
field.addEventListener('input', search);

addEventListener('keydown', (event) => {
  const writes = event.target instanceof HTMLInputElement;
  if (event.key === '/' && !writes && !event.ctrlKey && !event.metaKey) {
    event.preventDefault();
    field.focus();
    field.select();
  }
  if (event.key === 'Escape' && writes) {
    field.value = '';
    search();
    field.blur();
  }
});

/** Moves the contents alone: a page that is on its way to where an address leads must not be stopped. */
const beside = document.querySelector('aside');
function reveal(link) {
  const [box, frame] = [link.getBoundingClientRect(), beside.getBoundingClientRect()];
  if (box.top < frame.top) beside.scrollTop += box.top - frame.top;
  else if (box.bottom > frame.bottom) beside.scrollTop += box.bottom - frame.bottom;
}

const shown = new IntersectionObserver(
  (changes) => {
    for (const { target, isIntersecting } of changes) {
      const link = links.get(target.id);
      if (!link || !isIntersecting) continue;
      for (const other of links.values()) other.removeAttribute('aria-current');
      link.setAttribute('aria-current', 'true');
      if (matchMedia('(min-width: 61rem)').matches) reveal(link);
    }
  },
  { rootMargin: '-10% 0px -80% 0px' },
);
for (const entry of entries) shown.observe(entry);

const narrow = matchMedia('(max-width: 61rem)');
if (narrow.matches) contents.open = false;
contents.addEventListener('click', (event) => {
  if (narrow.matches && event.target.closest('a')) contents.open = false;
});

/** What an address leads to is opened, wherever it is folded away. */
function unfold() {
  const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  for (let at = target; at; at = at.parentElement) if (at instanceof HTMLDetailsElement) at.open = true;
  // What was folded or unfolded above it has moved it.
  if (target) target.scrollIntoView();
}
addEventListener('hashchange', unfold);
unfold();

if (navigator.clipboard)
  for (const block of document.querySelectorAll('.code')) {
    const button = document.createElement('button');
    button.type = 'button';
    button.textContent = 'Copy';
    button.addEventListener('click', async () => {
      await navigator.clipboard.writeText(block.querySelector('pre').textContent);
      button.textContent = 'Copied';
      setTimeout(() => (button.textContent = 'Copy'), 1500);
    });
    block.querySelector('figcaption').append(button);
  }
`;
