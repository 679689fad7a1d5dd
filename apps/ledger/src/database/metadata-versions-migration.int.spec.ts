import { newId, uuidOf } from '@payflow/contracts';
import { provisionTestDatabase } from '@payflow/testing';
import { Client } from 'pg';
import { expect, it } from 'vitest';
import { CommandsOf } from '../testing/commands.js';
import { LedgerUnderTest } from '../testing/ledger-under-test.js';
import { invariants } from './invariants.js';
import { LedgerMetadataVersions1763700014002 } from './migrations/1763700014002-ledger-metadata-versions.js';

it('begins the history of accounts that were there before with their opening, and what they have now', async () => {
  const ledger = await LedgerUnderTest.open(invariants, provisionTestDatabase);
  const ours = new CommandsOf();
  const [kept, changed, world] = [newId('account'), newId('account'), newId('account')];
  await ledger.handle([
    ours.open(kept, { metadata: { a: '1' } }),
    ours.open(changed, { metadata: { a: '1' } }),
    ours.open(world, { overdraft: 'unbounded' }),
    ours.update(changed, { metadata: { a: '2' } }),
    ours.update(changed, { metadata: { a: '3' } }),
    ours.transfer(world, kept, '5'),
  ]);
  const admin = new Client({ connectionString: ledger.db.adminUrl });
  await admin.connect();
  await admin.query(`drop table metadata_versions; ${new LedgerMetadataVersions1763700014002().sql}`);
  const { rows } = await admin.query<{ id: string; version: string; metadata: object }>(
    'select id, version, metadata from metadata_versions where actor is null order by version',
  );
  await admin.end();
  const of = (account: string) =>
    rows.filter(({ id }) => id === uuidOf('account', account)).map(({ version, metadata }) => [version, metadata]);
  expect([of(kept), of(world)]).toEqual([[['1', { a: '1' }]], [['1', {}]]]);
  expect(of(changed)).toEqual([
    ['1', { a: '1' }],
    ['3', { a: '3' }],
  ]);
  await ledger.close();
});
