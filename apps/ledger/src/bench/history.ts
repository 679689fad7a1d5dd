import { uuidOf } from '@payflow/contracts';
import { Client } from 'pg';
import { addSnapshots } from '../database/snapshot.repository.js';
import { CANONICAL_SQL, CHAINS } from '../database/chain.js';
import { TRANSFERS_PER_SNAPSHOT } from '../snapshot-rollup.js';
import type { BenchBooks } from './books.js';

/** A transaction's worth, as far as the steps of rollups and checks are concerned. */
const CHUNK = 50_000;
/** One for each core of the machine that this is measured on. */
const SESSIONS = 2;
const MONTHS = 12;
const MONTH_MS = 30 * 86_400_000;
const HOUR_MS = 3_600_000;

// Months of before the ledger was there: filled first, and given their indexes after. Nothing more is posted to a month that is
// over, so how full their pages are is met by reads alone. And the chain as an aggregate, so that a chunk is one statement.
const PREPARE = `
create table history (like transfers including defaults including constraints) partition by range (recorded_at);
do $$
declare
  month timestamptz;
begin
  for back in 2 .. ${MONTHS + 1} loop
    month := date_trunc('month', now(), 'UTC') - back * interval '1 month';
    execute format('create table %I partition of history for values from (%L) to (%L)',
      'transfers_' || to_char(month at time zone 'UTC', 'YYYYMM'), month, month + interval '1 month');
  end loop;
end $$;
create function bench_link(previous bytea, head bytea, line text) returns bytea language plpgsql immutable as $$
begin return sha256(convert_to(encode(coalesce(previous, head), 'hex') || line, 'UTF8')); end $$;
create aggregate bench_chained(bytea, text) (sfunc = bench_link, stype = bytea);`;

const SESSION = `
set synchronous_commit = off;
set work_mem = '256MB';
set maintenance_work_mem = '512MB';
create temp table numbered as select (row_number() over (order by id) - 1)::integer as nr, id from accounts;
create unique index on numbered (nr);
analyze numbered;`;

// The current and the last month are there, with their indexes.
const FIRST_OF_THE_LEDGER = `date_trunc('month', now(), 'UTC') - interval '1 month'`;

const ATTACH = `
do $$
declare
  month timestamptz;
  part text;
begin
  for back in 2 .. ${MONTHS + 1} loop
    month := date_trunc('month', now(), 'UTC') - back * interval '1 month';
    part := 'transfers_' || to_char(month at time zone 'UTC', 'YYYYMM');
    execute format('alter table history detach partition %I', part);
    execute format('alter table transfers attach partition %I for values from (%L) to (%L)', part, month, month + interval '1 month');
    perform guard_partition('transfers', part::regclass);
  end loop;
end $$;
drop table history;`;

const book = (table: string, at: '<' | '>=') => `
  insert into ${table} (tenant_id, livemode, id, recorded_at, debit_account_id, credit_account_id, amount_minor, asset, chain, chain_position, chain_hash)
  select tenant_id, livemode, id, recorded_at, debit_account_id, credit_account_id, amount_minor, asset, $5::smallint, chain_position, chain_hash
  from links where recorded_at ${at} ${FIRST_OF_THE_LEDGER} order by chain_position`;

