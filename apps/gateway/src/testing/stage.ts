import { openDatabase, type Database } from '@payflow/database';
import type { BrokerOptions } from '@payflow/messaging';
import type { RunningService } from '@payflow/service';
import { entities } from '../database/index.js';
import { Client, startGateway, type Answered } from './gateway-under-test.js';
import { House } from './house.js';

/** A gateway with a database, topics and a house of its own, and one client. */
export interface Stage {
  readonly db: Database;
  readonly gateway: RunningService & { readonly base: string };
  readonly house: House;
  readonly client: Client;
  close(): Promise<void>;
}

/** Of a spec alone. */
export interface Servers {
  readonly database: { readonly url: string; drop(): Promise<void> };
  readonly broker: BrokerOptions;
  readonly redisUrl: string;
}

/** Opens a stage on the spec's servers; closing it drops the database. */
export async function openStage({ database, broker, redisUrl }: Servers): Promise<Stage> {
  const db = await openDatabase({ url: database.url, poolSize: 5, applicationName: 'spec', entities });
  const gateway = await startGateway({ databaseUrl: database.url, broker, redisUrl });
  const house = new House(db, broker);
  await house.start();
  const close = async (): Promise<void> => {
    await gateway.stop();
    await house.stop();
    await db.close();
    await database.drop();
  };
  return { db, gateway, house, client: await Client.of(db, gateway.base), close };
}

/** An answer in short: its status, and its code where it is a problem. */
export function told({ status, body }: Answered): string {
  return `${status} ${(body['code'] as string | undefined) ?? ''}`.trim();
}
