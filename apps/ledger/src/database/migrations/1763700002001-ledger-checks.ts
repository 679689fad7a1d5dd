import { SqlMigration } from '@payflow/database';

/** What the running proof of the books stands on. Each index locks its table against writes while it is built. */
export class LedgerChecks1763700002001 extends SqlMigration {
  readonly sql = `
-- Rows of a transaction lie together and new ones at the end: inserts touch one page, and equal ids are stored once.
create index transfers_by_xact on transfers (xact_id);
create index verdicts_by_xact on verdicts (xact_id);

-- The sums of all transfers whose transactions come before the horizon, by account.
create table verified_counters (
  tenant_id uuid not null,
  livemode boolean not null,
  account_id uuid not null,
  posted_debits bigint not null,
  posted_credits bigint not null,
  primary key (tenant_id, livemode, account_id)
) with (fillfactor = 60);

create table verified_horizon (
  only_row boolean primary key default true check (only_row),
  horizon xid8 not null
);
insert into verified_horizon (horizon) values ('0');
`;
}
