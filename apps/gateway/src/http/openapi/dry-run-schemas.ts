import {
  amount,
  assetCode,
  id,
  instant,
  nullable,
  nullableText,
  resource,
  signedAmount,
  transferFailure,
  version,
} from './schema-parts.js';

const moving = {
  transfers: {
    type: 'array',
    items: resource({
      id: { ...nullable(id('transfer')), description: 'As it was given.' },
      debit_account: id('account'),
      credit_account: id('account'),
      amount: { ...amount, description: 'What would move.' },
      asset: assetCode,
      effective_at: instant,
    }),
    description: 'Empty where nothing would move.',
  },
  accounts: {
    type: 'array',
    items: resource({
      id: id('account'),
      posted_debits: amount,
      posted_credits: amount,
      pending_debits: amount,
      pending_credits: amount,
      version,
      asset: assetCode,
      balance: signedAmount,
      available: signedAmount,
    }),
    description: 'As it would leave them; empty for who has not the scope `accounts:read`.',
  },
  as_of: instant,
};

/** What answers a body with `dry_run`. It is marked as asked for: nobody else ever meets it, so that no client breaks by it. */
export const DRY_RUN_SCHEMAS: Readonly<Record<string, object>> = {
  TransferDryRun: {
    ...resource({
      object: { const: 'transfer_dry_run' },
      outcome: { enum: ['posted', 'failed'] },
      failure: transferFailure,
      ...moving,
    }),
    'x-asked-for-by': 'dry_run',
  },
  HoldDryRun: {
    ...resource({
      object: { const: 'hold_dry_run' },
      outcome: { enum: ['held', 'posted', 'voided', 'failed'] },
      failure: transferFailure,
      hold: {
        ...nullable(
          resource({
            id: { ...nullable(id('hold')), description: 'That of the hold, or of a new one as it was given.' },
            status: {
              enum: ['pending', 'posted', 'voided'],
              description: 'How it would stand: `pending` still where more of it can be posted.',
            },
            debit_account: id('account'),
            credit_account: id('account'),
            amount,
            posted: { ...amount, description: 'How much of the amount would have been posted.' },
            asset: assetCode,
            expires_at: nullable(instant),
            type: { ...nullableText, description: 'The transaction type that it keeps to.' },
            version,
          }),
        ),
        description: 'As it would be; null where nothing would come of it.',
      },
      ...moving,
    }),
    'x-asked-for-by': 'dry_run',
  },
};
