import { SqlMigration } from '@payflow/database';

/**
 * The hash chains of the transfers. Chains what is there already in the order of its transactions, which is the order that
 * checks and seals cut by, one row after another, while nothing else writes: half a minute for a million transfers.
 */
export class LedgerChain1763700004000 extends SqlMigration {
  readonly sql = `
alter table transfers add column chain smallint, add column chain_position bigint, add column chain_hash bytea;

-- How far each chain has come. One row per chain, each written by one partition of ledger.commands at a time.
create table chains (
  chain smallint primary key check (chain between 0 and 11),
  position bigint not null check (position >= 0),
  hash bytea not null check (octet_length(hash) = 32)
) with (fillfactor = 50);
insert into chains select chain, 0, decode(repeat('00', 32), 'hex') from generate_series(0, 11) as chain;

alter table transfers disable trigger transfers_append_only;
do $$
declare
  t record;
  previous bytea := decode(repeat('00', 32), 'hex');
  at bigint := 0;
begin
  for t in select * from transfers order by xact_id, recorded_at, id loop
    at := at + 1;
    previous := sha256(convert_to(concat(encode(previous, 'hex'), '|', at, '|', t.tenant_id, '|', t.livemode::text, '|', t.id, '|',
      (extract(epoch from t.recorded_at) * 1000)::bigint, '|', t.debit_account_id, '|', t.credit_account_id, '|', t.amount_minor, '|',
      t.asset, '|', t.payment_id, '|', t.group_id, '|', t.hold_id, '|', t.reverses_id, '|',
      (extract(epoch from t.effective_at) * 1000)::bigint), 'UTF8'));
    update transfers set chain = 0, chain_position = at, chain_hash = previous
    where tenant_id = t.tenant_id and livemode = t.livemode and id = t.id and recorded_at = t.recorded_at;
  end loop;
  update chains set position = at, hash = previous where chain = 0 and at > 0;
end $$;
alter table transfers enable trigger transfers_append_only;

alter table transfers
  alter column chain set not null, alter column chain_position set not null, alter column chain_hash set not null,
  add constraint transfers_chain_hash check (octet_length(chain_hash) = 32);

do $$ begin
  execute format('revoke insert, delete on chains from %I', current_database());
end $$;
`;
}
