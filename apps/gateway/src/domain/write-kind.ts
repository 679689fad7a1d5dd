import { OPERATION_KINDS, type IdKind } from '@payflow/contracts';

/**
 * What an Idempotency-Key stands for, and what is waited for: a resource that the write makes, or, for a change of one that
 * is there, the command itself.
 */
export const WRITE_ID_KINDS = {
  payment: 'payment',
  account: 'account',
  transfer: 'transfer',
  group: 'group',
  hold: 'hold',
  bulk: 'bulk',
  payment_bulk: 'bulk',
  /** What ends at the gateway: no command, its answer in the same transaction. Its id means nothing else. */
  own: 'event',
  change: 'event',
  ...OPERATION_KINDS,
} as const satisfies Record<string, IdKind>;

export type WriteKind = keyof typeof WRITE_ID_KINDS;
