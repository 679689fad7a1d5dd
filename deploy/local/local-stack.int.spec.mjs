import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Client } from 'pg';

import { PartFailure, removeServerFolder, startKafka, startKafkaCluster, startPostgres, startRedis } from './index.mjs';
import { liveBrokers } from './kafka/wire.mjs';

describe('the local stack', { timeout: 120_000 }, () => {
  let dir = '';
  beforeAll(() => (dir = mkdtempSync(join(tmpdir(), 'payflow-stack-'))));
  afterAll(() => {
    removeServerFolder(dir);
    rmSync(dir, { recursive: true, force: true });
  });

  it('PostgreSQL keeps its data, password and port over a kill -9', async () => {
    const place = join(dir, 'postgres');
    const first = await startPostgres({ dir: place });
    expect(statSync(join(place, 'superuser-password')).mode & 0o777).toBe(0o600);
    await query(first.url, 'create table kept as select 1 as one');
    await first.kill();
    const second = await startPostgres({ dir: place, port: first.ports.postgres });
    expect(second.url).toBe(first.url);
    expect(await query(second.url, 'select one from kept')).toEqual([{ one: 1 }]);
    await second.stop();
    expect(await second.exited).toEqual({ code: 0, signal: null });
  });

  it('a server that cannot start names the part, the cause and the log', async () => {
    const refused = startPostgres({ dir: join(dir, 'refused'), settings: { shared_buffers: 'plenty' } });
    const failure = await refused.catch((error) => error);
    expect(failure).toBeInstanceOf(PartFailure);
    expect(failure.message).toMatch(/^PostgreSQL: ended while starting .*shared_buffers/);
    expect(failure.logFile).toBe(join(dir, 'refused', 'postgres.log'));
  });

  it('all of them keep their data in a folder of any name', async () => {
    const place = join(dir, 'jürgen, & co #1 100%');
    const starts = [
      () => startKafka({ dir: join(place, 'kafka'), profile: 'test' }),
      () => startPostgres({ dir: join(place, 'postgres'), profile: 'test' }),
      () => startRedis({ dir: join(place, 'redis') }),
    ];
    const twice = starts.map(async (start) => {
      await (await start()).stop();
      await (await start()).stop();
    });
    await Promise.all(twice);
    expect(existsSync(join(place, 'kafka', 'data', 'meta.properties'))).toBe(true);
  });

  it('a broker of three comes back after a kill -9', async () => {
    const cluster = await startKafkaCluster({ dir: join(dir, 'kafka'), profile: 'test' });
    await cluster.broker(2).kill();
    const back = await cluster.restart(2);
    expect(await liveBrokers(back.ports.broker)).toContain(2);
    await cluster.stop();
  });
});

async function query(url, text) {
  const client = new Client(url);
  await client.connect();
  const { rows } = await client.query(text);
  await client.end();
  return rows;
}
