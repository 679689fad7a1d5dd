import { toUuid } from '@payflow/contracts';
import type { RequestFilter } from '../../database/request-log.repository.js';
import { PAYMENT_FILTERS, type FilterReaders } from '../lists/list-filters.js';

type Reader = FilterReaders<RequestFilter>[string]['read'];

const matching =
  (pattern: RegExp, mustBe: string): Reader =>
  (text) =>
    pattern.test(text) ? { value: text } : { mustBe };
const status = matching(/^[1-5][0-9]{2}$/, 'a status of HTTP, such as 404');
const actor: Reader = (text) =>
  toUuid('apiKey', text) || toUuid('user', text) ? { value: text } : { mustBe: 'an id of a key or of a user' };

const CREATED = Object.fromEntries(
  Object.entries(PAYMENT_FILTERS).filter(([name]) => name.startsWith('created')),
) as FilterReaders<RequestFilter>;

export const REQUEST_FILTERS: FilterReaders<RequestFilter> = {
  status: { name: 'status', read: status },
  'status[gte]': { name: 'statusGte', read: status },
  'status[lt]': { name: 'statusLt', read: status },
  method: { name: 'method', read: matching(/^[A-Z]{1,20}$/, 'a method of HTTP, such as POST') },
  route: {
    name: 'route',
    read: matching(/^\/[\x21-\x7e]{0,200}$/, 'a path as the documentation has it, such as /api/v1/payments/:id'),
  },
  actor: { name: 'actor', read: actor },
  request_id: { name: 'requestId', read: matching(/^[\x21-\x7e]{1,128}$/, 'a Request-Id') },
  ...CREATED,
};
