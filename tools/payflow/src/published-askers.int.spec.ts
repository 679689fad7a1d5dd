import { newId, uuidOf } from '@payflow/contracts';
import { beforeEach, expect, it } from 'vitest';
import { unlikePublished } from './archived-events.js';
import { publishedAskers } from './published-askers.js';
import { archived, databasesOf } from './testing/databases.js';

const tenant = uuidOf('tenant', newId('tenant'));
const { ledger, archiver } = databasesOf('ledger', 'archiver');
const [account, transfer, leg] = [newId('account'), newId('transfer'), newId('transfer')];

async function given(type: string, data: object, version: number, actor: string): Promise<void> {
  const [of, id] =
    'legs' in data
      ? (['transfer', leg] as const)
      : type.startsWith('account')
        ? (['account', account] as const)
        : (['transfer', transfer] as const);
  await archived(archiver, {
    tenant,
    livemode: true,
    event: uuidOf('event', newId('event')),
    topic: 'ledger',
    type: `payflow.${type}.v1`,
    subject: 'any',
    actor,
    data,
  });
  await ledger.query(
    `insert into metadata_versions (tenant_id, livemode, resource, id, version, metadata, actor, recorded_at)
     values ($1, true, $2, $3, $4, '{}', $5, now())`,
    [tenant, of, uuidOf(of, id), version, actor],
  );
}

const found = () => unlikePublished(ledger.database, archiver.database, publishedAskers);

beforeEach(async () => {
  await ledger.query('delete from metadata_versions');
  await archiver.query('delete from archived_events');
  await given('account.opened', { id: account, version: 1 }, 1, 'user_1');
  await given('account.updated', { id: account, version: 7 }, 7, 'user_2');
  await given('transfer.updated', { id: transfer, version: 2 }, 2, 'user_3');
  await given('group.posted', { id: newId('group'), legs: [{ id: leg }] }, 1, 'user_4');
});

it('whoever gave metadata is who was published to have', async () => {
  expect(await found()).toEqual([]);
});

it.each([
  ['user_1', account, 1],
  ['user_2', account, 7],
  ['user_3', transfer, 2],
  ['user_4', leg, 1],
])('it is found where %s is said to be somebody else', async (actor, id, version) => {
  await ledger.query(`update metadata_versions set actor = 'user_9' where actor = $1`, [actor]);
  expect(await found()).toEqual([
    `${id} was given its metadata of version ${version} by somebody else than was published`,
  ]);
});

it('of what was given before that was kept, nobody is named', async () => {
  await ledger.query('update metadata_versions set actor = null');
  expect(await found()).toEqual([]);
});
