/** Why the ledger or payments refuses. A refusal is a value: it is stored, published and shown; it is never thrown. */
export const REFUSALS = {
  account_exists: 'An account with this id or path exists already.',
  account_not_found: 'No such account in this organisation.',
  accounts_identical: 'Source and destination are the same account.',
  amount_not_positive: 'The amount must be greater than zero.',
  assets_differ: 'The account is kept in another asset.',
  balance_overflow: 'A counter of the account would pass the largest number it can hold.',
  command_expired: 'The payment ran out of time before its money could be moved.',
  command_malformed: 'The command came damaged, or was written by a version that is not understood here.',
  discarded: 'An operator discarded the command.',
  id_reused: 'The id was used before with other content.',
  insufficient_funds: 'The account has less available than the amount.',
} as const;

export type Refusal = keyof typeof REFUSALS;
