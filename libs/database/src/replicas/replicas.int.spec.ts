import { setTimeout as delay } from 'node:timers/promises';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { removeServerFolder, startPostgres, type Server } from '@payflow/local-stack';
import { startStandby, until, type Standby } from '@payflow/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openDatabase, type Database } from '../database.js';
import { SqlMigration, runMigrations } from '../migration.js';
import { provisionDatabase } from '../provision.js';
import { statement } from '../statement.js';

class Things1764100020001 extends SqlMigration {
  readonly sql = 'create table things (id bigint primary key, at timestamptz not null default clock_timestamp());';
}

const INSERT = statement('spec.insert', 'insert into things (id) values ($1)');
const NEWEST = statement(
  'spec.newest',
  `select max(id) as id, inet_server_port() as port, pg_is_in_recovery() as "isReplica" from things`,
);
const END_MYSELF = statement('spec.end-myself', 'select pg_terminate_backend(pg_backend_pid())');
const SLOW = statement('spec.slow', 'select inet_server_port() as port, pg_sleep(0.05)::text as slept');
const PASSWORDS = { migrator: 'migrator-password', service: 'service-password', reader: 'reader-password' };
const BOUND_MS = 2_000;

interface Newest {
  readonly id: bigint | null;
  readonly port: number;
  readonly isReplica: boolean;
}

const dir = mkdtempSync(join(tmpdir(), 'payflow-replicas-'));
const folders = ['primary', 'one', 'two'].map((name) => join(dir, name)) as [string, string, string];
let primary: Server;
let one: Standby;
let two: Standby;
let db: Database;
let written = 0n;

beforeAll(async () => {
  primary = await startPostgres({ dir: folders[0] });
  const { url, ownerUrl } = await provisionDatabase(primary.url, 'payments', PASSWORDS);
  await runMigrations(ownerUrl, [Things1764100020001]);
  one = await startStandby({ of: { url: primary.url, dir: folders[0] }, dir: folders[1] });
  two = await startStandby({ of: { url: primary.url, dir: folders[0] }, dir: folders[2] });
  const replica = ({ port }: Standby, query = ''): string =>
    Object.assign(new URL(url), { port, search: query }).toString();
  db = await openDatabase({
    url,
    replicas: [replica(one), replica(two, '?weight=2')],
    poolSize: 8,
    applicationName: 'spec',
  });
}, 120_000);
afterAll(async () => {
  await db?.close();
  await Promise.all([one?.stop(), two?.stop()]);
  await primary?.stop();
  for (const folder of folders) removeServerFolder(folder);
  rmSync(dir, { recursive: true, force: true });
});

const newest = async (of: Database): Promise<Newest> => (await of.rows<Newest>(NEWEST))[0] as Newest;
const write = async (): Promise<bigint> => {
  await db.count(INSERT, [written + 1n]);
  return ++written;
};
const isRead = (port: number) => until('it gets reads', async () => (await newest(db.reading(0))).port === port);

/** Writes and reads on and on while something happens; counts who answered, and fails on the first answer that lacks a write. */
async function underLoad(happening: () => Promise<void>): Promise<{ replica: number; primary: number }> {
  const counts = { replica: 0, primary: 0 };
  let isOver = false;
  const readers = Array.from({ length: 4 }, async () => {
    while (!isOver) {
      const known = written;
      const { id, isReplica } = await newest(db.reading(0));
      expect(id).toBeGreaterThanOrEqual(known);
      counts[isReplica ? 'replica' : 'primary']++;
    }
  });
  const writer = (async () => {
    while (!isOver) await write();
  })();
  try {
    await happening();
  } finally {
    isOver = true;
  }
  await Promise.all([...readers, writer]);
  return counts;
}

