import { newId, TENANT_ASSETS_MAX, uuidOf } from '@payflow/contracts';
import { statement } from '@payflow/database';
import { checkInvariant } from '@payflow/invariants';
import { Messaging } from '@payflow/messaging';
import { createTestDatabase, testBroker, type TestDatabase } from '@payflow/testing';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { invariants, migrations } from '../database/index.js';
import type { LedgerCommand } from '../domain/decide.js';
import { CommandsOf } from '../testing/commands.js';
import { LedgerCommandsHandler } from './ledger-commands.handler.js';

const UNITS = statement('spec.units', 'select code, scale, name from units where tenant_id = $1 order by code');

describe('units of a tenant', () => {
  let db: TestDatabase;
  let admin: Client;
  let messaging: Messaging;
  const handler = new LedgerCommandsHandler();

  beforeAll(async () => {
    db = await createTestDatabase('ledger', migrations);
    await db.database.rows(statement('spec.partitions', 'select ensure_partitions(1)'));
    admin = new Client({ connectionString: db.adminUrl });
    await admin.connect();
    // Never started: rows are staged as always, and stay in the outbox.
    messaging = new Messaging({ broker: testBroker('unused'), database: db.database, partitions: 'single' });
  });
  afterAll(async () => {
    await admin.end();
    await db.drop();
  });

  const handle = (...commands: readonly LedgerCommand[]) =>
    db.database.transaction(async (tx) => {
      const { messages } = await handler.handle(commands, tx);
      await messaging.outbox.stage(tx, messages, () => undefined);
      return messages;
    });
  const told = async (...commands: readonly LedgerCommand[]) =>
    (await handle(...commands)).map(({ type, data }) => ('reason' in data ? data.reason : type.slice(8, -3)));
  const rows = ({ tenant }: CommandsOf) => db.database.rows(UNITS, [uuidOf('tenant', tenant)]);
  const broken = async () => {
    const check = invariants.find(({ name }) => name === 'I18') as (typeof invariants)[number];
    return (await checkInvariant(db.database, check, 'full')).sample;
  };

  it('are defined, and opened accounts in, in one batch or in several', async () => {
    const ours = new CommandsOf();
    const [bank, wallet] = [newId('account'), newId('account')];
    const minutes = { asset: 'AIRTIME' };
    const unbounded = ours.open(bank, { ...minutes, overdraft: 'unbounded' });
    expect(await told(ours.open(newId('account'), minutes))).toEqual(['asset_unknown']);
    expect(await told(ours.define('AIRTIME', { scale: 1, name: 'Minutes' }), unbounded)).toEqual([
      'asset.defined',
      'account.opened',
    ]);
    const transfer = ours.transfer(bank, wallet, '7', minutes);
    expect(await told(ours.open(wallet, minutes), transfer)).toEqual(['account.opened', 'transfer.posted']);
    expect(await told(new CommandsOf().open(newId('account'), minutes))).toEqual(['asset_unknown']);
    expect(await rows(ours)).toEqual([{ code: 'AIRTIME', scale: 1, name: 'Minutes' }]);
    expect(await broken()).toEqual([]);
  });

  it('answer every command of their own: the same content with what was defined first, another with a refusal', async () => {
    const ours = new CommandsOf();
    const first = ours.define('POINTS');
    const again = ours.define('POINTS', { created_at: '2026-12-01T00:00:00.000Z' });
    const [defined] = await handle(first);
    const messages = await handle(again, first, ours.define('POINTS', { scale: 1 }));
    expect(messages).toMatchObject([
      { type: 'payflow.asset.defined.v1', subject: 'POINTS', data: first.data, cause: again },
      { id: defined?.id, data: first.data, resent: true },
      { type: 'payflow.asset.rejected.v1', data: { id: 'POINTS', reason: 'asset_exists' } },
    ]);
    expect(messages[0]?.id).not.toBe(defined?.id);
    expect(await rows(ours)).toEqual([{ code: 'POINTS', scale: 0, name: 'Points' }]);
    expect(await broken()).toEqual([]);
  });

  it('are defined once by fifty at once, whatever partition they come from', async () => {
    const ours = new CommandsOf();
    const all = await Promise.all(
      Array.from({ length: 50 }, (_, at) => told(ours.define('STAMPS', { name: `Stamps ${at % 2}` }))),
    );
    expect(all.flat().sort().slice(24, 26)).toEqual(['asset.defined', 'asset_exists']);
    expect(await rows(ours)).toHaveLength(1);
  });

  it('cannot have the code of a currency, nor be more than their number', async () => {
    const ours = new CommandsOf();
    expect(await told(ours.define('XAU'), ours.define('EURC'))).toEqual(['asset_reserved', 'asset_reserved']);
    const codes = Array.from({ length: TENANT_ASSETS_MAX }, (_, at) => `UNIT${at}`);
    const definitions = codes.map((code) => ours.define(code));
    expect(new Set(await told(...definitions))).toEqual(new Set(['asset.defined']));
    expect(await told(ours.define('MORE'), ours.define('UNIT7'))).toEqual(['too_many_assets', 'asset.defined']);
    expect(await told(new CommandsOf().define('MORE'))).toEqual(['asset.defined']);
  });

  it('of which one more is allowed are one more, when fifty at once are defined', async () => {
    const ours = new CommandsOf();
    const before = Array.from({ length: TENANT_ASSETS_MAX - 1 }, (_, at) => ours.define(`UNIT${at}`));
    await told(...before);
    const all = await Promise.all(Array.from({ length: 50 }, (_, at) => told(ours.define(`LAST${at}`))));
    expect(all.flat().filter((outcome) => outcome === 'asset.defined')).toHaveLength(1);
    expect(all.flat().filter((outcome) => outcome === 'too_many_assets')).toHaveLength(49);
    expect(await rows(ours)).toHaveLength(TENANT_ASSETS_MAX);
  });

  it('are never changed by the service, and missed when nobody was told', async () => {
    for (const text of ["update units set name = 'x'", 'delete from units'])
      await expect(db.database.rows(statement(`spec.${text.slice(0, 6)}`, text))).rejects.toMatchObject({
        code: '42501',
      });
    await admin.query(
      `insert into units (tenant_id, livemode, code, scale, name, created_at, number)
       select tenant_id, livemode, 'PLANTED', 0, 'x', now(), 2 from units where code = 'AIRTIME'`,
    );
    expect(await broken()).toEqual(['units/PLANTED has no verdict']);
  });
});
