import { newId, uuidOf } from '@payflow/contracts';
import { statement } from '@payflow/database';
import { checkInvariant, type Invariant } from '@payflow/invariants';
import { Messaging } from '@payflow/messaging';
import { configureLogging } from '@payflow/telemetry';
import { createTestDatabase, testBroker, until, type TestDatabase } from '@payflow/testing';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { migrations } from './database/index.js';
import { invariants } from './database/invariants.js';
import { LedgerCommandsHandler } from './handlers/ledger-commands.handler.js';
import { SigningKey } from './proof/signing-key.js';
import { Sealer } from './sealer.js';
import { CommandsOf } from './testing/commands.js';

const ours = new CommandsOf();
const [world, wallet] = [newId('account'), newId('account')];
const waiting = invariants.find(({ name }) => name === 'I15') as Invariant;

let db: TestDatabase;
let sealer: Sealer;
/** Another process's. */
let second: Sealer;
/** Whoever keeps the seal from being made. */
let other: Client;
beforeAll(async () => {
  db = await createTestDatabase('ledger', migrations);
  await db.database.rows(statement('spec.partitions', 'select ensure_partitions(1)'));
  // Never started: what is published stays in the outbox.
  const messaging = new Messaging({ broker: testBroker('unused'), database: db.database, partitions: 'single' });
  sealer = new Sealer(db.database, messaging, new SigningKey('one secret'));
  second = new Sealer(db.database, messaging, new SigningKey('one secret'));
  await handle(ours.open(world, { overdraft: 'unbounded' }), ours.open(wallet));
  other = new Client({ connectionString: db.adminUrl });
  await other.connect();
});
afterAll(async () => {
  await other?.end();
  await db?.drop();
});

const handle = (...commands: Parameters<LedgerCommandsHandler['handle']>[0]) =>
  db.database.transaction((tx) => new LedgerCommandsHandler().handle(commands, tx));

async function booked(): Promise<string> {
  const command = ours.transfer(world, wallet, '5');
  await handle(command);
  return uuidOf('transfer', command.data.id);
}
const age = (transfer: string, minutes: number) =>
  db.tamper(`update transfers set recorded_at = recorded_at - interval '${minutes} minutes' where id = '${transfer}'`);
const missed = async (form: 'running' | 'full', awake_s = 0) =>
  (await checkInvariant(db.database, waiting, form, { awake_s })).sample;

/** The horizon is the server's: while another spec's transaction is open, it is that which holds it up. */
const sealed = (by = sealer) =>
  until('all is sealed', async () => {
    await by.seal();
    const LEFT = `select from transfers where xact_id >= coalesce((select to_xact from seals order by seal desc limit 1), '0')`;
    return (await other.query(LEFT)).rowCount === 0;
  });

it('a seal that an open transaction keeps from being made is missed (I15)', async () => {
  await other.query('begin; select pg_current_xact_id()');
  const transfer = await booked();
  await sealer.seal();
  expect(await missed('running')).toEqual([]);
  await age(transfer, 11);
  for (const form of ['running', 'full'] as const)
    expect(await missed(form)).toEqual([
      `transfers/${transfer} cannot be sealed, nor what follows: an older transaction is open`,
    ]);
  await other.query('commit');
  await until('nothing keeps it', async () => (await missed('running')).length === 0);
  await sealed();
});

describe('a seal that a lock keeps from being made', () => {
  const SEAL_LOCK = `hashtext('payflow/ledger/seal')`;
  beforeAll(() => other.query(`select pg_advisory_lock(${SEAL_LOCK})`));

  it('is told of once the lock was refused for several rounds', async () => {
    const lines: string[] = [];
    configureLogging({ level: 'error', stream: { write: (line) => void lines.push(line) } });
    for (let round = 0; round < 12; round++) expect(await sealer.seal()).toBeUndefined();
    configureLogging({ level: 'silent' });
    expect(lines.map((line) => JSON.parse(line) as Record<string, unknown>)).toMatchObject([
      { msg: 'ALARM: the lock of the seal is held elsewhere; nothing is sealed here', rounds: 5 },
    ]);
  });

  it('is missed by who has looked for three minutes, and not by a ledger that comes back from a pause (I15)', async () => {
    const first = await booked();
    await age(first, 9);
    expect(await missed('running', 1_000)).toEqual([]);
    await age(first, 2);
    const named = `transfers/${first} is not sealed, nor what follows`;
    await until('it is missed', async () => (await missed('running', 180))[0] === named);
    await until('a pause is none', async () => (await missed('running', 179)).length === 0);
    await until('nothing shows that it was at work', async () => (await missed('full')).length === 0);
    await age(await booked(), 9);
    await age(await booked(), 8);
    await until('two later minutes are not enough', async () => (await missed('full')).length === 0);
    await booked();
    await until('it has booked in three of them', async () => (await missed('full'))[0] === named);
    await other.query(`select pg_advisory_unlock(${SEAL_LOCK})`);
    await sealed();
    expect([await missed('running', 1_000), await missed('full')]).toEqual([[], []]);
  });

  it('is not told of while whoever holds it gets on', async () => {
    const lines: string[] = [];
    configureLogging({ level: 'error', stream: { write: (line) => void lines.push(line) } });
    for (let round = 0; round < 6; round++) {
      await other.query(`select pg_advisory_lock(${SEAL_LOCK})`);
      expect(await sealer.seal()).toBeUndefined();
      await other.query(`select pg_advisory_unlock(${SEAL_LOCK})`);
      await booked();
      await sealed(second);
    }
    configureLogging({ level: 'silent' });
    expect(lines).toEqual([]);
  });
});
