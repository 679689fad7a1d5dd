import { PROBLEMS } from '@payflow/contracts';
import { describe, expect, it } from 'vitest';
import { CHANGELOG } from './changelog.js';
import { openApiDocument } from '../openapi/document.js';
import { OPERATIONS } from '../openapi/operations.js';
import { SCHEMAS } from '../openapi/schemas.js';
import { changelogPage } from './changelog-page.js';
import { errorPage } from './error-page.js';
import { html, jsonBlock, pathText, prose } from './html.js';
import { referencePage } from './reference-page.js';

const reference = referencePage(openApiDocument());
const errors = errorPage();
const pages = [reference, errors, changelogPage()];
const idsOf = (page: string) => [...page.matchAll(/\bid="([^"]+)"/g)].map(([, id]) => id as string);

it('the reference has every operation, with a curl line and an answer where there is one', () => {
  const ids = new Set(idsOf(reference));
  expect(OPERATIONS.map(({ id }) => id).filter((id) => !ids.has(id))).toEqual([]);
  expect(reference.split('$PAYFLOW/api/').length - 1).toBe(OPERATIONS.length);
});

it('the reference has every answer of an operation, whether it stands there or is referred to', () => {
  const [, shown = ''] = /id="getPayment"([^]*?)<\/article>/.exec(reference) ?? [];
  const statuses = [...shown.matchAll(/class="status (?:ok|bad)">(\d+)/g)].map(([, status]) => status);
  expect(new Set(statuses)).toEqual(
    new Set(['200', '304', '400', '401', '403', '404', '414', '422', '429', '431', '500', '503']),
  );
  expect(shown).toContain('href="/docs/errors#credential_blocked"');
});

it('the errors have every code, and the changelog every day', () => {
  expect(Object.keys(PROBLEMS).filter((code) => !idsOf(errors).includes(code))).toEqual([]);
  expect(CHANGELOG.filter(({ date }) => !idsOf(pages[2] as string).includes(date))).toEqual([]);
});

describe.each(pages.map((page) => [/<title>([^<]+)/.exec(page)?.[1], page] as const))('%s', (_title, page) => {
  it('has each anchor once, and leads nowhere that there is not', () => {
    const ids = idsOf(page);
    expect(ids.filter((id, at) => ids.indexOf(id) !== at)).toEqual([]);
    const links = [...page.matchAll(/href="#([^"]+)"/g)].map(([, id]) => id as string);
    expect(
      [...new Set(links)].filter((id) => !ids.includes(id) && !Object.hasOwn(SCHEMAS, id.slice('schema-'.length))),
    ).toEqual([]);
    const codes = [...page.matchAll(/href="\/docs\/errors#([^"]+)"/g)].map(([, code]) => code as string);
    expect(codes.filter((code) => !Object.hasOwn(PROBLEMS, code))).toEqual([]);
  });

  it('has no script and no style within itself', () => {
    expect(page).not.toMatch(/<script(?![^>]+src=)|<style| style=| on[a-z]+=/);
  });
});

it('what is put into a page stays text', () => {
  expect(html`<p title="${'"'}">${'<script>'}${html`<b></b>`}</p>`.text).toBe(
    '<p title="&quot;">&lt;script&gt;<b></b></p>',
  );
  expect(pathText('/a<b>/{id}/c_d').text).toBe('/a&lt;b&gt;<wbr>/{id}<wbr>/c<wbr>_d');
  expect(prose('`<a>` & b').text).toBe('<code>&lt;a&gt;</code> &amp; b');
  expect(jsonBlock({ a: '<' }).text).toContain('<i class="k">&quot;a&quot;</i>: <i class="s">&quot;&lt;&quot;</i>');
});