it('reads are spread by weight', async () => {
  await write();
  const ports: number[] = [];
  const reader = async (): Promise<void> => {
    for (let read = 0; read < 20; read++)
      ports.push((await db.reading(BOUND_MS).rows<{ port: number }>(SLOW))[0]?.port ?? 0);
  };
  await until('both get reads', async () => {
    const seen = await Promise.all(Array.from({ length: 6 }, () => newest(db.reading(BOUND_MS))));
    return new Set(seen.map(({ port }) => port)).size === 2;
  });
  await Promise.all(Array.from({ length: 6 }, reader));
  const share = (of: Standby) => ports.filter((port) => port === of.port).length / ports.length;
  expect(share(one) + share(two)).toBe(1);
  expect(share(two) / share(one)).toBeCloseTo(2, 0);
});

it('what was written is read at once, from replicas too', async () => {
  const counts = await underLoad(() => until('a thousand writes', () => written > 1_000n).then(() => undefined));
  expect(counts.replica).toBeGreaterThan(0);
});

it('a transaction that only reads is a replica’s, too, and what fails there for its own fault fails', async () => {
  const reading = db.reading(0);
  await until('a replica answers', () =>
    reading.transaction(async (tx) => (await tx.rows<Newest>(NEWEST))[0]?.isReplica),
  );
  await expect(
    until('a replica refuses', async () => reading.transaction((tx) => tx.rows(INSERT, [0n])).then(() => false)),
  ).rejects.toMatchObject({ code: expect.stringMatching(/25006|23505/) as string });
});

it('replicas that lag: nothing is older than it may be, and the primary answers meanwhile', async () => {
  await Promise.all([one.run('select pg_wal_replay_pause()'), two.run('select pg_wal_replay_pause()')]);
  const known = await write();
  const writtenAt_ms = performance.now();
  expect(await newest(db.reading(0))).toMatchObject({ id: known, isReplica: false });
  await until('the primary answers what may be a little old, too', async () => {
    const askedAt_ms = performance.now();
    const { id, isReplica } = await newest(db.reading(BOUND_MS));
    if (askedAt_ms > writtenAt_ms + BOUND_MS) expect(id).toBe(known);
    await delay(20);
    return !isReplica && askedAt_ms > writtenAt_ms + BOUND_MS;
  });
  await Promise.all([one.run('select pg_wal_replay_resume()'), two.run('select pg_wal_replay_resume()')]);
  await until('a replica answers again', async () => (await newest(db.reading(0))).isReplica);
});

it('what a replica breaks off is done again by the primary', async () => {
  const answers: boolean[] = [];
  await db.reading(0).transaction(async (tx) => {
    const [row] = await tx.rows<Newest>(NEWEST);
    answers.push(row?.isReplica ?? false);
    if (row?.isReplica) await tx.rows(END_MYSELF);
  });
  expect(answers).toEqual([true, false]);
});

it('replicas that stand still under load: what they were asked is asked of the primary, and nothing waits for them', async () => {
  await underLoad(async () => {
    one.pause();
    two.pause();
    const before = written;
    await until('writes go on', () => written > before + 500n);
    await until('the primary answers', async () => !(await newest(db.reading(0))).isReplica);
    one.resume();
    two.resume();
  });
  await Promise.all([isRead(one.port), isRead(two.port)]);
});

it('a replica that is killed under load: no error, nothing old; back, it gets reads again', async () => {
  await underLoad(async () => {
    await one.kill();
    await two.kill();
    const before = written;
    await until('writes go on', () => written > before + 200n);
    expect((await newest(db.reading(0))).isReplica).toBe(false);
    await Promise.all([one.restart(), two.restart()]);
    await until('replicas answer again', async () => (await newest(db.reading(0))).isReplica);
  });
  await Promise.all([isRead(one.port), isRead(two.port)]);
});

it('a replica that is promoted under load is noticed, and left out for good', async () => {
  await underLoad(async () => {
    await two.run('select pg_promote()');
    const before = written;
    await until('writes go on', () => written > before + 500n);
  });
  const ports = new Set<number>();
  for (let read = 0; read < 200; read++) ports.add((await newest(db.reading(BOUND_MS))).port);
  expect(ports).not.toContain(two.port);
  expect(ports).toContain(one.port);
});
