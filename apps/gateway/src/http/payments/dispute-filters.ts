import { DISPUTE_STATUSES, toUuid } from '@payflow/contracts';
import type { DisputeFilter } from '../../database/dispute-view.repository.js';
import { ASSET, CREATED, type FilterReaders } from '../lists/list-filters.js';

const STATUSES: readonly string[] = DISPUTE_STATUSES;

/** Of one payment's disputes. */
export const PAYMENT_DISPUTE_FILTERS: FilterReaders<DisputeFilter> = {
  status: {
    name: 'status',
    read: (text) => (STATUSES.includes(text) ? { value: text } : { mustBe: `one of ${STATUSES.join(', ')}` }),
  },
  ...CREATED,
};

export const DISPUTE_FILTERS: FilterReaders<DisputeFilter> = {
  payment: {
    name: 'payment',
    read: (text) => (toUuid('payment', text) ? { value: text } : { mustBe: 'an id of a payment' }),
  },
  ...ASSET,
  ...PAYMENT_DISPUTE_FILTERS,
};
