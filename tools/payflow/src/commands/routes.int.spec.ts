import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { newId } from '@payflow/contracts';
import { listRoutes } from '@payflow/payments/database';
import { createTestDatabase, type TestDatabase } from '@payflow/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { MIGRATIONS } from '../installation.js';
import { routesCommands } from './routes.js';

let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase('payments', MIGRATIONS.payments, 2);
  process.env['PAYMENTS_MIGRATOR_DATABASE_URL'] = db.ownerUrl;
});
afterAll(async () => {
  delete process.env['PAYMENTS_MIGRATOR_DATABASE_URL'];
  await db.drop();
});

const run = (...words: readonly string[]) => routesCommands().parseAsync([...words], { from: 'user' });

function fileOf(document: unknown): string {
  const file = join(mkdtempSync(join(tmpdir(), 'payflow-')), 'route.json');
  writeFileSync(file, JSON.stringify(document));
  return file;
}

it('defines a route, changes it and takes it away', async () => {
  const tenant = newId('tenant');
  const put = (document: object, ...scope: string[]) => run('put', fileOf(document), '--actor', 'ops', ...scope);
  await put(
    { name: 'visa', match: { brands: ['visa'] }, targets: [{ connector: 'cards_b' }] },
    '--tenant',
    tenant,
    '--live',
  );
  await put({ name: 'visa', targets: [{ connector: 'cards' }] }, '--tenant', tenant, '--live');
  await put({ name: 'visa', targets: [{ connector: 'cards' }] });
  expect(await listRoutes(db.database)).toMatchObject([
    { tenant: null, livemode: false, name: 'visa' },
    { tenant, livemode: true, name: 'visa', match: { brands: null }, targets: [{ connector: 'cards' }] },
  ]);
  await run('rm', 'visa', '--tenant', tenant, '--live');
  await expect(run('rm', 'visa', '--tenant', tenant, '--live')).rejects.toThrow('there is no route visa');
  expect(await listRoutes(db.database)).toHaveLength(1);
});

it('says everything that is wrong with a route, and defines none', async () => {
  const before = await listRoutes(db.database);
  await expect(run('put', fileOf({ name: 'X', targets: [] }), '--actor', 'ops')).rejects.toThrow(
    /name must be[^]*targets must be/,
  );
  expect(await listRoutes(db.database)).toEqual(before);
});
