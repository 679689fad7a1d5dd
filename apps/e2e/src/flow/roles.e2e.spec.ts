import { readFileSync } from 'node:fs';
import { SERVICES } from '@payflow/contracts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { House } from '../house/house.js';

/** Every service as a process, with the URL of somebody who can do anything; and one that asks for more than there is. */
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
    expect(await process.exited).toMatchObject({ code: 1 });
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
});
