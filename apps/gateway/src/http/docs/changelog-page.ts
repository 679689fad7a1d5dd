import { API_VERSION } from '../../domain/api-version.js';
import { CHANGELOG, type Change } from './changelog.js';
import { html, prose, type Html } from './html.js';
import { pageText } from './page.js';

/** What changed and when, and which versions can be asked for. */
export function changelogPage(): string {
  return pageText({
    path: '/docs/changelog',
    title: 'Changelog',
    search: 'Word …',
    contents: html`<section>
      <a class="group" href="#content">Changes</a>${CHANGELOG.map(({ date }) => html`<a href="#${date}">${date}</a>`)}
    </section>`,
    content: html`<h1>Changelog</h1>
      <p class="lead">
        ${prose(`What breaks a client begins a version, named by its day; what only adds does not. Ask for one with \`PayFlow-Version\`; without it, the \`api_version\` of the key answers (${API_VERSION} for who logged in), and each answer says which one did. A date that is no version is refused with \`invalid_header\`.`)}
      </p>
      ${CHANGELOG.map(entry)}`,
  });
}

function entry({ date, version, added, broken = [] }: Change): Html {
  const words = [date, ...added, ...broken].join(' ').toLowerCase();
  const list = (title: string, texts: readonly string[]) =>
    texts.length > 0 &&
    html`<h4>${title}</h4>
      <ul>
        ${texts.map((text) => html`<li>${prose(text)}</li>`)}
      </ul>`;
  return html`<article class="entry" id="${date}" data-words="${words}">
    <h2>${date}${version !== undefined && html`<span class="version">version</span>`}</h2>
    ${list('Changed', broken)}${list('Added', added)}
  </article>`;
}
