import { SqlMigration } from '@payflow/database';

/**
 * Who else gets a part of what a payment captures. A column of the catalogue alone, and two indexes for which `ledger_steps` is
 * locked as long as they take to be built.
 */
export class PaymentDivisions1764200800001 extends SqlMigration {
  readonly sql = `
-- {"parts": [{"kind", "account", "amount"}], "type"}; null on all others.
alter table payments add column division json;

-- What a capture brought is divided once, however often it is tried.
create unique index ledger_steps_divided_once on ledger_steps (tenant_id, livemode, operation_id)
  where command_type = 'payflow.group.post.v1' and status = 'done';
-- The sweeper looks for what could not be divided.
create index ledger_steps_undivided on ledger_steps (updated_at)
  where command_type = 'payflow.group.post.v1' and status = 'refused';
`;
}
