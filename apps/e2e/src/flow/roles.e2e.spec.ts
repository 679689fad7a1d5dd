import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { SERVICES } from '@payflow/contracts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { House } from '../house/house.js';

/** Every service as a process, with the URL of somebody who can do anything, and with servers that are not as it needs them. */
describe('a service that must not start', () => {
  let house: House;
  beforeAll(async () => {
    house = await House.setUp({ name: 'roles' });
  });
  afterAll(() => house.close());

  it.each(SERVICES)('%s with the administrator’s URL ends, and says what is wrong and what to do', async (service) => {
    const { pathname } = new URL(house.installation.databaseUrl(service));
    const DATABASE_URL = Object.assign(new URL(house.servers.postgres), { pathname }).toString();
    const process = await house.anotherProcess(service);
    await process.launch({ DATABASE_URL });
    expect(await process.exited).toMatchObject({ code: 78 });
    const log = readFileSync(process.logFile, 'utf8');
    expect(log).toContain(`can do more than the ${service} service needs: it is superuser`);
    expect(log).toContain('payflow setup');
    expect(log).not.toContain(new URL(DATABASE_URL).password);
  });

  it('a service whose pools the server could never fill ends as one that is configured wrongly', async () => {
    const process = await house.anotherProcess('payments');
    await process.launch({ DATABASE_POOL_SIZE: '200', DATABASE_MAX_OVERFLOW: '200' });
    expect(await process.exited).toMatchObject({ code: 78 });
    expect(readFileSync(process.logFile, 'utf8')).toContain(
      'DATABASE_POOL_SIZE and DATABASE_MAX_OVERFLOW come to 400 connections',
    );
  });

  it.each(['gateway', 'ledger'] as const)(
    '%s on topics that nobody made ends as one that is configured wrongly',
    async (service) => {
      const process = await house.anotherProcess(service);
      await process.launch({ KAFKA_PREFIX: 'nobodys.' });
      expect(await process.exited).toMatchObject({ code: 78 });
      expect(readFileSync(process.logFile, 'utf8')).toMatch(/topic \S+ does not exist: .*`payflow setup`/);
    },
  );

  it('a service that is told to end while it waits for its database ends at once, and as it should', async () => {
    const silent = createServer();
    await once(silent.listen(0, '127.0.0.1'), 'listening');
    const { port } = silent.address() as AddressInfo;
    const process = await house.anotherProcess('ledger');
    const asked = once(silent, 'connection');
    await process.launch({ DATABASE_URL: `postgres://ledger:secret@127.0.0.1:${port}/ledger` });
    await asked;
    process.terminate();
    expect(await process.exited).toMatchObject({ code: 0 });
    expect(readFileSync(process.logFile, 'utf8')).toContain('SIGTERM before the start was over');
    silent.close();
  });

  it.each(SERVICES)(
    '%s on a schema older or newer than itself ends as one that is configured wrongly',
    async (service) => {
      const ended = async () => {
        const process = await house.anotherProcess(service);
        await process.launch();
        expect(await process.exited).toMatchObject({ code: 78 });
        return readFileSync(process.logFile, 'utf8');
      };
      const { databases } = house;
      await databases.asSuperuser(service, `insert into schema_migrations values (99999, 1, 'Later1999999999999')`);
      expect(await ended()).toContain('newer than this version, which does not know 1 migration (Later1999999999999)');
      await databases.asSuperuser(service, 'delete from schema_migrations where id in (1, 99999)');
      expect(await ended()).toContain('older than this version: it lacks 1 migration (MessagingTables1763700000000)');
    },
  );
});
