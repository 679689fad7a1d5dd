import { newId, uuidOf } from '@payflow/contracts';
import { statement } from '@payflow/database';
import { Messaging, type AnyOutgoing } from '@payflow/messaging';
import {
  createTestDatabase,
  createTestTopics,
  testBroker,
  uniqueSuffix,
  until,
  type TestDatabase,
} from '@payflow/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { takeExpired } from './database/expiry.repository.js';
import { migrations } from './database/index.js';
import { LedgerCommandsHandler } from './handlers/ledger-commands.handler.js';
import { HoldSweeper } from './hold-sweeper.js';
import { CommandsOf } from './testing/commands.js';

const STATUS = statement('spec.status', 'select status from holds where id = $1');
const PENDING = statement(
  'spec.pending-debits',
  'select pending_debits::integer as pending from accounts where id = $1',
);
const ours = new CommandsOf();

let db: TestDatabase;
let messaging: Messaging;
let sweepers: HoldSweeper[];
const handler = new LedgerCommandsHandler();
beforeAll(async () => {
  const broker = testBroker(uniqueSuffix());
  [db] = await Promise.all([createTestDatabase('ledger', migrations), createTestTopics(broker)]);
  messaging = new Messaging({ broker, database: db.database, partitions: 'single' });
  await messaging.start();
  await messaging.subscribe('ledger.commands', { handle: (messages, tx) => handler.handle(messages as never, tx) });
  // Two processes of the ledger sweep at once.
  sweepers = [new HoldSweeper(db.database, messaging), new HoldSweeper(db.database, messaging)];
  for (const sweeper of sweepers) sweeper.onApplicationBootstrap();
});
afterAll(async () => {
  for (const sweeper of sweepers) await sweeper.onApplicationShutdown();
  await messaging.close();
  await db.drop();
});

async function send(...commands: readonly ReturnType<CommandsOf['open' | 'hold']>[]): Promise<void> {
  const origin = { tenant: ours.tenant, livemode: false, actor: 'spec' };
  const outgoing = commands.map(
    ({ type, subject, data }) => ({ type, subject, data, origin }) as unknown as AnyOutgoing,
  );
  const staged = await db.database.transaction((tx) => messaging.outbox.stage(tx, outgoing, () => undefined));
  staged.publish();
}

it('gives back what is held when its time is over, and leaves alone what has time or none', async () => {
  const [world, wallet] = [newId('account'), newId('account')];
  await send(ours.open(world, { overdraft: 'unbounded' }), ours.open(wallet));
  const statusOf = async (id: string) =>
    (await db.database.rows<{ status: string }>(STATUS, [uuidOf('hold', id)]))[0]?.status;
  await until('both accounts are open', async () => {
    const rows = await db.database.rows(statement('spec.open', 'select from accounts'));
    return rows.length === 2;
  });
  const soon = new Date(Date.now() + 1_500).toISOString();
  const [expiring, lasting, endless] = [
    ours.hold(world, wallet, '5', { expires_at: soon }),
    ours.hold(world, wallet, '7', { expires_at: '2099-01-01T00:00:00.000Z' }),
    ours.hold(world, wallet, '9'),
  ];
  await send(expiring, lasting, endless);
  await until('it is held', async () => (await statusOf(expiring.data.id)) === 'pending');
  await until('it has expired', async () => (await statusOf(expiring.data.id)) === 'expired', 6_500);
  expect([await statusOf(lasting.data.id), await statusOf(endless.data.id)]).toEqual(['pending', 'pending']);
  expect(await db.database.rows(PENDING, [uuidOf('account', world)])).toEqual([{ pending: 16 }]);
});

it('asks for the ends that nobody has asked for before those of accounts that stand still', async () => {
  const HELD = statement(
    'spec.held',
    `insert into holds (tenant_id, livemode, id, debit_account_id, credit_account_id, amount_minor, asset, posted_minor, status, expires_at,
       version, expiry_asked_at, placed_at, changed_at)
     select typeid_uuid($1), false, id, gen_random_uuid(), gen_random_uuid(), 1, 'USD', 0, 'pending', expires_at, 1, asked_at, now(), now()
     from unnest($2::uuid[], $3::timestamptz[], $4::timestamptz[]) as h (id, expires_at, asked_at)`,
  );
  const ago = (ms: number) => new Date(Date.now() - ms);
  const [stuck, fresh, patient] = [newId('hold'), newId('hold'), newId('hold')];
  const own = await createTestDatabase('ledger', migrations, 2);
  await own.database.rows(HELD, [
    ours.tenant,
    [stuck, fresh, patient].map((id) => uuidOf('hold', id)),
    [ago(60_000), ago(1_000), ago(60_000)],
    // Asked for when it was 50 s overdue, and 10 s ago: its turn comes 50 s after that.
    [ago(55_000), null, ago(10_000)],
  ]);
  const taken = await own.database.transaction((tx) => takeExpired(tx, 5_000, 1));
  expect(taken.map(({ id }) => id)).toEqual([fresh]);
  const rest = await own.database.transaction((tx) => takeExpired(tx, 5_000, 10));
  expect(rest.map(({ id }) => id)).toEqual([stuck]);
  await own.drop();
});