/** So many transfers between two instants at the end of one chain, each with its verdict; a little over its key's worth of it. */
const INSERT_CHUNK = `
with noise as materialized (
  select i, md5(random()::text) as digits, floor(random() * $6::integer)::integer as debit,
    1 + floor(random() * ($6::integer - 1))::integer as away,
    date_trunc('milliseconds', $2::timestamptz + ($3::timestamptz - $2::timestamptz) * (i::float8 / $4::integer)) as recorded_at
  from generate_series(0, $4::integer - 1) as i),
head as materialized (select position, hash from chains where chain = $5::smallint),
links as materialized (
  select t.*, bench_chained((select hash from head), concat('|', t.chain_position, '|', ${CANONICAL_SQL})) over (order by t.chain_position) as chain_hash
  from (
    select $1::uuid as tenant_id, false as livemode, recorded_at, d.id as debit_account_id, c.id as credit_account_id,
      (lpad(to_hex((extract(epoch from recorded_at) * 1000)::bigint), 12, '0') || '7' || left(digits, 3) || '8' || substr(digits, 4, 15))::uuid as id,
      7::bigint as amount_minor, 'USD' as asset, null::uuid as payment_id, null::uuid as group_id, null::uuid as hold_id,
      null::uuid as reverses_id, null::timestamptz as effective_at, (select position from head) + i + 1 as chain_position
    from noise join numbered d on d.nr = debit join numbered c on c.nr = (debit + away) % $6::integer) as t),
before as (${book('history', '<')}),
since as (${book('transfers', '>=')}),
answered as (
  insert into verdicts (tenant_id, livemode, kind, id, content_hash, command_id, event_id, event_type, event_data)
  select tenant_id, livemode, 'transfer', id, chain_hash, id, id, 'payflow.transfer.posted.v1', '{}' from links order by chain_position)
update chains c set position = l.chain_position, hash = l.chain_hash
from (select chain_position, chain_hash from links order by chain_position desc limit 1) as l where c.chain = $5::smallint`;

const BOOK = `
update accounts a set posted_debits = a.posted_debits + m.debits, posted_credits = a.posted_credits + m.credits,
  version = a.version + m.transfers, last_recorded_at = m.last
from (
  select account, sum(debit) as debits, sum(credit) as credits, count(*) as transfers, max(recorded_at) as last from (
    select debit_account_id as account, amount_minor as debit, 0 as credit, recorded_at from transfers
    union all select credit_account_id, 0, amount_minor, recorded_at from transfers) as sides group by account) as m
where a.id = m.account`;

/**
 * A year of history by SQL: chained, answered for, counted in the accounts and with the snapshots that the product would have
 * made of it. A verdict's data is left empty: it is kept beside the key and looked at by nobody here.
 */
export async function seedHistory(books: BenchBooks, transfers: number): Promise<void> {
  const owner = await sessionOf(books, PREPARE);
  const others = await Promise.all(Array.from({ length: SESSIONS - 1 }, () => sessionOf(books)));
  const sessions = [owner, ...others];
  await Promise.all(sessions.map((session, at) => fill(session, books, { transfers, first: at })));
  await Promise.all(others.map((session) => session.end()));
  await owner.query(ATTACH);
  await owner.query(BOOK);
  for (const table of ['transfers', 'verdicts', 'accounts']) await owner.query(`vacuum (analyze) ${table}`);
  await owner.end();
  while (await addSnapshots(books.database, TRANSFERS_PER_SNAPSHOT));
}

async function sessionOf(books: BenchBooks, prepare = ''): Promise<Client> {
  const client = new Client({ connectionString: books.urls.ownerUrl });
  await client.connect();
  await client.query(prepare + SESSION);
  return client;
}

/** Every so-manieth chunk. Their number divides that of the chains, so that no two sessions meet at one. */
async function fill(
  session: Client,
  { tenant, accounts }: BenchBooks,
  { transfers, first }: { readonly transfers: number; readonly first: number },
): Promise<void> {
  const end = Date.now() - HOUR_MS;
  const begin = end - MONTHS * MONTH_MS;
  const instant = (done: number) => new Date(begin + (end - begin) * (done / transfers));
  for (let chunk = first; chunk * CHUNK < transfers; chunk += SESSIONS) {
    const done = chunk * CHUNK;
    const rows = Math.min(CHUNK, transfers - done);
    const span = [instant(done), instant(done + rows)];
    await session.query(INSERT_CHUNK, [uuidOf('tenant', tenant), ...span, rows, chunk % CHAINS, accounts.length]);
  }
}
