import type { MessageSpec } from '../messages.js';
import { accountSnapshot, type AccountSnapshot } from './account.js';
import { amount, assetCode, id, instant, nullable, object, reason } from './schema.js';

/** What a transfer is made for, as reads of transfers tell it. */
export const TRANSFER_KINDS = ['plain', 'hold_posting', 'reversal', 'correction'] as const;
export type TransferKind = (typeof TRANSFER_KINDS)[number];

/** `payflow.transfer.post.v1`: move money at once. */
export interface TransferPost {
  /** The UUID inside is the one of what caused the transfer, so that one cause can be booked only once. */
  readonly id: string;
  readonly payment: string | null;
  readonly debit_account: string;
  readonly credit_account: string;
  readonly amount: string;
  readonly asset: string;
  /** Past this instant the ledger refuses with `command_expired`. Null on what gives money back. */
  readonly valid_until: string | null;
}

interface TransferFacts {
  readonly id: string;
  readonly payment: string | null;
  readonly amount: string;
  readonly asset: string;
  /** The ledger's clock, taken after the locks. */
  readonly recorded_at: string;
}

/** `payflow.transfer.posted.v1`, with both accounts as the transfer left them. */
export interface TransferPosted extends TransferFacts {
  readonly debit_account: AccountSnapshot;
  readonly credit_account: AccountSnapshot;
}

/** `payflow.transfer.rejected.v1`: nothing moved. */
export interface TransferRejected extends TransferFacts {
  readonly debit_account: string;
  readonly credit_account: string;
  readonly reason: string;
}

const facts = { id: id('transfer'), payment: nullable(id('payment')), amount, asset: assetCode };

export const transferSchemas = {
  'payflow.transfer.post.v1': {
    topic: 'ledger.commands.v1',
    key: (data: TransferPost) => data.debit_account,
    summary: 'Post a transfer of one asset from one account to another.',
    schema: object({
      ...facts,
      debit_account: id('account'),
      credit_account: id('account'),
      valid_until: nullable(instant),
    }),
    refusable: [...Object.keys(facts), 'debit_account', 'credit_account'],
  },
  'payflow.transfer.posted.v1': {
    topic: 'ledger.events.v1',
    key: (data: TransferPosted) => data.debit_account.id,
    summary: 'The transfer is booked; both accounts are as it left them.',
    schema: object({ ...facts, debit_account: accountSnapshot, credit_account: accountSnapshot, recorded_at: instant }),
  },
  'payflow.transfer.rejected.v1': {
    topic: 'ledger.events.v1',
    key: (data: TransferRejected) => data.debit_account,
    summary: 'The transfer was refused for the reason given; nothing moved.',
    schema: object({
      ...facts,
      debit_account: id('account'),
      credit_account: id('account'),
      reason,
      recorded_at: instant,
    }),
  },
} as const satisfies Record<string, MessageSpec>;
