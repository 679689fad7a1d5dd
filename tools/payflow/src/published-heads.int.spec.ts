import { newId, uuidOf } from '@payflow/contracts';
import { createTestDatabase, type TestDatabase } from '@payflow/testing';
import { Client } from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { MIGRATIONS } from './installation.js';
import { headsUnlikePublished } from './published-heads.js';

const NOBODY = '00000000-0000-0000-0000-000000000000';
const KEY = '0123456789abcdef';
const rootOf = (seal: number) => seal.toString(16).padStart(64, '0');

let ledger: TestDatabase;
let archiver: TestDatabase;
let books: Client;
let archive: Client;
beforeAll(async () => {
  [ledger, archiver] = await Promise.all([
    createTestDatabase('ledger', MIGRATIONS.ledger),
    createTestDatabase('archiver', MIGRATIONS.archiver),
  ]);
  [books, archive] = [ledger, archiver].map(({ adminUrl }) => new Client({ connectionString: adminUrl })) as [
    Client,
    Client,
  ];
  await Promise.all([books.connect(), archive.connect()]);
  await archive.query('select ensure_partitions(1)');
});
afterAll(async () => {
  await Promise.all([books.end(), archive.end()]);
  await Promise.all([ledger.drop(), archiver.drop()]);
});

const headOf = (seal: number, log_root = rootOf(seal)) => ({ seal, key_id: KEY, log_root });

async function sealed(seal: number): Promise<void> {
  await books.query('insert into signing_keys (id, public_key) values ($1, $1) on conflict do nothing', [KEY]);
  await books.query(
    `insert into seals (seal, from_xact, to_xact, event_id, head, root, frontier, key_id)
     values ($1, ($1::bigint * 10)::text::xid8, ($1::bigint * 10 + 10)::text::xid8, gen_random_uuid(), $2, decode($3, 'hex'), '{}', $4)`,
    [seal, JSON.stringify(headOf(seal)), rootOf(seal), KEY],
  );
}

/** As the archiver keeps what was published. */
async function published(seal: number, root?: string): Promise<void> {
  await archive.query(
    `insert into archived_events (tenant_id, livemode, event_id, id_time, topic, type, subject, aggregate_version, causation_id,
       correlation_id, actor, data)
     values ($1, true, $2, now(), 'ledger.events.v1', 'payflow.ledger.sealed.v1', 'ledger', $3, '', '', 'ledger/sealer', $4)`,
    [NOBODY, uuidOf('event', newId('event')), seal, JSON.stringify(headOf(seal, root))],
  );
}

describe('the log against what was published of it', () => {
  const found = () => headsUnlikePublished(ledger.database, archiver.database);
  const changed = (change: string) =>
    books.query(`set session_replication_role = replica; ${change}; set session_replication_role = origin`);
  beforeEach(async () => {
    await changed('delete from seals');
    await archive.query('set session_replication_role = replica; delete from archived_events');
    for (const seal of [1, 2, 3]) await sealed(seal);
  });

  it('is the same, however much longer it is by now', async () => {
    for (const seal of [1, 2]) await published(seal);
    expect(await found()).toEqual([]);
  });

  it.each([
    [
      'was signed over other transfers',
      `update seals set head = jsonb_set(head::jsonb, '{log_root}', '"ab"')::json where seal = 2`,
      'is not what was published',
    ],
    [
      'was signed by somebody else',
      `update seals set head = jsonb_set(head::jsonb, '{key_id}', '"ab"')::json where seal = 2`,
      'is not what was published',
    ],
    ['has lost its end', 'delete from seals where seal > 1', 'was published and is gone'],
  ])('is found where it %s', async (_, change, fault) => {
    await published(2);
    await changed(change);
    expect(await found()).toEqual([`seals/2 ${fault}`]);
  });

  it('is found where its end was cut off and the ledger, with its own key, has signed and published another since', async () => {
    for (const seal of [1, 2, 3]) await published(seal);
    await changed('delete from seals where seal > 1');
    const [other, another] = [rootOf(12), rootOf(13)];
    for (const [seal, root] of [
      [2, other],
      [3, another],
      [4, rootOf(4)],
    ] as const) {
      await sealed(seal);
      await changed(
        `update seals set head = jsonb_set(head::jsonb, '{log_root}', '"${root}"')::json where seal = ${seal}`,
      );
      await published(seal, root);
    }
    const faults = ['seals/2 is not what was published', 'seals/3 is not what was published'];
    expect((await found()).toSorted()).toEqual(faults);
  });
});
