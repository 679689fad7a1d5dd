import { newId, toUuid } from '@payflow/contracts';
import { statement, type Database } from '@payflow/database';
import { createTestDatabase, openSpecPool, type TestDatabase } from '@payflow/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { entities, migrations } from './index.js';
import type { AuditFilter } from './audit.repository.js';
import { compare, CREATED_CONDITIONS, ListStatements } from './list-statement.js';

const PREPARED = statement(
  'spec.prepared-lists',
  `select count(*)::integer as count from pg_prepared_statements where name like 'audit-log.list-spec-%'`,
);
const owner = { tenant: newId('tenant'), livemode: false };
const at = new Date().toISOString();
const filters: readonly [keyof AuditFilter, string][] = [
  ['actor', 'key'],
  ['operation', 'defineLimit'],
  ['resource', 'thing'],
  ['createdGte', at],
  ['createdGt', at],
  ['createdLte', at],
  ['createdLt', at],
];

let test: TestDatabase;
let db: Database;
beforeAll(async () => {
  test = await createTestDatabase('gateway', migrations);
  // One connection: what it is left with is looked at.
  db = await openSpecPool(test.url, { poolSize: 1, entities });
});
afterAll(async () => {
  await db?.close();
  await test?.drop();
});

it('every combination of filters is answered, and a connection is left with few plans however many were asked for', async () => {
  const conditions = {
    ...{ actor: compare('a', 'actor'), operation: compare('o', 'operation'), resource: compare('r', 'resource') },
    ...CREATED_CONDITIONS,
  };
  const lists = new ListStatements<AuditFilter>('audit_log', 'id', conditions, [], 'spec');
  for (let combination = 0; combination < 2 ** filters.length; combination++) {
    const filter = Object.fromEntries(filters.filter((_, bit) => (combination >> bit) & 1));
    const page = { filter, after: undefined, limit: 1 };
    expect(await db.rows(...lists.of(owner, page, (id) => toUuid('auditEntry', id) ?? ''))).toEqual([]);
  }
  const [{ count } = { count: 0 }] = await db.rows<{ count: number }>(PREPARED);
  expect([count > 0, count <= 64]).toEqual([true, true]);
});
