import { DECLINES, NOT_SENT_REASONS, PROBLEMS, REFUSALS, type ProblemSpec } from '@payflow/contracts';
import { html, prose, type Html } from './html.js';
import { pageText } from './page.js';

const REASONS: readonly (readonly [title: string, lead: string, reasons: Readonly<Record<string, string>>])[] = [
  ['Why the ledger refused', 'In `failure.code` of a failed payment and in `reason` of a `…rejected` event.', REFUSALS],
  ['Why a provider declined', 'In `failure.code`, in the same words for all providers.', DECLINES],
  ['Why a provider was not asked', 'In `code` of an attempt. Nothing has happened there.', NOT_SENT_REASONS],
];

/** Every code that an answer can carry, by its status, with its cause and what to do: where the `type` of a problem leads. */
export function errorPage(): string {
  const byStatus = [...Map.groupBy(Object.entries<ProblemSpec>(PROBLEMS), ([, { status }]) => status)].sort(
    ([a], [b]) => a - b,
  );
  return pageText({
    path: '/docs/errors',
    title: 'Errors',
    search: 'Code, status, word …',
    contents: html`${byStatus.map(([status, problems]) => contentsOf(String(status), problems))}${REASONS.map(
      ([title]) => html`<section><a class="group" href="#${anchorOf(title)}">${title}</a></section>`,
    )}`,
    content: html`<h1>Errors</h1>
      <p class="lead">
        ${prose('Every error is `application/problem+json` (RFC 9457). Its `code` stays the same for ever; its words may become better. Where `retryable` is true, the same request with the same `Idempotency-Key` may succeed later.')}
      </p>
      ${byStatus.map(
        ([status, problems]) =>
          html`<section data-group>
            <h2 id="status-${status}">${status}</h2>
            ${problems.map(problem)}
          </section>`,
      )}
      ${REASONS.map(reasons)}`,
  });
}

function contentsOf(status: string, problems: readonly [string, ProblemSpec][]): Html {
  const links = problems.map(([code]) => html`<a href="#${code}">${code}</a>`);
  return html`<section><a class="group" href="#status-${status}">${status}</a>${links}</section>`;
}

function problem([code, { status, title, remedy, retryable }]: [string, ProblemSpec]): Html {
  const words = `${code} ${status} ${title} ${remedy}`.toLowerCase();
  return html`<article class="error" id="${code}" data-words="${words}">
    <header>
      <span class="status bad">${status}</span>
      <h3>
        <a class="anchor" href="#${code}"><code>${code}</code></a>
      </h3>
      ${retryable === true && html`<span class="again">may be retried as it is</span>`}
    </header>
    <dl>
      <dt>Cause</dt>
      <dd>${prose(title)}.</dd>
      <dt>Remedy</dt>
      <dd>${prose(remedy)}</dd>
    </dl>
  </article>`;
}

function reasons([title, lead, all]: (typeof REASONS)[number]): Html {
  const entries = Object.entries(all).map(
    ([reason, meaning]) =>
      html`<div id="${anchorOf(title)}-${reason}" data-words="${`${reason} ${meaning}`.toLowerCase()}">
        <dt><code>${reason}</code></dt>
        <dd>${prose(meaning)}</dd>
      </div>`,
  );
  return html`<section data-group>
    <h2 id="${anchorOf(title)}">${title}</h2>
    <p class="lead">${prose(lead)}</p>
    <dl class="fields">${entries}</dl>
  </section>`;
}

function anchorOf(title: string): string {
  return title.toLowerCase().replaceAll(' ', '-');
}
