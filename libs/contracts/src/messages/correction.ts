import type { MessageSpec } from '../messages.js';
import { standing, type Leg, type TransferStanding } from './group.js';
import { amount, assetCode, id, instant, metadata, nullable, object } from './schema.js';
import { typeName } from './transaction-type.js';

/** `payflow.transfer.correct.v1`: move back what is left of a transfer and book another one in its place, both or neither. */
export interface TransferCorrect {
  /** The UUID inside is the replacement's. */
  readonly id: string;
  readonly original: string;
  /** Those of the original, so that the command finds its way to them. */
  readonly debit_account: string;
  readonly credit_account: string;
  /** The transfer that moves the original back. */
  readonly reversal: string;
  /** Of an amount of its own; null: of what is left of the original. */
  readonly replacement: Omit<Leg, 'up_to' | 'amount'> & { readonly amount: string | null };
  /** For which instant the books shall show the replacement; null: for that of the original. */
  readonly effective_at: string | null;
  readonly metadata: Readonly<Record<string, string>>;
  /** How the original must stand; absent: anyhow. */
  readonly if_standing?: TransferStanding;
}

const accounts = { debit_account: id('account'), credit_account: id('account') };

export const correctionSchemas = {
  'payflow.transfer.correct.v1': {
    topic: 'ledger.commands.v1',
    key: (data: TransferCorrect) => data.debit_account,
    summary: 'Move back what is left of a transfer and book the corrected one in its place, both or neither.',
    schema: object(
      {
        id: id('group'),
        original: id('transfer'),
        ...accounts,
        reversal: id('transfer'),
        replacement: object(
          { id: id('transfer'), ...accounts, amount: nullable(amount), asset: assetCode },
          { type: typeName },
        ),
        effective_at: nullable(instant),
        metadata,
      },
      { if_standing: standing },
    ),
    refusable: ['id', 'debit_account'],
  },
} as const satisfies Record<string, MessageSpec>;
