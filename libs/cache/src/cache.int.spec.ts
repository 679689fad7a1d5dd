import { configureLogging, renderMetrics } from '@payflow/telemetry';
import { testServers, uniqueSuffix, until } from '@payflow/testing';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Family } from './family.js';
import { PAGES, Reader, Shelf, type Page } from './testing/books.js';

const open: Reader[] = [];
beforeAll(() => configureLogging({ level: 'silent' }));
afterEach(() => {
  for (const reader of open.splice(0)) reader.close();
});

/** Processes that share a Redis and a shelf. */
async function readers(count: number, family: Family<string, Page> = PAGES, prefix = `spec-${uniqueSuffix()}:`) {
  const shelf = new Shelf();
  const made = Array.from({ length: count }, () => new Reader(testServers().redis, prefix, shelf, family));
  open.push(...made);
  await until('all hear each other', () => made.every(({ isSound }) => isSound));
  return { shelf, made, prefix, one: made[0] as Reader, other: made.at(-1) as Reader };
}

function gate(): { readonly opened: Promise<void>; open(): void } {
  let release = (): void => undefined;
  const opened = new Promise<void>((resolve) => (release = resolve));
  return { opened, open: () => release() };
}

function sizeInRedis({ redis }: Reader, key: string): Promise<number | undefined> {
  return redis.attempt((client) => client.strlen(key));
}

async function inRedis({ redis }: Reader, key: string): Promise<boolean> {
  return (await redis.attempt((client) => client.exists(key))) === 1;
}

describe('a read', () => {
  it('loads a key once for 500 that miss it at a time (I29)', async () => {
    const { shelf, one } = await readers(1);
    shelf.write('a');
    const slow = gate();
    shelf.slow = slow.opened;
    const asked = Array.from({ length: 500 }, () => one.pages.get('a'));
    await until('it is being loaded', () => shelf.loads > 0);
    slow.open();
    expect(new Set((await Promise.all(asked)).map((page) => page?.version))).toEqual(new Set([1]));
    expect(shelf.loads).toBe(1);
  });

  it('loads it once for two processes, as long as Redis answers in time', async () => {
    const { shelf, one, other } = await readers(2);
    let at = 0;
    await until('both were answered by one load', async () => {
      const [name, before] = [`page-${at++}`, shelf.loads];
      shelf.write(name);
      await Promise.all([one, other].flatMap(({ pages }) => [pages.get(name), pages.get(name)]));
      expect(shelf.loads - before).toBeLessThanOrEqual(2);
      return shelf.loads - before === 1;
    });
  });

  it('is answered by Redis in a process that never loaded, also what is large', async () => {
    const { shelf, one, other, prefix } = await readers(2);
    let at = 0;
    await until('the other is answered without a load', async () => {
      const name = `${at++}`.padStart(5_000, 'n');
      const key = `${prefix}page.v1:${name}`;
      shelf.write(name);
      await until('Redis has it', async () => {
        await one.pages.reload(name);
        return inRedis(one, key);
      });
      expect(await until('its size', () => sizeInRedis(one, key))).toBeLessThan(500);
      const { loads } = shelf;
      expect(await other.pages.get(name)).toEqual({ name, version: 1 });
      return shelf.loads === loads;
    });
  });

  it('remembers for a while that there is no value, where the family says so', async () => {
    const { shelf, one } = await readers(1, { ...PAGES, absent_ms: 10_000 });
    expect([await one.pages.get('a'), await one.pages.get('a'), shelf.loads]).toEqual([undefined, undefined, 1]);
    const anew = await readers(1);
    expect([await anew.one.pages.get('a'), await anew.one.pages.get('a'), anew.shelf.loads]).toEqual([
      undefined,
      undefined,
      2,
    ]);
  });

  it('passes the errors of its loader on and keeps none of them', async () => {
    const { shelf, one } = await readers(1);
    shelf.write('a');
    shelf.failing = true;
    await expect(one.pages.get('a')).rejects.toThrow('the shelf is away');
    shelf.failing = false;
    expect(await one.pages.get('a')).toEqual({ name: 'a', version: 1 });
  });

  it('keeps no value that the family does not keep', async () => {
    const { shelf, one } = await readers(1, { ...PAGES, keeps: ({ version }) => version > 1 });
    shelf.write('a');
    await one.pages.get('a');
    await one.pages.get('a');
    expect(shelf.loads).toBe(2);
    shelf.write('a');
    await one.pages.get('a');
    await one.pages.get('a');
    expect(shelf.loads).toBe(3);
  });

  it('gives up what was used least, by entries and by bytes', async () => {
    const memory = { ...PAGES.memory, entries_max: 10, bytes_max: 2_000 };
    const { shelf, one } = await readers(1, { ...PAGES, name: `page-${uniqueSuffix()}`, memory });
    for (let i = 0; i < 20; i++) {
      shelf.write(`page-${i}`);
      await one.pages.get(`page-${i}`);
    }
    const { body } = await renderMetrics();
    const held = (metric: string) => Number(new RegExp(`${metric}{cache="page-[^"]*"} (\\d+)\n$`, 'm').exec(body)?.[1]);
    expect(body).toContain('payflow_cache_memory_bytes');
    expect(held('payflow_cache_memory_entries')).toBeLessThanOrEqual(10);
  });

  it('refuses loads beyond its cap and its queue', async () => {
    const { shelf, one } = await readers(1);
    const slow = gate();
    shelf.slow = slow.opened;
    let refused = 0;
    const asked = Array.from({ length: 1_500 }, (_, at) =>
      one.pages.get(`page-${at}`).catch((error: Error) => {
        expect(error.message).toBe('too many loads');
        refused++;
      }),
    );
    await until('four are at work, a thousand wait, and the others know', () => refused === 1_500 - 1_004);
    expect(shelf.loads).toBe(4);
    slow.open();
    await Promise.all(asked);
    expect([shelf.loads, refused]).toEqual([1_004, 496]);
  });
});

