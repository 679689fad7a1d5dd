import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { removeServerFolder, startPostgres, type Server } from '@payflow/local-stack';
import { configureLogging, renderMetrics } from '@payflow/telemetry';
import { startStandby, until, type Standby } from '@payflow/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openDatabase, type Database } from '../database.js';
import { SqlMigration, runMigrations } from '../migration.js';
import { provisionDatabase } from '../provision.js';
import { statement } from '../statement.js';

class Things1764100020001 extends SqlMigration {
  readonly sql = 'create table things (id bigint primary key);';
}

const INSERT = statement('spec.insert', 'insert into things (id) select generate_series($1::bigint, $2::bigint)');
const NEWEST = statement(
  'spec.newest',
  'select max(id)::integer as id, pg_is_in_recovery() as "isReplica" from things',
);
const PASSWORDS = { migrator: 'migrator-password', service: 'service-password', reader: 'reader-password' };
/** So many leave the replica that has them well ahead of the one that has not. */
const LOST = 20_000;
const READS = 20;

const dir = mkdtempSync(join(tmpdir(), 'payflow-timeline-'));
const folders = Object.fromEntries(
  ['primary', 'heir', 'leftBehind', 'follower'].map((name) => [name, join(dir, name)]),
) as Record<'primary' | 'heir' | 'leftBehind' | 'follower', string>;
const lines: string[] = [];
let primary: Server;
let serviceUrl: string;
let heir: Standby;
let leftBehind: Standby;
let follower: Standby;

beforeAll(async () => {
  primary = await startPostgres({ dir: folders.primary });
  const { url, ownerUrl } = await provisionDatabase(primary.url, 'payments', PASSWORDS);
  serviceUrl = url;
  await runMigrations(ownerUrl, [Things1764100020001]);
  const before = await openDatabase({ url: serviceUrl, poolSize: 1, applicationName: 'spec' });
  await before.count(INSERT, [1, 1]);
  const of = { url: primary.url, dir: folders.primary };
  heir = await startStandby({ of, dir: folders.heir });
  leftBehind = await startStandby({ of, dir: folders.leftBehind });
  follower = await startStandby({ of, dir: folders.follower });
  // What only one replica has is lost with the primary: the one that takes over never knew of it.
  await Promise.all([heir.kill(), follower.kill()]);
  await before.count(INSERT, [2, LOST]);
  await before.close();
  const other = await openDatabase({ url: at(leftBehind), poolSize: 1, applicationName: 'spec' });
  await until('the replica has it', async () => (await newest(other))?.id === LOST);
  await other.close();
  await primary.kill();
  await Promise.all([heir.restart(), follower.restart()]);
  await heir.run('select pg_promote()');
  await follow(follower, heir);
  configureLogging({ level: 'warn', stream: { write: (line: string) => void lines.push(line) } });
}, 180_000);
afterAll(async () => {
  configureLogging({ level: 'silent' });
  await Promise.all([heir?.stop(), leftBehind?.stop(), follower?.stop()]);
  for (const folder of Object.values(folders)) removeServerFolder(folder);
  rmSync(dir, { recursive: true, force: true });
});

/** Points a replica at another primary. */
async function follow(replica: Standby, { port }: Standby): Promise<void> {
  const { hostname, username, password } = new URL(primary.url);
  const conninfo = `host=${hostname} port=${port} user=${username} password=${password}`;
  await replica.run(`alter system set primary_conninfo = '${conninfo}'`);
  await replica.run(`alter system set primary_slot_name = ''`);
  await replica.run('select pg_reload_conf()');
}

const at = ({ port }: Standby): string => Object.assign(new URL(serviceUrl), { port }).toString();
const newest = async (of: Database) => (await of.rows<{ id: number; isReplica: boolean }>(NEWEST))[0];

it('a replica that followed the old primary further than the new one had come does not answer', async () => {
  const db = await openDatabase({ url: at(heir), replicas: [at(leftBehind)], poolSize: 2, applicationName: 'spec' });
  for (const staleness_ms of [0, 5_000]) {
    for (let read = 0; read < READS; read++)
      expect(await newest(db.reading(staleness_ms))).toEqual({ id: 1, isReplica: false });
  }
  await db.close();
  expect(lines.join('')).toContain('"reason":"of_another_timeline"');
  expect((await renderMetrics()).body).toMatch(/payflow_database_replica_up\{replica="[^"]+"\} 0/);
});

it('one that follows the new primary does, from its next checkpoint on', async () => {
  const db = await openDatabase({ url: at(heir), replicas: [at(follower)], poolSize: 2, applicationName: 'spec' });
  await db.count(INSERT, [30_000, 30_000]);
  await heir.run('checkpoint');
  await until('it gets reads', async () => {
    await follower.run('checkpoint');
    return (await newest(db.reading(0)))?.isReplica;
  });
  expect(await newest(db.reading(0))).toMatchObject({ id: 30_000 });
  await db.close();
});
