import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkoutDir, redisUrlAs, redisUserLine, startRedis, type Server } from '@payflow/local-stack';
import { configureLogging } from '@payflow/telemetry';
import { until } from '@payflow/testing';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Reader, Shelf } from './testing/books.js';

configureLogging({ level: 'silent' });

const USERS = ['gateway', 'payments'].map((service) => ({ service, password: `${service}-secret` }));
const [GATEWAY, PAYMENTS] = USERS as [(typeof USERS)[number], (typeof USERS)[number]];

describe("a service's own user of Redis", () => {
  const dir = mkdtempSync(join(tmpdir(), 'payflow-users-'));
  let server: Server;

  beforeAll(async () => {
    server = await startRedis({ dir, users: USERS });
  });
  afterAll(async () => {
    await server.stop();
    rmSync(dir, { recursive: true, force: true });
  });

  it('may do all that its caches do, and see nothing of another service', async () => {
    const shelf = new Shelf();
    const url = redisUrlAs(server.url, GATEWAY);
    const [one, other] = [new Reader(url, 'payflow:gateway:', shelf), new Reader(url, 'payflow:gateway:', shelf)];
    await until('both hear each other', () => one.isSound && other.isSound);
    shelf.write('a');
    expect([await one.pages.get('a'), await other.pages.get('a')]).toMatchObject([{ version: 1 }, { version: 1 }]);
    shelf.write('a');
    one.pages.put('a', { name: 'a', version: 2 });
    await until('the other has heard', async () => (await other.pages.get('a'))?.version === 2);
    await one.caches.noteHottest();
    expect(await until('it is deleted', () => one.caches.forgetMatching('page.v1:*'))).toBe(1);
    await one.caches.forget(['page:a']);
    await until('all was told', () => !one.caches.bus.owes(['page:a']));

    const stranger = new Redis(redisUrlAs(server.url, PAYMENTS), { lazyConnect: true });
    await stranger.connect();
    for (const denied of [
      () => stranger.get('payflow:gateway:page.v1:a'),
      () => stranger.set('payflow:gateway:tag:page:a', 'x'),
      () => stranger.del('payflow:gateway:tag:page:a'),
      () => stranger.publish('payflow:gateway:forget', 'x'),
      () => stranger.subscribe('payflow:gateway:forget'),
      () => stranger.keys('*'),
      () => stranger.flushall(),
    ])
      await expect(denied()).rejects.toThrow(/NOPERM/);
    expect(await stranger.set('payflow:payments:mark', 'x')).toBe('OK');
    stranger.disconnect();
    for (const reader of [one, other]) reader.close();
  });

  it('is needed: without one nothing is answered but a ping', async () => {
    const nobody = new Redis(server.url, { lazyConnect: true, enableReadyCheck: false });
    await nobody.connect();
    expect(await nobody.ping()).toBe('PONG');
    await expect(nobody.get('payflow:gateway:mark')).rejects.toThrow(/NOPERM/);
    nobody.disconnect();
  });

  it('has the same rights in the compose file', () => {
    const compose = readFileSync(join(checkoutDir, 'docker-compose.yml'), 'utf8')
      .replaceAll(/['"]/g, '')
      .replaceAll(/\s+/g, ' ');
    const rights = redisUserLine({ service: 'gateway', password: '$$PAYFLOW_GATEWAY_REDIS_PASSWORD' });
    expect(compose).toContain(rights);
  });
});
