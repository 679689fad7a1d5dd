import { LIMIT_KINDS, REVIEW_STATUSES, RISK_VERDICTS, toUuid } from '@payflow/contracts';
import type { ContentFilter } from '../../database/content-views.js';
import type { LedgerQuery } from '../ledger/ledger-query.js';
import { PAYMENT_FILTERS, type FilterReaders } from '../lists/list-filters.js';

type Reader = FilterReaders<ContentFilter>[string]['read'];

const oneOf =
  (words: readonly string[]): Reader =>
  (text) =>
    words.includes(text) ? { value: text } : { mustBe: `one of ${words.join(', ')}` };
const customer: Reader = (text) => (toUuid('customer', text) ? { value: text } : { mustBe: 'an id of a customer' });

const CREATED = Object.fromEntries(
  Object.entries(PAYMENT_FILTERS).filter(([name]) => name.startsWith('created')),
) as FilterReaders<ContentFilter>;

export const LIMIT_FILTERS: FilterReaders<ContentFilter> = {
  kind: { name: 'label', read: oneOf(LIMIT_KINDS) },
  ...CREATED,
};
export const RISK_RULE_FILTERS: FilterReaders<ContentFilter> = {
  verdict: { name: 'label', read: oneOf(RISK_VERDICTS) },
  ...CREATED,
};
export const REVIEW_FILTERS: FilterReaders<ContentFilter> = {
  status: { name: 'label', read: oneOf(REVIEW_STATUSES) },
  ...CREATED,
};
/** Whose use of a limit is asked for, where it counts each customer apart. */
export const LIMIT_USE_PARAMETERS: FilterReaders<LedgerQuery> = { customer: { name: 'customer', read: customer } };
