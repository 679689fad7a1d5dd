import type { Explaining } from '../care/explain.js';
import type { IndexFacts, TableFacts } from './facts.js';

// Widths are of what is stored, the space of a row is a multiple of 8 with 24 bytes before its values and 4 that point to it.
const TABLES = `
select c.relname as "name", r.relname as "partitionOf", c.relkind = 'p' as "isPartitioned",
  array(select a.attname::text from pg_partitioned_table pt join pg_attribute a on a.attrelid = pt.partrelid and a.attnum = any (pt.partattrs::smallint[])
    where pt.partrelid = c.oid) as "partitionKey",
  array(select a.attname::text from pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped) as columns,
  greatest(c.reltuples, s.n_live_tup, 0)::float8 as rows,
  pg_relation_size(c.oid)::float8 as bytes, pg_indexes_size(c.oid)::float8 as "indexBytes",
  case when w.measured = w.columns and c.reltuples >= 0 then
    ceil(c.reltuples * (ceil((24 + w.width) / 8.0) * 8 + 4) / (8168.0 * fill.factor / 100)) * 8192.0 end::float8 as "expectedBytes",
  coalesce(s.n_dead_tup, 0)::float8 as "deadRows", coalesce(s.n_mod_since_analyze, 0)::float8 as "changedRows",
  greatest(s.last_analyze, s.last_autoanalyze) as "analyzedAt", greatest(s.last_vacuum, s.last_autovacuum) as "vacuumedAt",
  coalesce((select o.option_value from pg_options_to_table(c.reloptions) o where o.option_name = 'autovacuum_enabled'), 'true')
    not in ('false', 'off', '0', 'no') as "isAutovacuumed",
  coalesce(s.seq_scan, 0)::float8 as "sequentialScans", coalesce(s.seq_tup_read, 0)::float8 as "sequentialRows",
  coalesce(s.idx_scan, 0)::float8 as "indexScans",
  case when c.relkind = 'r' then age(c.relfrozenxid) else 0 end::float8 as "xidAge"
from pg_class c
left join pg_stat_user_tables s on s.relid = c.oid
left join pg_class r on c.relispartition and r.oid = pg_partition_root(c.oid)
cross join lateral (
  select coalesce(max(o.option_value::integer), 100) as factor
  from pg_options_to_table(c.reloptions) o where o.option_name = 'fillfactor') as fill
cross join lateral (
  select count(*) as columns, count(st.attname) as measured, coalesce(sum(st.avg_width * (1 - st.null_frac)), 0) as width
  from pg_attribute a left join pg_stats st on st.schemaname = 'public' and st.tablename = c.relname and st.attname = a.attname
  where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped) as w
where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')
order by c.relname`;

// A leaf is nine tenths full when it is built, and each entry has 8 bytes before its key and 4 that point to it.
const INDEXES = `
select x.relname as "name", t.relname as "table", p.relname as "partOf", x.relkind = 'I' as "isPartitioned",
  array(select pg_get_indexdef(i.indexrelid, n, true) from generate_series(1, i.indnkeyatts) n) as columns,
  array(select concat_ws('/', i.indclass[n - 1], i.indcollation[n - 1], i.indoption[n - 1]) from generate_series(1, i.indnkeyatts) n) as traits,
  array(select pg_get_indexdef(i.indexrelid, n, true) from generate_series(i.indnkeyatts + 1, i.indnatts) n) as included,
  pg_get_expr(i.indpred, i.indrelid, true) as predicate, am.amname as method, i.indisunique as "isUnique",
  exists (select from pg_constraint k where k.conindid = i.indexrelid and k.contype in ('p', 'u', 'x')) or i.indisreplident as "backsConstraint",
  i.indisvalid and i.indisready as "isValid",
  leaves.scans::float8 as scans, leaves.bytes::float8 as bytes,
  case when x.relkind = 'i' and w.measured = i.indnatts and x.reltuples >= 0 then
    (1 + ceil(x.reltuples * (ceil((8 + w.width) / 8.0) * 8 + 4) / (8152.0 * fill.factor / 100))) * 8192.0 end::float8 as "expectedBytes"
from pg_index i
join pg_class x on x.oid = i.indexrelid
join pg_class t on t.oid = i.indrelid
join pg_am am on am.oid = x.relam
left join pg_class p on x.relispartition and p.oid = pg_partition_root(x.oid)
cross join lateral (
  select coalesce(sum(pg_stat_get_numscans(l.leaf)), 0) as scans, coalesce(sum(pg_relation_size(l.leaf)), 0) as bytes
  from (select relid::oid as leaf from pg_partition_tree(i.indexrelid) where isleaf union select i.indexrelid) l) as leaves
cross join lateral (
  select coalesce(max(o.option_value::integer), 90) as factor
  from pg_options_to_table(x.reloptions) o where o.option_name = 'fillfactor') as fill
cross join lateral (
  select count(st.attname) as measured, coalesce(sum(st.avg_width * (1 - st.null_frac)), 0) as width
  from pg_attribute a join pg_stats st on st.schemaname = 'public' and st.tablename = t.relname and st.attname = a.attname
  where a.attrelid = t.oid and a.attnum = any (i.indkey::smallint[])) as w
where t.relnamespace = 'public'::regnamespace and t.relkind in ('r', 'p')
order by x.relname`;

/** The tables of the service's schema and their indexes, partitions among them. */
export async function readCatalogue(
  client: Explaining,
): Promise<{ readonly tables: readonly TableFacts[]; readonly indexes: readonly IndexFacts[] }> {
  const { rows: tables } = await client.query<TableFacts>(TABLES);
  const { rows: indexes } = await client.query<IndexFacts>(INDEXES);
  return { tables, indexes };
}
