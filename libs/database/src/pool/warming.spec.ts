import { EventEmitter } from 'node:events';
import type { Pool, PoolClient } from 'pg';
import { expect, it, vi } from 'vitest';
import { ConnectionPool } from './connection-pool.js';

const TAKER = { name: 'spec' } as unknown as Parameters<ConnectionPool['withClient']>[0];

/** Two connections, opened when the spec says so. */
function slowPool() {
  const opening: (() => void)[] = [];
  const connect = vi.fn(async () => {
    await new Promise<void>((resolve) => opening.push(resolve));
    return Object.assign(new EventEmitter(), { release: () => undefined }) as unknown as PoolClient;
  });
  const clients = Object.assign(new EventEmitter(), { options: { min: 2, max: 2 }, connect });
  return { pool: new ConnectionPool('api', clients as unknown as Pool), connect, opening };
}

it('who needs a connection while all are being opened asks for one when they are there', async () => {
  const { pool, connect, opening } = slowPool();
  const warm = pool.warmUp();
  const work = pool.withClient(TAKER, () => Promise.resolve('done'));
  for (const opened of [1, 2]) {
    await vi.waitUntil(() => opening.length === opened);
    expect(connect).toHaveBeenCalledTimes(opened);
    opening.at(-1)?.();
  }
  await warm;
  await vi.waitUntil(() => opening.length === 3);
  opening.at(-1)?.();
  expect(await work).toBe('done');
});

it('work on a connection that the server has ended fails with what the server said', async () => {
  const client = Object.assign(new EventEmitter(), { release: () => undefined });
  const clients = Object.assign(new EventEmitter(), { options: {}, connect: () => Promise.resolve(client) });
  const pool = new ConnectionPool('api', clients as unknown as Pool);
  const said = Object.assign(new Error('terminating connection due to idle-in-transaction timeout'), { code: '25P03' });
  const work = pool.withClient(TAKER, () => {
    client.emit('error', said);
    throw new Error('Client has encountered a connection error and is not queryable');
  });
  await expect(work).rejects.toBe(said);
});

it('is warmed up once, however many ask for it at a time', async () => {
  const { pool, connect, opening } = slowPool();
  const warm = Promise.all([pool.warmUp(), pool.warmUp()]);
  for (const opened of [1, 2]) {
    await vi.waitUntil(() => opening.length === opened);
    opening.at(-1)?.();
  }
  await warm;
  expect(connect).toHaveBeenCalledTimes(2);
});
