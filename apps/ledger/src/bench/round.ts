import { statement, type Database } from '@payflow/database';
import { treeCpu_us } from './measure.js';

/** What one round of a benchmark cost, per transfer. */
export interface Round {
  readonly perSecond: number;
  /** Node and PostgreSQL together. */
  readonly cpu_us: number;
  readonly nodeCpu_us: number;
  readonly walBytes: number;
}

const LSN = statement('bench.lsn', 'select pg_current_wal_insert_lsn()::text as lsn');
const WAL_SINCE = statement(
  'bench.wal',
  'select pg_wal_lsn_diff(pg_current_wal_insert_lsn(), $1::pg_lsn)::text as bytes',
);

/** Runs `post`, which makes so many transfers, and adds up what it took. */
export async function measured(
  database: Database,
  postgresPid: number,
  transfers: number,
  post: () => Promise<void>,
): Promise<Round> {
  const [{ lsn: before }] = (await database.rows<{ lsn: string }>(LSN)) as [{ lsn: string }];
  const postgresBefore = treeCpu_us(postgresPid);
  const nodeBefore = process.cpuUsage();
  const startedAt = performance.now();
  await post();
  const seconds = (performance.now() - startedAt) / 1_000;
  const node = process.cpuUsage(nodeBefore);
  const postgres_us = treeCpu_us(postgresPid) - postgresBefore;
  const [{ bytes }] = (await database.rows<{ bytes: string }>(WAL_SINCE, [before])) as [{ bytes: string }];
  return {
    perSecond: transfers / seconds,
    nodeCpu_us: (node.user + node.system) / transfers,
    cpu_us: (node.user + node.system + postgres_us) / transfers,
    walBytes: Number(bytes) / transfers,
  };
}
