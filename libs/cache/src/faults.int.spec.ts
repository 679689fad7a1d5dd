import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startRedis, type Server } from '@payflow/local-stack';
import { configureLogging } from '@payflow/telemetry';
import { until } from '@payflow/testing';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Reader, Shelf } from './testing/books.js';

configureLogging({ level: 'silent' });

const NAMES = Array.from({ length: 20 }, (_, at) => `page-${at}`);

/** I28: whatever happens to Redis, an answer is what the shelf has, and only speed is lost. */
describe('a cache whose Redis', () => {
  const dir = mkdtempSync(join(tmpdir(), 'payflow-cache-'));
  let server: Server;
  let admin: Redis;
  let shelf: Shelf;
  let one: Reader;
  let other: Reader;

  const start = (): Promise<Server> =>
    startRedis({ dir, ...(server ? { port: server.ports['redis'] as number } : {}) });
  const bothSound = () => until('both hear each other', () => one.isSound && other.isSound);

  beforeAll(async () => {
    server = await start();
  });
  beforeEach(async () => {
    admin = new Redis(server.url, { retryStrategy: () => 50 });
    admin.on('error', () => undefined);
    shelf = new Shelf();
    for (const name of NAMES) shelf.write(name);
    one = new Reader(server.url, 'spec:', shelf);
    other = new Reader(server.url, 'spec:', shelf);
    await bothSound();
    await readAll();
  });
  afterEach(async () => {
    one.close();
    other.close();
    await admin.flushall();
    admin.disconnect();
  });
  afterAll(async () => {
    await server.stop();
    rmSync(dir, { recursive: true, force: true });
  });

  async function readAll(by: readonly Reader[] = [one, other]): Promise<number[]> {
    const pages = await Promise.all(by.flatMap(({ pages }) => NAMES.map((name) => pages.get(name))));
    return pages.map((page) => page?.version ?? 0);
  }

  const written = (by = 2): number[] =>
    Array.from({ length: by }, () => NAMES.map((name) => shelf.pages.get(name) ?? 0)).flat();

  /** Writes everything anew, and tells of it as a consumer does. */
  function writeAll(): void {
    for (const name of NAMES) {
      one.caches.change([`page:${name}`]);
      shelf.write(name);
      void one.caches.changed([`page:${name}`]);
    }
  }

  /** The writer is right at once; the other process within the time in which a silence is noticed. */
  async function expectRightAnswers(): Promise<void> {
    expect(await readAll([one])).toEqual(written(1));
    await until('the other process is right as well', async () => String(await readAll()) === String(written()));
  }

  it('is paused: what was written meanwhile is right, then and afterwards', async () => {
    process.kill(server.pid, 'SIGSTOP');
    writeAll();
    await expectRightAnswers();
    writeAll();
    await expectRightAnswers();
    process.kill(server.pid, 'SIGCONT');
    await bothSound();
    expect(await readAll()).toEqual(written());
    const { loads } = shelf;
    await readAll();
    await readAll();
    expect(shelf.loads - loads).toBeLessThan(NAMES.length);
  });

  it('is killed and comes back', async () => {
    await server.kill();
    writeAll();
    await expectRightAnswers();
    server = await start();
    writeAll();
    await expectRightAnswers();
    await bothSound();
    expect(await readAll()).toEqual(written());
  });

  it('loses everything: the next answers are right, and what is read most is there again', async () => {
    await admin.flushall();
    expect(await readAll()).toEqual(written());
    writeAll();
    await expectRightAnswers();
  });

  it('is full: what is void is void all the same', async () => {
    await admin.config('SET', 'maxmemory-policy', 'noeviction', 'maxmemory', '1');
    writeAll();
    await expectRightAnswers();
    await admin.config('SET', 'maxmemory', '0');
    await expectRightAnswers();
  });

  it('allows nothing any more', async () => {
    await admin.call('ACL', 'SETUSER', 'default', '-@all', '+ping', '+acl', '+auth', '+hello', '+client', '+flushall');
    writeAll();
    await expectRightAnswers();
    await admin.call('ACL', 'SETUSER', 'default', '+@all');
    writeAll();
    await expectRightAnswers();
    await until('it is used again', () => one.isSound);
  });

  it('is cut off from one process alone: its memory is not believed for longer than a silence may last', async () => {
    await admin.call('CLIENT', 'KILL', 'TYPE', 'pubsub');
    writeAll();
    await expectRightAnswers();
    await bothSound();
    expect(await readAll()).toEqual(written());
  });

  it('owes more than can be listed: everything is forgotten instead', async () => {
    process.kill(server.pid, 'SIGSTOP');
    for (let i = 0; i < 11; i++)
      void one.caches.forget(Array.from({ length: 1_000 }, (_, at) => `page:many-${i}-${at}`));
    await until('it gives up the list', () => one.caches.bus.owes(['page:any']));
    writeAll();
    process.kill(server.pid, 'SIGCONT');
    await bothSound();
    expect(await readAll()).toEqual(written());
  });
});
