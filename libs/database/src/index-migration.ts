import { setTimeout as delay } from 'node:timers/promises';
import type { MigrationInterface, QueryRunner } from 'typeorm';
import { LOCK_TIMEOUT, untilLocked } from './lock-patience.js';

/** An index as `create index … on <table> <definition>` says it. */
export interface IndexDefinition {
  readonly name: string;
  readonly table: string;
  readonly isUnique?: boolean;
  /** All that follows the table's name: `(tenant_id, path) where path is not null`, or `using brin (created_at)`. */
  readonly definition: string;
}

const RETRY_JITTER_MS = 1_000;
const NAME_LENGTH_MAX = 63;

/**
 * Makes and drops indexes while everybody reads and writes: concurrently, and on a partitioned table partition by partition, to be
 * attached one by one. Runs outside any transaction, so it may be killed between any two statements, or within one: run again,
 * it finds what is done, drops what is invalid, and goes on. New indexes come first, so that no query is ever without one.
 */
export abstract class IndexMigration implements MigrationInterface {
  readonly transaction = false;
  readonly indexes: readonly IndexDefinition[] = [];
  /** Indexes that are needed no longer. */
  readonly dropped: readonly string[] = [];

  async up(runner: QueryRunner): Promise<void> {
    await alone(runner, async () => {
      for (const index of this.indexes) await ensureIndex(runner, index);
      for (const name of this.dropped) await dropIndex(runner, name);
    });
  }

  async down(): Promise<void> {
    throw new Error('migrations go forward only');
  }
}

/**
 * Two set-ups of one database take turns. Asked for again and again, not waited for: a session that waits inside a statement
 * holds a snapshot, and the other's index waits for that to end.
 */
async function alone(runner: QueryRunner, work: () => Promise<void>): Promise<void> {
  const lock = "hashtext('payflow/indexes')";
  for (;;) {
    const [{ taken } = { taken: false }] = await rows<{ taken: boolean }>(
      runner,
      `select pg_try_advisory_lock(${lock}) as taken`,
    );
    if (taken) break;
    await delay(Math.random() * RETRY_JITTER_MS);
  }
  try {
    await work();
  } finally {
    // A session that is gone holds nothing.
    await runner.query(`select pg_advisory_unlock(${lock})`).catch(() => undefined);
  }
}

async function ensureIndex(runner: QueryRunner, index: IndexDefinition): Promise<void> {
  const [table] = await rows<{ isPartitioned: boolean }>(
    runner,
    `select relkind = 'p' as "isPartitioned" from pg_class where oid = '${index.table}'::regclass`,
  );
  if (table?.isPartitioned) await ensureOnPartitions(runner, index);
  else await ensureOnTable(runner, index);
}

async function ensureOnTable(
  runner: QueryRunner,
  { name, table, isUnique, definition }: IndexDefinition,
): Promise<void> {
  const [found] = await rows<{ isValid: boolean }>(
    runner,
    `select indisvalid as "isValid" from pg_index where indexrelid = to_regclass('${name}')`,
  );
  if (found?.isValid) return;
  // What a killed run left: Postgres keeps it up to date and uses it for nothing.
  if (found) await runner.query(`drop index concurrently ${name}`);
  await runner.query(`create ${isUnique ? 'unique ' : ''}index concurrently ${name} on ${table} ${definition}`);
}

async function ensureOnPartitions(runner: QueryRunner, index: IndexDefinition): Promise<void> {
  const { name, table, isUnique, definition } = index;
  const parent = `create ${isUnique ? 'unique ' : ''}index if not exists ${name} on only ${table} ${definition}`;
  await locking(runner, parent);
  // A partition that is attached meanwhile brings an index of its own.
  for (let part = await withoutIndex(runner, index); part; part = await withoutIndex(runner, index)) {
    const own = `${part}_${name}`;
    if (own.length > NAME_LENGTH_MAX) throw new Error(`index name too long: ${own}`);
    await ensureOnTable(runner, { ...index, name: own, table: part });
    await locking(runner, `alter index ${name} attach partition ${own}`);
  }
}

async function withoutIndex(runner: QueryRunner, { name, table }: IndexDefinition): Promise<string | undefined> {
  const [part] = await rows<{ name: string }>(
    runner,
    `select p.inhrelid::regclass::text as name from pg_inherits p
     where p.inhparent = '${table}'::regclass and not p.inhdetachpending and not exists (
       select from pg_inherits i join pg_index x on x.indexrelid = i.inhrelid
       where i.inhparent = '${name}'::regclass and x.indrelid = p.inhrelid)
     order by 1 limit 1`,
  );
  return part?.name;
}

async function dropIndex(runner: QueryRunner, name: string): Promise<void> {
  const [found] = await rows<{ isPartitioned: boolean }>(
    runner,
    `select relkind = 'I' as "isPartitioned" from pg_class where oid = to_regclass('${name}')`,
  );
  if (found?.isPartitioned) await locking(runner, `drop index ${name}`);
  else if (found) await runner.query(`drop index concurrently ${name}`);
}

/** One statement that needs a lock on a table in use. */
async function locking(runner: QueryRunner, text: string): Promise<void> {
  await untilLocked(async () => {
    try {
      await runner.query(`set lock_timeout = '${LOCK_TIMEOUT}'`);
      await runner.query(text);
    } finally {
      await runner.query('reset lock_timeout');
    }
  });
}

async function rows<R>(runner: QueryRunner, text: string): Promise<R[]> {
  return (await runner.query(text)) as R[];
}
