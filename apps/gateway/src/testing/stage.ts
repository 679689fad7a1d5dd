import type { Database } from '@payflow/database';
import type { BrokerOptions } from '@payflow/messaging';
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
import { Client, startGateway, type Answered } from './gateway-under-test.js';
import { House } from './house.js';

/** A gateway with a database, topics and a house of its own, and one client. */
export interface Stage {
  readonly db: Database;
  /** URL as the gateway's own role. */
  readonly databaseUrl: string;
  readonly broker: BrokerOptions;
  readonly gateway: RunningService & { readonly base: string };
  readonly house: House;
  readonly client: Client;
  /** Of its database, as a superuser. */
  readonly adminUrl: string;
  /** Runs one text of SQL there, with triggers off. */
  tamper(text: string): Promise<void>;
  close(): Promise<void>;
}

/** Opens a stage of the spec's own, its gateway with the settings; closing it drops the database. */
export async function openStage(env: Record<string, string> = {}): Promise<Stage> {
  const broker = testBroker(uniqueSuffix());
  const [database] = await Promise.all([createTestDatabase('gateway', migrations), createTestTopics(broker)]);
  const db = await openSpecPool(database.url, { entities });
  const gateway = await startGateway({ databaseUrl: database.url, broker, redisUrl: testServers().redis, env });
  const house = new House(db, broker);
  await house.start();
  const close = async (): Promise<void> => {
    await gateway.stop();
    await house.stop();
    await db.close();
    await database.drop();
  };
  const { adminUrl, url: databaseUrl } = database;
  const tamper = (text: string) => database.tamper(text);
  const client = await Client.of(db, gateway.base);
  return { db, databaseUrl, broker, gateway, house, client, adminUrl, tamper, close };
}

/** An answer in short: its status, and its code where it is a problem. */
export function told({ status, body }: Answered): string {
  return `${status} ${(body['code'] as string | undefined) ?? ''}`.trim();
}
