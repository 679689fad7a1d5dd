import { statement } from '@payflow/database';
import { Messaging } from '@payflow/messaging';
import { createTestDatabase, testBroker, type TestDatabase } from '@payflow/testing';
import { migrations } from '../database/index.js';
import { Wishes } from './attempts.js';

/** What specs of attempts stand on: a database of payments', and messaging that was never started, so that what is told stays in the outbox. */
export interface AttemptsStage {
  readonly db: TestDatabase;
  readonly messaging: Messaging;
  readonly wishes: Wishes;
}

export async function attemptsStage(): Promise<AttemptsStage> {
  const db = await createTestDatabase('payments', migrations);
  await db.database.rows(statement('spec.partitions', 'select ensure_partitions(1)'));
  const messaging = new Messaging({ broker: testBroker('unused'), database: db.database, partitions: 'single' });
  return { db, messaging, wishes: new Wishes(db) };
}
