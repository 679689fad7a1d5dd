import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeCertificates, startSecuredRedis, type Server } from '@payflow/local-stack';
import { configureLogging } from '@payflow/telemetry';
import { trustAuthority, until } from '@payflow/testing';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { RedisConnection } from './redis.js';
import { Wake } from './wake.js';

configureLogging({ level: 'silent' });

const LOGIN = { user: 'payflow', password: 'p:w@rd/1' };

/** What keeps the connection from answering: what a probe is told, and the first line of the log, agree on it. */
async function refusalOf(url: string): Promise<string> {
  const lines: string[] = [];
  configureLogging({ level: 'warn', stream: { write: (line) => void lines.push(line) } });
  const redis = new RedisConnection(url, 'spec');
  redis.open();
  try {
    await redis.attempt((client) => client.get('a'));
    const said = await until('the reason is known', async () => {
      const said = await redis.ping().then(
        () => 'it answers',
        (error: Error) => error.message,
      );
      return !said.includes('enableOfflineQueue') && said;
    });
    if (lines.length > 0) expect(JSON.parse(lines[0] as string)).toMatchObject({ err: { message: said } });
    expect(lines.join('')).not.toContain(new URL(url).password);
    return said;
  } finally {
    redis.close();
  }
}

describe('a Redis behind TLS and a password', () => {
  const dir = mkdtempSync(join(tmpdir(), 'payflow-secured-'));
  let server: Server;
  let authority: string;
  let distrust: () => void = () => undefined;

  beforeAll(async () => {
    const certificates = await makeCertificates(join(dir, 'certificates'));
    ({ authority } = certificates);
    server = await startSecuredRedis({ dir: join(dir, 'redis'), certificates, ...LOGIN });
  });
  afterEach(() => distrust());
  afterAll(async () => {
    await server.stop();
    rmSync(dir, { recursive: true, force: true });
  });

  it('keeps values and carries wake-ups, by the URL alone', async () => {
    distrust = trustAuthority(authority);
    const redis = new RedisConnection(server.url, 'spec');
    const [here, there] = [new Wake(redis, server.url, 'wake'), new Wake(redis, server.url, 'wake')];
    for (const each of [redis, here, there]) each.open();
    await until('a value is kept', () => redis.attempt((client) => client.set('a', 'b')));
    expect(await redis.attempt((client) => client.get('a'))).toBe('b');
    let heard = false;
    there.listen('a', () => (heard = true));
    await until('it is woken', () => {
      here.wake(['a']);
      return heard;
    });
    await redis.ping();
    for (const each of [redis, here, there]) each.close();
  });

  it('takes the default user with a password alone, too', async () => {
    distrust = trustAuthority(authority);
    const url = Object.assign(new URL(server.url), { username: '' }).toString();
    expect(await refusalOf(url)).toBe('it answers');
  });

  it('refuses a wrong password, and says so', async () => {
    distrust = trustAuthority(authority);
    const url = Object.assign(new URL(server.url), { password: 'of-somebody-else' }).toString();
    expect(await refusalOf(url)).toMatch(/^WRONGPASS invalid username-password pair/);
  });

  it('is not spoken to under an authority that nobody trusts', async () => {
    expect(await refusalOf(server.url)).toMatch(/^self-signed certificate in certificate chain/);
  });
});
