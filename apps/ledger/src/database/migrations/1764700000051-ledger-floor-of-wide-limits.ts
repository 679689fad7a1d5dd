import { SqlMigration } from '@payflow/database';

/**
 * The same floor, held against the limit instead of added to it: of the largest limit and a balance above zero the sum is no
 * bigint, and whatever was to be booked on such an account failed. Every row keeps to it already, so none is looked at.
 */
export class LedgerFloorOfWideLimits1764700000051 extends SqlMigration {
  readonly sql = `
alter table accounts drop constraint accounts_floor,
  add constraint accounts_floor check (overdraft = 'unbounded' or case
    when kind in ('asset', 'expense') then posted_debits - posted_credits - pending_credits
    else posted_credits - posted_debits - pending_debits end >= -overdraft_limit_minor) not valid;
`;
}
