import type { FastifyReply } from 'fastify';
import { expect, it } from 'vitest';
import { formOf, linkNext, wantsLines } from './other-forms.js';

it.each([
  [undefined, undefined],
  ['', undefined],
  ['*/*', undefined],
  ['application/json', undefined],
  ['image/png', undefined],
  ['text/csv', 'csv'],
  ['TEXT/CSV; charset=utf-8', 'csv'],
  ['application/x-ndjson', 'ndjson'],
  ['application/xml, text/csv', 'csv'],
  // Of equals the first.
  ['application/json, text/csv', undefined],
  ['text/csv, application/json', 'csv'],
  ['text/csv, application/x-ndjson', 'csv'],
  // RFC 9110 §12.5.1: by weight, and never what weighs nothing.
  ['application/json;q=0.1, text/csv', 'csv'],
  ['text/csv;q=0.1, application/json;q=1', undefined],
  ['text/csv; Q=0.5, application/x-ndjson; q=0.501', 'ndjson'],
  ['text/csv;q=0', undefined],
  ['text/csv;q=0, application/x-ndjson;q=0.001', 'ndjson'],
  ['text/csv;q=2', undefined],
  ['text/csv;q=abc, application/x-ndjson;q=0.2', 'ndjson'],
  ['text/csvs', undefined],
])('takes the form for %j to be %s', (accept, form) => expect(formOf(accept)).toBe(form));

it.each([
  ['application/x-ndjson', true],
  ['application/x-ndjson, application/json', true],
  ['application/json, application/x-ndjson', false],
  ['application/json;q=0.5, application/x-ndjson', true],
  ['application/x-ndjson;q=0', false],
  ['text/csv', false],
])('takes lines to be wanted by %j: %s', (accept, wants) => expect(wantsLines(accept)).toBe(wants));

it.each([
  ['/api/v1/transfers', '/api/v1/transfers?cursor=next'],
  ['/api/v1/transfers?cursor=this&limit=2', '/api/v1/transfers?cursor=next&limit=2'],
  // In a query a question mark is a character like any other.
  ['/api/v1/transfers?metadata[order]=7?&limit=2', '/api/v1/transfers?metadata%5Border%5D=7%3F&limit=2&cursor=next'],
])('names as the next page of %s %s', (url, next) => {
  const headers: string[] = [];
  linkNext(
    { header: (name: string, value: string) => headers.push(name, value) } as unknown as FastifyReply,
    url,
    'next',
  );
  expect(headers).toEqual(['link', `<${next}>; rel="next"`]);
});
