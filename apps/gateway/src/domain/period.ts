import type { PeriodClosed, PeriodClosing } from '@payflow/contracts';

/** A month that the ledger is asked to close: nothing is known of it yet. */
export function requestedPeriod(month: string) {
  return {
    id: month,
    object: 'period',
    status: 'requested',
    ends_at: null,
    closing_at: null,
    closed_at: null,
    hash: null,
  };
}

/** A closing or closed month of the HTTP API. The ledger, which reads of it are forwarded to, shows the same. */
export function periodResource(period: PeriodClosing | PeriodClosed) {
  const { id, ends_at, closing_at } = period;
  const closed = 'closed_at' in period ? period : undefined;
  return {
    id,
    object: 'period',
    status: closed ? 'closed' : 'closing',
    ends_at,
    closing_at,
    closed_at: closed?.closed_at ?? null,
    hash: closed?.hash ?? null,
  };
}
