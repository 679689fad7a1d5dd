import { SqlMigration } from '@payflow/database';

/** Closed months. New tables only: locks nothing that exists. */
export class LedgerPeriods1763700012000 extends SqlMigration {
  readonly sql = `
create table periods (
  tenant_id uuid not null,
  livemode boolean not null,
  month text not null check (month ~ '^[12][0-9]{3}-(0[1-9]|1[0-2])$'),
  -- The month closed before it, null for an owner's first: whoever closes another in between finds the place taken.
  after_month text,
  status text not null check (status in ('closing', 'closed')),
  -- The first instant after it.
  ends_at timestamptz not null,
  closing_at timestamptz not null,
  -- Transactions before it may have missed the mark; null until the mark has been seen from outside.
  horizon xid8,
  -- The event of its closing, with its data as it was published.
  event_id uuid,
  event_data text,
  closed_xact_id xid8,
  primary key (tenant_id, livemode, month),
  constraint periods_in_order unique nulls not distinct (tenant_id, livemode, after_month),
  constraint periods_closed_are_told check ((status = 'closed') = (event_id is not null and event_data is not null
    and closed_xact_id is not null and horizon is not null))
) with (fillfactor = 70);
-- What waits for its figures.
create index periods_closing on periods (month) where status = 'closing';

-- A month that is closed stays so, and so does the mark.
create function refuse_reopening() returns trigger language plpgsql as $$
begin
  if tg_op = 'DELETE' or old.status = 'closed' or (new.tenant_id, new.livemode, new.month, new.ends_at) is distinct from
    (old.tenant_id, old.livemode, old.month, old.ends_at) then
    raise exception 'a closed month stays closed' using errcode = 'integrity_constraint_violation';
  end if;
  return new;
end $$;
create trigger periods_stay_closed before update or delete on periods for each row execute function refuse_reopening();

do $$ begin
  execute format('revoke delete on periods from %I', current_database());
end $$;
`;
}
