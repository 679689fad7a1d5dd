import { testServers, uniqueSuffix, until } from '@payflow/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RedisConnection } from './redis.js';
import { Wake } from './wake.js';

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
