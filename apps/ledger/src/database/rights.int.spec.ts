import { newId } from '@payflow/contracts';
import { readConfiguration, startService } from '@payflow/service';
import { provisionTestDatabase, createTestTopics, testBroker, uniqueSuffix, type TestDatabase } from '@payflow/testing';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LedgerCommand } from '../domain/decide.js';
import { LedgerCommandsHandler } from '../handlers/ledger-commands.handler.js';
import { ledgerConfiguration } from '../ledger.config.js';
import { LedgerModule } from '../ledger.module.js';
import { CommandsOf } from '../testing/commands.js';
import { migrations } from './index.js';

const MONTH_MS = 31 * 86_400_000;
const monthOf = (time: number) => new Date(time).toISOString().slice(0, 7).replace('-', '');
const [present, later] = [`transfers_${monthOf(Date.now())}`, `transfers_${monthOf(Date.now() + 2 * MONTH_MS)}`];
const HISTORY = [
  'transfers',
  'verdicts',
  'seals',
  'signing_keys',
  'balance_snapshots',
  'metadata_versions',
  'units',
  'transaction_types',
  'typed_transfers',
  'periods',
];
const PARTITIONS = [present, later, 'verdicts_0', 'verdicts_3'];

let db: TestDatabase;
let handle: (commands: LedgerCommand[]) => Promise<unknown>;

async function onceAs(url: string, text: string): Promise<unknown> {
  const client = new Client({ connectionString: url });
  await client.connect();
  return client.query(text).finally(() => client.end());
}

beforeAll(async () => {
  db = await provisionTestDatabase('ledger', migrations, 2);
  await onceAs(db.url, 'select ensure_partitions(1)');
  const ours = new CommandsOf();
  const [world, wallet] = [newId('account'), newId('account')];
  handle = (commands) => db.database.transaction((tx) => new LedgerCommandsHandler().handle(commands, tx));
  await handle([ours.open(world, { overdraft: 'unbounded' }), ours.open(wallet), ours.transfer(world, wallet, '5')]);
  // A month that nobody had thought of when the triggers were made.
  await onceAs(db.url, 'select ensure_partitions(3)');
});
afterAll(() => db.drop());

describe('the ledger’s own role', () => {
  it.each([
    ...[...HISTORY, ...PARTITIONS].flatMap((table) => [`delete from ${table}`, `truncate ${table}`]),
    'update transfers set amount_minor = 6',
    `update ${present} set amount_minor = 6`,
    `update ${later} set amount_minor = 6`,
    "update verdicts set event_data = ''",
    'update accounts set asset = $$EUR$$',
    'update accounts set id = gen_random_uuid()',
    'delete from accounts',
    'update holds set amount_minor = 1',
    'delete from holds',
    'update reversals set amount_minor = 1',
    'insert into chains values (0, 0, sha256($$x$$))',
    'update seals set root = sha256($$x$$)',
    'alter table transfers disable trigger transfers_append_only',
    `alter table ${later} disable trigger all`,
    'drop trigger transfers_append_only on transfers',
    'drop table accounts',
    `drop table ${later}`,
    'set session_replication_role = replica',
    'create function refuse_change() returns trigger language plpgsql as $$begin return null; end$$',
  ])('may not %s', async (text) => {
    await expect(onceAs(db.url, text)).rejects.toMatchObject({ code: '42501' });
  });
});

describe('the owner of the tables', () => {
  it.each([
    ...[...HISTORY, ...PARTITIONS].map((table) => `truncate ${table} cascade`),
    'truncate transfers, verdicts',
    'update transfers set amount_minor = 6',
    'delete from transfers',
    `delete from ${present}`,
    'delete from verdicts',
    "update verdicts set event_data = ''",
  ])('is kept from it by a trigger: %s', async (text) => {
    await expect(onceAs(db.ownerUrl, text)).rejects.toThrow(/is append-only/);
  });
});

describe('a ledger that logs in as somebody else', () => {
  const broker = testBroker(uniqueSuffix());
  beforeAll(() => createTestTopics(broker));

  const start = async (url: string) => {
    const config = readConfiguration(ledgerConfiguration, {
      NODE_ENV: 'test',
      OTEL_TRACES_EXPORTER: 'none',
      LOG_LEVEL: 'silent',
      PORT: '0',
      DATABASE_URL: url,
      KAFKA_BROKERS: broker.brokers.join(','),
      KAFKA_PREFIX: broker.prefix,
    });
    const definition = { configuration: ledgerConfiguration, module: () => LedgerModule.with(config) };
    await (await startService(definition, config)).stop();
  };

  it('as superuser does not start', async () => {
    await expect(start(db.adminUrl)).rejects.toThrow(
      /can do more than the ledger service needs: it is superuser \(alter role postgres nosuperuser\)/,
    );
  });

  it('as migrator does not start', async () => {
    await expect(start(db.ownerUrl)).rejects.toThrow(/it may become \w+_owner, which owns the tables/);
  });

  it('as a role that may update transfers does not start, until that is taken away', async () => {
    const role = new URL(db.url).username;
    await onceAs(db.ownerUrl, `grant update on transfers to ${role}`);
    await expect(start(db.url)).rejects.toThrow(`it has UPDATE on transfers (revoke update on transfers from ${role})`);
    await onceAs(db.ownerUrl, `revoke update on transfers from ${role}`);
    await expect(start(db.url)).resolves.toBeUndefined();
  });
});
