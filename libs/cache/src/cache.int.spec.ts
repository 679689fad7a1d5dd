import { testServers, uniqueSuffix, until } from '@payflow/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Cache } from './cache.js';
import { RedisConnection } from './redis.js';
import { Wake } from './wake.js';

interface Thing {
  readonly name: string;
}

const NOWHERE = 'redis://127.0.0.1:9';
let redis: RedisConnection;

beforeAll(async () => {
  redis = new RedisConnection(testServers().redis, 'cache-spec');
  redis.open();
  await until('Redis answers', () =>
    redis.ping().then(
      () => true,
      () => false,
    ),
  );
});
afterAll(() => redis.close());

function cacheOf(
  connection: RedisConnection,
  name: string,
  load: (key: string) => Promise<Thing | undefined>,
): Cache<Thing> {
  return new Cache({ name, redis: connection, load, memoryTtl_ms: 5_000, redisTtl_ms: 5_000, memoryEntries_max: 100 });
}

describe('a cache', () => {
  it('loads a key once for 500 readers at a time', async () => {
    let loads = 0;
    const cache = cacheOf(redis, uniqueSuffix(), async (key) => ({ name: `${key}-${++loads}` }));
    const things = await Promise.all(Array.from({ length: 500 }, () => cache.get('a')));
    expect(new Set(things.map((thing) => thing?.name))).toEqual(new Set(['a-1']));
    expect(loads).toBe(1);
  });

  it('is answered by Redis in the next process', async () => {
    const name = uniqueSuffix();
    await cacheOf(redis, name, async () => ({ name: 'first' })).get('a');
    await until('Redis has it', () => redis.attempt((client) => client.exists(`payflow:${name}:a`)));
    const other = cacheOf(redis, name, () => Promise.reject(new Error('must not load')));
    expect(await other.get('a')).toEqual({ name: 'first' });
  });

  it('remembers in memory that a key has no value', async () => {
    let loads = 0;
    const cache = cacheOf(redis, uniqueSuffix(), async () => void loads++ as undefined);
    expect(await cache.get('a')).toBeUndefined();
    expect(await cache.get('a')).toBeUndefined();
    expect(loads).toBe(1);
  });

  it('forgets a key here and in Redis', async () => {
    let loads = 0;
    const cache = cacheOf(redis, uniqueSuffix(), async () => ({ name: `${++loads}` }));
    await cache.get('a');
    await cache.forget('a');
    expect(await cache.get('a')).toEqual({ name: '2' });
  });

  it('passes the errors of its loader on and keeps none of them', async () => {
    let loads = 0;
    const cache = cacheOf(redis, uniqueSuffix(), async () =>
      loads++ === 0 ? Promise.reject(new Error('database down')) : { name: 'well' },
    );
    await expect(cache.get('a')).rejects.toThrow('database down');
    expect(await cache.get('a')).toEqual({ name: 'well' });
  });

  it('works without Redis, within its time limit', async () => {
    const gone = new RedisConnection(NOWHERE, 'gone');
    gone.open();
    const cache = cacheOf(gone, uniqueSuffix(), async (key) => ({ name: key }));
    const start = performance.now();
    for (let i = 0; i < 50; i++) await cache.get(`key-${i}`);
    expect(performance.now() - start).toBeLessThan(1_000);
    gone.close();
  });
});

describe('a wake-up', () => {
  it('reaches listeners in this process and in others, and no one after they left', async () => {
    const channel = `wake-${uniqueSuffix()}`;
    const [here, there] = [
      new Wake(redis, testServers().redis, channel),
      new Wake(redis, testServers().redis, channel),
    ];
    here.open();
    there.open();
    const heard: string[] = [];
    const stop = here.listen('a', () => heard.push('here'));
    there.listen('a', () => heard.push('there'));
    await until('both have heard', () => {
      here.wake(['a', 'b']);
      return heard.includes('there');
    });
    expect(heard).toContain('here');
    stop();
    heard.length = 0;
    here.wakeHere(['a']);
    expect(heard).toEqual([]);
    here.close();
    there.close();
  });

  it('is heard in this process without Redis', () => {
    const gone = new RedisConnection(NOWHERE, 'gone');
    const wake = new Wake(gone, NOWHERE, 'nowhere');
    let heard = 0;
    wake.listen('a', () => heard++);
    wake.wake(['a']);
    expect(heard).toBe(1);
    wake.close();
    gone.close();
  });
});
