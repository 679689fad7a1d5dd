import { REQUEST_FILTERS } from '../identity/request-filters.js';
import { LIST_PROBLEMS, type Operation } from './operation.js';
import { id, instant, list, nullable, nullableText, resource, text } from './schema-parts.js';

/** What was asked of the API. */
export const REQUEST_LOG_OPERATIONS: readonly Operation[] = [
  {
    id: 'listRequests',
    method: 'get',
    path: '/api/v1/request_log',
    summary: 'List the requests of the last 30 days that came with your keys or from your users, newest first.',
    scope: 'requests:read',
    query: [...Object.keys(REQUEST_FILTERS), 'limit', 'cursor'],
    answer: 'LoggedRequestList',
    status: 200,
    problems: LIST_PROBLEMS,
  },
];

const bytes = { type: ['integer', 'null'], minimum: 0 };

export const REQUEST_LOG_SCHEMAS: Readonly<Record<string, object>> = {
  LoggedRequest: resource({
    id: id('loggedRequest'),
    object: { const: 'request' },
    method: text,
    route: { ...nullableText, description: 'As it is declared; null where there is none for the path.' },
    status: { type: ['integer', 'null'], description: 'Null where the client was gone before the answer.' },
    code: { ...nullableText, description: 'Of the problem that was answered.' },
    duration_ms: { type: 'number', minimum: 0 },
    request_bytes: { ...bytes, description: 'Of the body; null where it was not said, or there was none.' },
    response_bytes: { ...bytes, description: 'Of the body; null where it was streamed.' },
    actor: { ...nullableText, description: 'The key or the user.' },
    address: nullable({ type: 'string', description: 'Where it came from.' }),
    request_id: text,
    trace_id: nullableText,
    created_at: instant,
  }),
  LoggedRequestList: list('LoggedRequest'),
};
