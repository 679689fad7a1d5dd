import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { newId } from '@payflow/contracts';
import { listRoutes } from '@payflow/payments/database';
import { statement } from '@payflow/database';
import { createTestDatabase, type TestDatabase } from '@payflow/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { MIGRATIONS } from '../installation.js';
import { routesCommands } from './routes.js';

const DECIDED = statement('spec.routes-decided', 'select decision, details, actor, reason from operator_decisions');

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

/** Where the words are not as they must be, commander would end the process. */
function thrown(...words: readonly string[]) {
  const routes = routesCommands();
  for (const command of [routes, ...routes.commands])
    command.exitOverride().configureOutput({ writeErr: () => undefined });
  return routes.parseAsync([...words], { from: 'user' });
}

function fileOf(document: unknown): string {
  const file = join(mkdtempSync(join(tmpdir(), 'payflow-')), 'route.json');
  writeFileSync(file, JSON.stringify(document));
  return file;
}

it('defines a route, changes it and takes it away', async () => {
  const tenant = newId('tenant');
  const why = ['--actor', 'ops', '--reason', 'they are cheaper'];
  const put = (document: object, ...scope: string[]) => run('put', fileOf(document), ...why, ...scope);
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
  const remove = () => run('rm', 'visa', '--tenant', tenant, '--live', '--actor', 'ops', '--reason', 'they are gone');
  await remove();
  await expect(remove()).rejects.toThrow('there is no route visa');
  expect(await listRoutes(db.database)).toHaveLength(1);
  // Who and why is kept of what was done alone, with the route as it was.
  const decided = await db.database.rows(DECIDED);
  expect(decided.slice(0, -1)).toMatchObject([
    { decision: 'route_put', actor: 'ops', reason: 'they are cheaper', details: { before: null, after: { tenant } } },
    {
      decision: 'route_put',
      details: { before: { match: { brands: ['visa'] } }, after: { match: { brands: null }, livemode: true } },
    },
    { decision: 'route_put', details: { before: null, after: { tenant: null, livemode: false, name: 'visa' } } },
  ]);
  expect(decided.slice(-1)).toMatchObject([
    {
      ...{ decision: 'route_removed', actor: 'ops', reason: 'they are gone' },
      details: { tenant, livemode: true, name: 'visa', targets: [{ connector: 'cards' }] },
    },
  ]);
});

it.each([
  ['who decides', ['--reason', 'they are gone'], '--actor'],
  ['why', ['--actor', 'ops'], '--reason'],
])('defines no route and takes none away where it is not said %s', async (_what, said, missing) => {
  const before = await listRoutes(db.database);
  await expect(thrown('rm', 'visa', ...said)).rejects.toThrow(`required option '${missing}`);
  const route = fileOf({ name: 'mastercard', targets: [{ connector: 'cards' }] });
  await expect(thrown('put', route, ...said)).rejects.toThrow(`required option '${missing}`);
  expect(await listRoutes(db.database)).toEqual(before);
});

it('says everything that is wrong with a route, and defines none', async () => {
  const before = await listRoutes(db.database);
  await expect(run('put', fileOf({ name: 'X', targets: [] }), '--actor', 'ops', '--reason', 'x')).rejects.toThrow(
    /name must be[^]*targets must be/,
  );
  expect(await listRoutes(db.database)).toEqual(before);
});
