import { statement } from '@payflow/database';
import { readConfiguration, startService, type RunningService } from '@payflow/service';
import { createTestDatabase, createTestTopics, testServers, uniqueSuffix, type TestDatabase } from '@payflow/testing';
import { migrations } from '../database/index.js';
import { ledgerConfiguration } from '../ledger.config.js';
import { LedgerModule } from '../ledger.module.js';

/** The real ledger inside the test's process, on a free port, with a database of its own. */
export interface LedgerUnderTest {
  readonly db: TestDatabase;
  readonly running: RunningService;
  readonly base: string;
  /** What tokens of its read API are signed with. */
  readonly secret: string;
}

export async function startLedger(): Promise<LedgerUnderTest> {
  const prefix = `${uniqueSuffix()}.`;
  const brokers = testServers().kafka;
  const [db] = await Promise.all([
    createTestDatabase('ledger', migrations),
    createTestTopics({ brokers, clientId: 'spec', prefix }),
  ]);
  await db.database.rows(statement('spec.partitions', 'select ensure_partitions(1)'));
  const config = readConfiguration(ledgerConfiguration, {
    NODE_ENV: 'test',
    OTEL_TRACES_EXPORTER: 'none',
    LOG_LEVEL: 'silent',
    PORT: '0',
    DATABASE_URL: db.url,
    KAFKA_BROKERS: brokers.join(','),
    KAFKA_PREFIX: prefix,
  });
  const module = () => LedgerModule.with(config);
  const running = await startService({ configuration: ledgerConfiguration, module }, config);
  return { db, running, base: await running.app.getUrl(), secret: config.PAYFLOW_INTERNAL_SECRET };
}
