import { SqlMigration } from '@payflow/database';

/** The payments. New tables only: locks nothing that exists. */
export class PaymentsTables1763700001000 extends SqlMigration {
  readonly sql = `
create table payments (
  tenant_id uuid not null,
  livemode boolean not null,
  id uuid not null,
  status text not null check (status in ('processing', 'succeeded', 'failed')),
  version bigint not null check (version >= 0),
  amount_minor bigint not null check (amount_minor > 0),
  asset text not null,
  source_account_id uuid not null,
  destination_account_id uuid not null,
  method json not null,
  reference text,
  metadata json not null,
  failure_code text,
  -- The message that created it, and the command that the ledger's verdict answers.
  create_command_id uuid not null,
  ledger_command_id uuid not null,
  verdict_event_id uuid,
  created_at timestamptz not null,
  expires_at timestamptz not null,
  updated_at timestamptz not null default clock_timestamp(),
  xact_id xid8 not null default pg_current_xact_id(),
  primary key (tenant_id, livemode, id),
  constraint payments_failed_has_code check ((status = 'failed') = (failure_code is not null)),
  constraint payments_final_has_verdict check ((status = 'processing') = (verdict_event_id is null))
) with (fillfactor = 80);

-- What the sweeper looks through: only what waits.
create index payments_waiting on payments (updated_at) where status = 'processing';

do $$ begin
  execute format('revoke delete on payments from %I', current_database());
end $$;
`;
}
