import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RedisConnection } from '@payflow/cache';
import { redisUrlAs, startRedis, type Server } from '@payflow/local-stack';
import { until } from '@payflow/testing';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RateStore, WINDOW_S } from './rate-store.js';

const USER = { service: 'gateway', password: 'gateway-secret' };
const WINDOW_MS = WINDOW_S * 1_000;
const LIMIT = 10;

const dir = mkdtempSync(join(tmpdir(), 'payflow-rates-'));
let server: Server;
let connection: RedisConnection;
let redis: Redis;
/** Two processes. */
let [one, other]: RateStore[] = [];

beforeAll(async () => {
  server = await startRedis({ dir, users: [USER] });
  const url = redisUrlAs(server.url, USER);
  connection = new RedisConnection(url, 'spec');
  connection.open();
  redis = new Redis(url);
  await until('Redis answers', () => connection.attempt((client) => client.ping()));
  [one, other] = [1, 2].map(() => new RateStore(connection, 'spec', LIMIT));
});
afterAll(async () => {
  connection.close();
  redis.disconnect();
  await server.stop();
  rmSync(dir, { recursive: true, force: true });
});

describe("a limit's counts in Redis, as the gateway's own user", () => {
  it('are the sum of what all processes counted', async () => {
    expect(await one?.settle('a', 4, 0)).toEqual({ used: 4, wait_ms: 0 });
    expect(await other?.settle('a', 5, 0)).toEqual({ used: 9, wait_ms: 0 });
    expect(await one?.settle('a', 0, 0)).toEqual({ used: 9, wait_ms: 0 });
    expect((await one?.settle('a', 1, 0))?.wait_ms).toBeGreaterThan(0);
  });

  it('are lowered by what is taken back, in memory too', async () => {
    for (let at = 0; at < LIMIT; at++) {
      expect((await one?.settle('d', 1, 0))?.used).toBe(1);
      expect((await one?.settle('d', -1, 1))?.used).toBe(0);
    }
  });

  it('fade evenly once their minute is over, and are gone after another', async () => {
    const key = 'payflow:gateway:rate:spec:b';
    const now = Date.now();
    const [slot, into] = [Math.floor(now / WINDOW_MS), now % WINDOW_MS];
    await redis.set(key, `${slot - 1} 1000 7`);
    const { used = 0 } = (await one?.settle('b', 0, 0)) ?? {};
    const share = used / 1000;
    // Time passes between the two looks at the clock.
    expect(share).toBeLessThanOrEqual(1 - into / WINDOW_MS + 0.001);
    expect(share).toBeGreaterThan(1 - into / WINDOW_MS - 0.1);
    await redis.set(key, `${slot - 2} 1000 1000`);
    expect((await one?.settle('b', 1, 0))?.used).toBe(1);
  });

  it('say when there is room again', async () => {
    const now = Date.now();
    const left_ms = WINDOW_MS - (now % WINDOW_MS);
    const { wait_ms = 0 } = (await one?.settle('c', 2 * LIMIT, 0)) ?? {};
    // Of 20 in this window, 9 are left when the next is a little over half way.
    expect(wait_ms).toBeGreaterThan(left_ms + WINDOW_MS * 0.45);
    expect(wait_ms).toBeLessThan(left_ms + WINDOW_MS * 0.65);
  });
});
