import { randomInt } from 'node:crypto';
import { statement, type Database } from '@payflow/database';
import type { RunningService } from '@payflow/service';
import {
  createTestDatabase,
  createTestTopics,
  openSpecPool,
  testBroker,
  testServers,
  uniqueSuffix,
} from '@payflow/testing';
import { entities, migrations } from '../database/index.js';
import { Watch } from '../watch/watch.js';
import { startGateway } from './gateway-under-test.js';

const TOLD = statement(
  'spec.told',
  `select m -> 'message' ->> 'type' as type, m ->> 'value' as value from outbox cross join lateral json_array_elements(messages::json) as m
   where topic = 'gateway.events.v1' order by created_at, m -> 'message' ->> 'time'`,
);

export interface Told {
  readonly type: string;
  readonly data: Record<string, unknown>;
}

type Gateway = RunningService & { readonly base: string };

/** Gateways that share a database and Redis, behind a proxy that is believed; each test's clients have addresses of their own. */
export interface Watched {
  readonly db: Database;
  start(env?: NodeJS.ProcessEnv): Promise<Gateway>;
  /** What was told on the gateway's topic. */
  told(): Promise<Told[]>;
  close(): Promise<void>;
}

export async function openWatched(): Promise<Watched> {
  const broker = testBroker(uniqueSuffix());
  const [database] = await Promise.all([createTestDatabase('gateway', migrations), createTestTopics(broker)]);
  const db = await openSpecPool(database.url, { poolSize: 3, entities });
  const gateways: Gateway[] = [];
  return {
    db,
    start: async (env = {}) => {
      const gateway = await startGateway({
        databaseUrl: database.url,
        broker,
        redisUrl: testServers().redis,
        env: { TRUSTED_PROXIES: '127.0.0.1', ...env },
      });
      gateways.push(gateway);
      return gateway;
    },
    told: async () => {
      const rows = await db.rows<{ type: string; value: string }>(TOLD);
      return rows.map(({ type, value }) => ({ type, data: JSON.parse(value) as Record<string, unknown> }));
    },
    close: async () => {
      for (const gateway of gateways) await gateway.stop();
      await db.close();
      await database.drop();
    },
  };
}

/** Headers of a request that comes from a public address, as the proxy says. */
export const from = (address: string): Record<string, string> => ({ 'x-forwarded-for': address });

/** An address that no other test has. */
export const anAddress = (): string => `203.${randomInt(256)}.${randomInt(256)}.${randomInt(1, 255)}`;

/** Brings the counts together and writes what was noticed, now. */
export const round = (gateway: Gateway): Promise<void> => gateway.app.get(Watch, { strict: false }).round();
