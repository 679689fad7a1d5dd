import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { newId, type AccountOpened } from '@payflow/contracts';
import { statement } from '@payflow/database';
import { redisUrlAs, startRedis, type Server } from '@payflow/local-stack';
import { until } from '@payflow/testing';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Client, startGateway } from '../../testing/gateway-under-test.js';
import { openStage, type Stage } from '../../testing/stage.js';

/** What the gateway may do in Redis where it is installed: no more than that is allowed here. */
const USER = { service: 'gateway', password: 'gateway-secret' };

const dir = mkdtempSync(join(tmpdir(), 'payflow-lag-'));
let server: Server;
let redisUrl: string;
let stage: Stage;

beforeAll(async () => {
  server = await startRedis({ dir, users: [USER] });
  redisUrl = redisUrlAs(server.url, USER);
  stage = await openStage({ REDIS_URL: redisUrl });
});
afterAll(async () => {
  await stage?.close();
  await server?.stop();
  rmSync(dir, { recursive: true, force: true });
});

const lagOf = async (client: Client): Promise<number> => {
  const { headers } = await client.get('/api/v1/assets');
  return Number(headers.get('payflow-view-lag') ?? 0);
};

const opened = (): AccountOpened => ({
  ...{ id: newId('account'), asset: 'USD', kind: 'liability', state: 'open', path: null, metadata: {} },
  ...{ overdraft: 'none', overdraft_limit: '0', version: 1, created_at: new Date().toISOString() },
  ...{ posted_debits: '0', posted_credits: '0', pending_debits: '0', pending_credits: '0' },
});

it('says nothing while the views keep up', async () => {
  await stage.client.open();
  expect(await lagOf(stage.client)).toBe(0);
});

it('says on reads how far the views are behind, in every process, and stops when they have caught up', async () => {
  const other = await startGateway({
    databaseUrl: stage.databaseUrl,
    broker: stage.broker,
    redisUrl,
  });
  try {
    const elsewhere = stage.client.at(other.base);
    const [held, letGo] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    let isOver = false;
    void letGo.promise.then(() => (isOver = true));
    // No batch that tells of an account gets on. What does nothing within a transaction would be ended by the server.
    const locked = stage.db.transaction(async (tx) => {
      await tx.rows(statement('spec.lock-accounts', 'lock table account_views in share mode'));
      held.resolve();
      while (!isOver) {
        await tx.rows(statement('spec.still-there', 'select 1'));
        await Promise.race([letGo.promise, delay(1_000)]);
      }
    });
    await held.promise;
    await stage.house.publish('payflow.account.opened.v1', opened(), {
      ...stage.client,
      livemode: false,
      traceparent: undefined,
    });
    await until('one says so', async () => (await lagOf(stage.client)) > 1_000);
    await until('the other does, too', async () => (await lagOf(elsewhere)) > 1_000);
    letGo.resolve();
    await locked;
    await until('neither does any longer', async () => (await lagOf(stage.client)) + (await lagOf(elsewhere)) === 0);
  } finally {
    await other.stop();
  }
});

it("was allowed all that it asked of Redis as the gateway's own user", async () => {
  const redis = new Redis(redisUrl);
  expect(await redis.info('commandstats')).toContain('cmdstat_hset');
  expect(await redis.info('errorstats')).not.toContain('NOPERM');
  redis.disconnect();
});
