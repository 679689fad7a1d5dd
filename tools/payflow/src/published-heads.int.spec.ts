import { newId, uuidOf } from '@payflow/contracts';
import { beforeEach, describe, expect, it } from 'vitest';
import { headsUnlikePublished } from './published-heads.js';
import { archived, databasesOf } from './testing/databases.js';

const NOBODY = '00000000-0000-0000-0000-000000000000';
const KEY = '0123456789abcdef';
const rootOf = (seal: number) => seal.toString(16).padStart(64, '0');

const { ledger, archiver } = databasesOf('ledger', 'archiver');

const headOf = (seal: number, log_root = rootOf(seal)) => ({ seal, key_id: KEY, log_root });

async function sealed(seal: number): Promise<void> {
  await ledger.query('insert into signing_keys (id, public_key) values ($1, $1) on conflict do nothing', [KEY]);
  await ledger.query(
    `insert into seals (seal, from_xact, to_xact, event_id, head, root, frontier, key_id)
     values ($1, ($1::bigint * 10)::text::xid8, ($1::bigint * 10 + 10)::text::xid8, gen_random_uuid(), $2, decode($3, 'hex'), '{}', $4)`,
    [seal, JSON.stringify(headOf(seal)), rootOf(seal), KEY],
  );
}

async function published(seal: number, root?: string): Promise<void> {
  await archived(archiver, {
    tenant: NOBODY,
    livemode: true,
    event: uuidOf('event', newId('event')),
    topic: 'ledger',
    type: 'payflow.ledger.sealed.v1',
    subject: 'ledger',
    version: seal,
    actor: 'ledger/sealer',
    data: headOf(seal, root),
  });
}

describe('the log against what was published of it', () => {
  const found = () => headsUnlikePublished(ledger.database, archiver.database);
  const changed = (change: string) => ledger.query(change);
  beforeEach(async () => {
    await changed('delete from seals');
    await archiver.query('delete from archived_events');
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