describe('an old answer', () => {
  const brief = { ...PAGES, memory: { ...PAGES.memory, life_ms: 2, unheard_ms: 60_000 } };

  it('is given while the new one is loaded, within the stated time alone', async () => {
    const { shelf, one, prefix } = await readers(1, { ...brief, whileRevalidate_ms: 60_000 });
    shelf.write('a');
    await one.pages.get('a');
    // It goes there beside the answer: one that was still on its way would come back.
    await until('Redis has it', () => inRedis(one, `${prefix}page.v1:a`));
    shelf.write('a');
    // Nobody said so: as far as the cache knows, only time has passed.
    await one.caches.forgetMatching('page.v1:*');
    await until('its life in memory is over, and it is loaded anew', async () => {
      await one.pages.get('a');
      return shelf.loads === 2;
    });
    await until('the new one is there', async () => (await one.pages.get('a'))?.version === 2);
  });

  it('stands in for a loader that fails, where the family says so', async () => {
    for (const [ifError_ms, expected] of [
      [60_000, { name: 'a', version: 1 }],
      [0, 'Error: the shelf is away'],
    ] as const) {
      const { shelf, one, prefix } = await readers(1, { ...brief, ifError_ms });
      shelf.write('a');
      await one.pages.get('a');
      await until('Redis has it', () => inRedis(one, `${prefix}page.v1:a`));
      shelf.failing = true;
      await one.caches.forgetMatching('page.v1:*');
      await until('it must be loaded', async () => {
        await one.pages.get('a').catch(() => undefined);
        return shelf.loads > 1;
      });
      expect(await one.pages.get('a').catch(String)).toEqual(expected);
    }
  });

  it('is loaded anew before its life ends, when it is read often', async () => {
    const { shelf, one } = await readers(1, {
      ...PAGES,
      memory: { ...PAGES.memory, life_ms: 300 },
      refreshAhead: { hits_min: 3 },
    });
    shelf.write('a');
    const answers: number[] = [];
    await until('it was loaded three times', async () => {
      const { age_ms } = await one.pages.read('a');
      answers.push(age_ms);
      return shelf.loads === 3;
    });
    expect(answers.length).toBeGreaterThan(3);
  });
});

describe('what is forgotten', () => {
  it('is gone in this process, in Redis and in the memory of the others', async () => {
    const { shelf, one, other } = await readers(2);
    shelf.write('a');
    await Promise.all([one.pages.get('a'), other.pages.get('a')]);
    shelf.write('a');
    void one.caches.forget(['page:a']);
    expect(await one.pages.get('a')).toEqual({ name: 'a', version: 2 });
    await until('the other knows, too', async () => (await other.pages.get('a'))?.version === 2);
  });

  it('does not come back from a load that began before, neither in memory nor in Redis', async () => {
    const { shelf, one, other } = await readers(2);
    shelf.write('a');
    const slow = gate();
    shelf.slow = slow.opened;
    const early = other.pages.get('a');
    await until('it has read', () => shelf.loads === 1);
    shelf.write('a');
    shelf.slow = undefined;
    void one.caches.forget(['page:a']);
    await until('it is told', () => one.isSound && !one.caches.bus.owes(['page:a']));
    expect(await one.pages.get('a')).toEqual({ name: 'a', version: 2 });
    slow.open();
    expect(await early).toEqual({ name: 'a', version: 1 });
    expect(await other.pages.get('a')).toEqual({ name: 'a', version: 2 });
  });

  it('is not answered from a cache from before its COMMIT until it is told of', async () => {
    const { shelf, one } = await readers(1);
    shelf.write('a');
    await one.pages.get('a');
    one.caches.change(['page:a']);
    shelf.write('a');
    expect(await one.pages.get('a')).toEqual({ name: 'a', version: 2 });
    void one.caches.changed(['page:a']);
    expect(await one.pages.get('a')).toEqual({ name: 'a', version: 2 });
  });

  it('is replaced by a value that is put', async () => {
    const { shelf, one, other } = await readers(2);
    shelf.write('a');
    await Promise.all([one.pages.get('a'), other.pages.get('a')]);
    shelf.write('a');
    const { loads } = shelf;
    one.pages.put('a', { name: 'a', version: 2 });
    expect(await one.pages.get('a')).toEqual({ name: 'a', version: 2 });
    expect(shelf.loads).toBe(loads);
    await until('the other has it, too', async () => (await other.pages.get('a'))?.version === 2);
  });

  it('can be chosen by a pattern', async () => {
    const { shelf, one, prefix } = await readers(1);
    shelf.write('a');
    await until('Redis has it', async () => {
      await one.pages.reload('a');
      return inRedis(one, `${prefix}page.v1:a`);
    });
    expect(await until('it is deleted', () => one.caches.forgetMatching('page.v1:*'))).toBe(1);
    expect(await inRedis(one, `${prefix}page.v1:a`)).toBe(false);
  });
});

