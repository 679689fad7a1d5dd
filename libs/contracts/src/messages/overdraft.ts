import type { MessageSpec } from '../messages.js';
import { amount, assetCode, id, instant, nullable, object, version } from './schema.js';

/**
 * `payflow.account.overdraft_drawn.v1`, `…_repaid.v1` and `…_cleared.v1`: an account with a limited overdraft stands further
 * below zero than before, less far below, or no more below. One command tells of an account once, however often it moved it.
 */
export interface OverdraftMoved {
  readonly account: string;
  readonly asset: string;
  /** How far what is booked stood below zero, minor units. */
  readonly drawn_before: string;
  readonly drawn_after: string;
  /** How far the account may fall; zero where the command took its bounds away. */
  readonly limit: string;
  /** The account's version afterwards. */
  readonly version: number;
  /** The transfer that moved it, of a correction the one in the original's place; null where a group of several did, or a change of the account. */
  readonly transfer: string | null;
  /** The group that was asked for; null where a transfer was asked for alone, reversed or corrected. */
  readonly group: string | null;
  readonly recorded_at: string;
}

const moved = (summary: string) => ({
  topic: 'ledger.events.v1' as const,
  key: (data: OverdraftMoved) => data.account,
  summary,
  schema: object({
    account: id('account'),
    asset: assetCode,
    drawn_before: amount,
    drawn_after: amount,
    limit: amount,
    version,
    transfer: nullable(id('transfer')),
    group: nullable(id('group')),
    recorded_at: instant,
  }),
});

export const overdraftSchemas = {
  'payflow.account.overdraft_drawn.v1': moved('The account stands further below zero than before.'),
  'payflow.account.overdraft_repaid.v1': moved('The account still stands below zero, but less far than before.'),
  'payflow.account.overdraft_cleared.v1': moved('The account stands below zero no more.'),
} as const satisfies Record<string, MessageSpec>;
