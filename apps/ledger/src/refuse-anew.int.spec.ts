import { newId } from '@payflow/contracts';
import { openDatabase, statement } from '@payflow/database';
import { Messaging } from '@payflow/messaging';
import { ConfigurationError, readConfiguration, startService } from '@payflow/service';
import { createTestDatabase, testServers, uniqueSuffix, type TestDatabase } from '@payflow/testing';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { migrations } from './database/index.js';
import { LedgerCommandsHandler } from './handlers/ledger-commands.handler.js';
import { ledgerConfiguration } from './ledger.config.js';
import { LedgerModule } from './ledger.module.js';
import { refuseIdsBegunAnew } from './refuse-anew.js';
import { CommandsOf } from './testing/commands.js';

const NAMED = /have begun anew.*docs\/runbooks\/restored-elsewhere\.md/;
const [world, wallet] = [newId('account'), newId('account')];

let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase('ledger', migrations);
  await db.database.rows(statement('spec.partitions', 'select ensure_partitions(1)'));
});
afterAll(() => db.drop());

const opened = () => openDatabase({ url: db.url, poolSize: 1, applicationName: 'spec' });

it('a ledger starts on books that are empty, and on those that it has written itself', async () => {
  const own = await opened();
  await refuseIdsBegunAnew(own);
  const ours = new CommandsOf();
  await own.transaction((tx) =>
    new LedgerCommandsHandler().handle(
      [ours.open(world, { overdraft: 'unbounded' }), ours.open(wallet), ours.transfer(world, wallet, '5')],
      tx,
    ),
  );
  await refuseIdsBegunAnew(own);
  await own.close();
});

it('it does not on those whose transactions are counted from the beginning again, and says what is to be done', async () => {
  // As pg_dump leaves them in a new cluster: rows with ids that are yet to be given.
  await db.tamper(`update transfers set xact_id = (pg_current_xact_id()::text::numeric + 1000000)::text::xid8`);
  const config = readConfiguration(ledgerConfiguration, {
    NODE_ENV: 'test',
    OTEL_TRACES_EXPORTER: 'none',
    LOG_LEVEL: 'silent',
    PORT: '0',
    DATABASE_URL: db.url,
    KAFKA_BROKERS: testServers().kafka.join(','),
    KAFKA_PREFIX: `${uniqueSuffix()}.`,
  });
  // What begins beside it fails on pools that are closed.
  const messaging = vi.spyOn(Messaging.prototype, 'start').mockRejectedValue(new Error('the pool is closed'));
  const starting = startService(
    { configuration: ledgerConfiguration, module: () => LedgerModule.with(config) },
    config,
  );
  const refused: unknown = await starting.then(
    ({ stop }) => stop(),
    (error: unknown) => error,
  );
  messaging.mockRestore();
  expect(refused).toBeInstanceOf(ConfigurationError);
  expect((refused as Error).message).toMatch(NAMED);
});