it('loads what was read most when a process starts', async () => {
  const prefix = `spec-${uniqueSuffix()}:`;
  const { shelf, one } = await readers(1, { ...PAGES, warm_max: 10 }, prefix);
  shelf.write('a');
  await one.pages.get('a');
  await until('it is noted', async () => {
    await one.caches.noteHottest();
    return inRedis(one, `${prefix}hottest:page.v1`);
  });
  const next = await readers(1, { ...PAGES, warm_max: 10 }, prefix);
  next.shelf.write('a');
  const beforehand = () => next.one.pages.hottest();
  await until('it is there before anybody asks', () => beforehand().includes('a'));
});

it.each(['no list', '{"a":1}', 'null', '[null,["a"],{}]'])(
  'starts whatever stands in the note of what was read most: %s',
  async (note) => {
    const prefix = `spec-${uniqueSuffix()}:`;
    const { one } = await readers(1, PAGES, prefix);
    await until('it stands there', () =>
      one.redis.attempt((redis) => redis.set(`${prefix}hottest:page.v1`, note, 'PX', 60_000)),
    );
    const unhandled: unknown[] = [];
    const hear = (reason: unknown): void => void unhandled.push(reason);
    process.on('unhandledRejection', hear);
    const { shelf, one: next } = await readers(1, { ...PAGES, warm_max: 10, keyOf: (name) => name.slice(0) }, prefix);
    shelf.write('b');
    expect(await next.pages.get('b')).toMatchObject({ version: 1 });
    await until('the note was read', async () => (await next.redis.attempt((redis) => redis.ping())) === 'PONG');
    process.off('unhandledRejection', hear);
    expect(unhandled).toEqual([]);
  },
);

describe('a clock that is set back by an hour', () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  it('keeps nothing for an hour longer, says how old an answer is, and goes on with memory and Redis', async () => {
    const family = { ...PAGES, keyOf: (name: string) => name, memory: { ...PAGES.memory, life_ms: 400 } };
    const { shelf, one, prefix } = await readers(1, family);
    shelf.write('a');
    await until('Redis has it', async () => {
      await one.pages.reload('a');
      return inRedis(one, `${prefix}page.v1:a`);
    });
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() - 3_600_000, shouldAdvanceTime: true });
    await until('it has an age', async () => (await one.pages.read('a')).age_ms > 100);
    // What nobody told this process of is found when its life is over.
    shelf.write('a');
    await one.redis.attempt((redis) => redis.del(`${prefix}page.v1:a`));
    await until('the new one is there', async () => (await one.pages.get('a'))?.version === 2);
    expect(one.isSound).toBe(true);
    const { loads } = shelf;
    await one.pages.get('a');
    expect(shelf.loads).toBe(loads);
  });
});

describe('a family of which nothing is in Redis', () => {
  const local = { ...PAGES, inRedis: false };

  it('is loaded by each process, and forgotten in all of them', async () => {
    const { shelf, one, other, prefix } = await readers(2, local);
    shelf.write('a');
    expect([await one.pages.get('a'), await other.pages.get('a'), shelf.loads]).toEqual([
      { name: 'a', version: 1 },
      { name: 'a', version: 1 },
      2,
    ]);
    expect(await inRedis(one, `${prefix}page.v1:a`)).toBe(false);
    one.caches.change(['page:a']);
    shelf.write('a');
    one.caches.changedHere(['page:a']);
    expect(await one.pages.get('a')).toMatchObject({ version: 2 });
    await until('the other was told', async () => (await other.pages.get('a'))?.version === 2);
  });

  it('gives back the memory of what is over', async () => {
    const brief = { ...local, life_ms: 1, memory: { ...PAGES.memory, life_ms: 1 } };
    const { shelf, one } = await readers(1, brief);
    shelf.write('a');
    await one.pages.get('a');
    await until('it is cleaned up', () => {
      one.pages.cleanUp(Date.now());
      return one.pages.kept === 0;
    });
  });
});
