import { toUuid } from '@payflow/contracts';
import type { AuditFilter } from '../../database/audit.repository.js';
import { PAYMENT_FILTERS, type FilterReaders } from '../lists/list-filters.js';
import { OPERATIONS } from '../openapi/operations.js';

const RESOURCE_LENGTH_MAX = 255;

const CREATED = Object.fromEntries(
  Object.entries(PAYMENT_FILTERS).filter(([name]) => name.startsWith('created')),
) as FilterReaders<AuditFilter>;

export const AUDIT_FILTERS: FilterReaders<AuditFilter> = {
  actor: {
    name: 'actor',
    read: (text) =>
      toUuid('apiKey', text) || toUuid('user', text) ? { value: text } : { mustBe: 'an id of a key or a user' },
  },
  operation: {
    name: 'operation',
    read: (text) =>
      OPERATIONS.some(({ id }) => id === text) ? { value: text } : { mustBe: 'an operation of this API, by its id' },
  },
  resource: {
    name: 'resource',
    read: (text) =>
      text.length > 0 && text.length <= RESOURCE_LENGTH_MAX && text.isWellFormed() && !text.includes('\0')
        ? { value: text }
        : { mustBe: `1 to ${RESOURCE_LENGTH_MAX} characters` },
  },
  ...CREATED,
};
