import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createTestDatabase, until, type TestDatabase } from '@payflow/testing';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { MIGRATIONS } from '../installation.js';
import { partitionsCommands, retire } from './partitions.js';

const DAY_MS = 86_400_000;
const dayOf = (days: number) => new Date(Date.now() + days * DAY_MS).toISOString().slice(0, 10);
const nameOf = (days: number) => `outbox_${dayOf(days).replaceAll('-', '')}`;
const ROW = `insert into outbox (created_at, id, topic, partition, messages, message_count, counted, id_sum, claimed_until, published_at)
  values ($1, gen_random_uuid(), 't', 0, '[]', 1, 1, 1, now(), $2)`;

let db: TestDatabase;
let owner: Client;
let writer: Client;
let reader: Client;
beforeAll(async () => {
  db = await createTestDatabase('monitoring', MIGRATIONS.monitoring, 1);
  [owner, writer, reader] = [db.ownerUrl, db.url, db.url].map((url) => new Client({ connectionString: url })) as [
    Client,
    Client,
    Client,
  ];
  await Promise.all([owner.connect(), writer.connect(), reader.connect()]);
  await owner.query('select ensure_partitions(1)');
  for (const days of [-10, -11])
    await owner.query(
      `create table ${nameOf(days)} partition of outbox for values from ('${dayOf(days)}') to ('${dayOf(days + 1)}')`,
    );
});
afterAll(async () => {
  await Promise.all([owner, writer, reader].map((client) => client.end()));
  await db.drop();
});

describe('payflow partitions retire', () => {
  it('waits for a long reader and keeps no writer waiting, and leaves a day with a row that was not sent', async () => {
    await writer.query(ROW, [`${dayOf(-11)}T12:00:00Z`, null]);
    await reader.query('begin; select count(*) from outbox');
    const retiring = retire(owner);
    await until('the detach waits for the reader', async () => {
      const { rowCount } = await writer.query("select from partitions_of('outbox') where is_detaching");
      return rowCount === 1;
    });
    // A lock that has to be waited for would end this with an error.
    await writer.query("set lock_timeout = '100ms'");
    await writer.query(ROW, [new Date(), null]);
    expect((await writer.query('select from outbox')).rowCount).toBe(2);
    await reader.query('commit');
    expect(await retiring).toEqual([nameOf(-10)]);
    expect(await retire(owner)).toEqual([]);
  });

  it('changes no password, whatever it knows of them', async () => {
    const state = mkdtempSync(join(tmpdir(), 'payflow-retire-'));
    vi.stubEnv('PAYFLOW_STATE_DIR', state);
    vi.stubEnv('POSTGRES_URL', db.adminUrl);
    vi.stubEnv('PAYFLOW_DATABASE_PREFIX', new URL(db.adminUrl).pathname.slice(1).replace(/_monitoring$/, ''));
    vi.stubEnv('MONITORING_MIGRATOR_DATABASE_URL', db.ownerUrl);
    const written = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
    await partitionsCommands().parseAsync(['retire', 'monitoring'], { from: 'user' });
    expect(written.mock.calls.map(([text]) => String(text)).join('')).toBe('nothing has outlived its use\n');
    written.mockRestore();
    vi.unstubAllEnvs();
    rmSync(state, { recursive: true });
    // As the running service does for its next connection.
    const service = new Client({ connectionString: db.url });
    await service.connect();
    await service.end();
  });
});
