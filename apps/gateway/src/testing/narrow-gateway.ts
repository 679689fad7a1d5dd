import type { Database } from '@payflow/database';
import type { RunningService } from '@payflow/service';
import { renderMetrics } from '@payflow/telemetry';
import {
  createTestDatabase,
  createTestTopics,
  openSpecPool,
  testBroker,
  testServers,
  uniqueSuffix,
} from '@payflow/testing';
import { entities, migrations } from '../database/index.js';
import { Client, startGateway } from './gateway-under-test.js';

/** A gateway with few workers and a short queue, where nobody carries out what it asks for. */
export interface NarrowGateway {
  /** As many connections as a spec that holds locks needs. */
  readonly db: Database;
  readonly gateway: RunningService & { base: string };
  /** Its key has been looked up: what a spec sees is about workers. */
  readonly client: Client;
  close(): Promise<void>;
}

export async function openNarrowGateway(workers: number, queue: number): Promise<NarrowGateway> {
  const broker = testBroker(uniqueSuffix());
  const [test] = await Promise.all([createTestDatabase('gateway', migrations), createTestTopics(broker)]);
  const db = await openSpecPool(test.url, { entities });
  const env = { MAX_WORKERS: `${workers}`, MAX_QUEUE_SIZE: `${queue}` };
  const gateway = await startGateway({ databaseUrl: test.url, broker, redisUrl: testServers().redis, env });
  const client = await Client.of(db, gateway.base);
  await client.get('/api/v1/assets');
  return {
    ...{ db, gateway, client },
    close: async () => {
      await gateway.stop();
      await db.close();
      await test.drop();
    },
  };
}

/** The value of a metric of this process, named as it is shown; 0 where it is not. */
export async function metric(name: string): Promise<number> {
  const { body } = await renderMetrics();
  const line = body.split('\n').find((one) => one.startsWith(`${name} `));
  return Number(line?.slice(name.length + 1) ?? 0);
}
