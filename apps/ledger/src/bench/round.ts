import { statement, type Database } from '@payflow/database';
import { spread, treeCpu_us } from './measure.js';
import type { Results } from './report.js';

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

/** CPU time of this process so far, µs. */
function ownCpu_us(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

/** Runs `post`, which makes so many transfers, and adds up what it took. `nodeCpu_us`: of the processes that post, where it is not this one. */
export async function measured(
  database: Database,
  postgresPid: number,
  transfers: number,
  post: () => Promise<unknown>,
  nodeCpu_us: () => number = ownCpu_us,
): Promise<Round> {
  const [{ lsn: before }] = (await database.rows<{ lsn: string }>(LSN)) as [{ lsn: string }];
  const postgresBefore = treeCpu_us(postgresPid);
  const nodeBefore = nodeCpu_us();
  const startedAt = performance.now();
  await post();
  const seconds = (performance.now() - startedAt) / 1_000;
  const node_us = nodeCpu_us() - nodeBefore;
  const postgres_us = treeCpu_us(postgresPid) - postgresBefore;
  const [{ bytes }] = (await database.rows<{ bytes: string }>(WAL_SINCE, [before])) as [{ bytes: string }];
  return {
    perSecond: transfers / seconds,
    nodeCpu_us: node_us / transfers,
    cpu_us: (node_us + postgres_us) / transfers,
    walBytes: Number(bytes) / transfers,
  };
}

/** What the rounds of one thing cost, as it is reported: how fast, and each transfer's CPU time and WAL. */
export function costsOf(what: string, rounds: readonly Round[]): Results {
  return {
    [`${what}, transfers/s`]: spread(rounds.map((round) => round.perSecond)),
    [`${what}, CPU µs each, Node and PostgreSQL`]: spread(rounds.map((round) => round.cpu_us)),
    [`${what}, WAL bytes each`]: spread(rounds.map((round) => round.walBytes)),
  };
}
