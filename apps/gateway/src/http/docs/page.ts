import { API_VERSION } from '../../domain/api-version.js';
import { hashedFile } from '../edge/static-files.js';
import { html, type Html } from './html.js';
import { SCRIPT } from './script.js';
import { STYLE } from './style.js';

const FOLDER = '/docs/assets';
export const STYLE_ASSET = hashedFile(FOLDER, { name: 'style.css', type: 'text/css; charset=utf-8', content: STYLE });
export const SCRIPT_ASSET = hashedFile(FOLDER, {
  name: 'script.js',
  type: 'text/javascript; charset=utf-8',
  content: SCRIPT,
});

const PAGES = [
  ['/docs', 'Reference'],
  ['/docs/errors', 'Errors'],
  ['/docs/changelog', 'Changelog'],
] as const;

export interface Page {
  readonly path: (typeof PAGES)[number][0];
  readonly title: string;
  /** What stands beside the content: where to go in it. */
  readonly contents: Html;
  readonly content: Html;
  /** What the field for searching says. */
  readonly search: string;
}

/** A page of the documentation as it is served. */
export function pageText({ path, title, contents, content, search }: Page): string {
  const links = PAGES.map(
    ([to, name]) => html`<a href="${to}" ${to === path ? html`aria-current="page"` : ''}>${name}</a>`,
  );
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>${title} · PayFlow</title>
        <link rel="icon" href="data:," />
        <link rel="stylesheet" href="${STYLE_ASSET.path}" />
        <script src="${SCRIPT_ASSET.path}" defer></script>
      </head>
      <body>
        <a class="skip" href="#content">To the content</a>
        <header class="top">
          <a class="brand" href="/docs">PayFlow <span>API ${API_VERSION}</span></a>
          <nav aria-label="Pages">${links}<a href="/docs/openapi.json">OpenAPI</a></nav>
        </header>
        <div class="frame">
          <aside>
            <label class="search"
              ><span>Search</span
              ><input type="search" placeholder="${search}" autocomplete="off" spellcheck="false" /><kbd>/</kbd></label
            >
            <details class="contents" open>
              <summary>Contents</summary>
              <nav aria-label="Contents">${contents}</nav>
            </details>
          </aside>
          <main id="content">
            ${content}
            <p class="nothing" hidden>Nothing here has these words.</p>
          </main>
        </div>
      </body>
    </html> `.text;
}
