import { readFileSync } from 'node:fs';
import { SERVICES } from '@payflow/contracts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { House } from '../house/house.js';

/** Every service as a process, with the URL of somebody who can do anything. */
describe('a service that is given the administrator’s URL', () => {
  let house: House;
  beforeAll(async () => {
    house = await House.setUp({ name: 'roles' });
  });
  afterAll(() => house.close());

  it.each(SERVICES)('%s ends, and says what is wrong and what to do', async (service) => {
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
});
