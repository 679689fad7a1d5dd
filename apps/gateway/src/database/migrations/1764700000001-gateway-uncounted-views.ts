import { SqlMigration } from '@payflow/database';

/**
 * Tables that were analyzed while there was nothing in them are uncounted again. Of one that nobody has counted Postgres supposes
 * some hundred rows; of one that was found empty none, and plans made then are for a table of one row, until autovacuum comes by.
 * Locks nothing that anybody reads or writes.
 */
export class GatewayUncountedViews1764700000001 extends SqlMigration {
  readonly sql = `
select pg_clear_relation_stats(n.nspname, c.relname) from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.oid in ('transfer_views'::regclass, 'account_views'::regclass, 'payment_views'::regclass) and c.reltuples = 0;
`;
}
