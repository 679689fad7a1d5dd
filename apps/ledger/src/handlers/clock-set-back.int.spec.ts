import { newId, uuidOf } from '@payflow/contracts';
import { statement } from '@payflow/database';
import type { AnyOutgoing } from '@payflow/messaging';
import { createTestDatabase, type TestDatabase } from '@payflow/testing';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { migrations } from '../database/index.js';
import type { LedgerCommand } from '../domain/decide.js';
import { CommandsOf, leg } from '../testing/commands.js';
import { Processes } from '../testing/processes.js';

const SET_AHEAD = statement('spec.set-ahead', 'update accounts set last_recorded_at = $1 where id = $2');
const DAY_MS = 86_400_000;
const inMs = (ms: number) => new Date(Date.now() + ms).toISOString();

let db: TestDatabase;
let ours: CommandsOf;
let world: string;
let wallet: string;
/** When the account was changed last, by a clock that has been set right since. */
let ahead: string;
beforeAll(async () => {
  db = await createTestDatabase('ledger', migrations);
  await db.database.rows(statement('spec.partitions-of-three-days', 'select ensure_partitions(3)'));
});
afterAll(() => db.drop());
beforeEach(async () => {
  ours = new CommandsOf();
  [world, wallet] = [newId('account'), newId('account')];
  await handle([ours.open(world, { overdraft: 'unbounded' }), ours.open(wallet), ours.transfer(world, wallet, '100')]);
  ahead = inMs(40 * DAY_MS);
  await db.database.rows(SET_AHEAD, [ahead, uuidOf('account', wallet)]);
});

/** Each batch by a process that remembers nothing. */
async function handle(commands: readonly LedgerCommand[]): Promise<readonly AnyOutgoing[]> {
  const processes = new Processes(db, 1);
  return processes.handle(commands).finally(() => processes.close());
}
const outcomes = (messages: readonly AnyOutgoing[]) =>
  messages.map(({ type, data }) => ('reason' in data ? data.reason : type.slice('payflow.'.length, -3)));

it('refuses no payment that has time left: it is booked behind the last change of its account', async () => {
  const inTime = { valid_until: inMs(60_000) };
  const late = { valid_until: inMs(-60_000) };
  const moves = (change: object) => [
    ours.transfer(wallet, world, '1', change),
    ours.group([leg(wallet, world, '1')], { payment: newId('payment'), ...change }),
  ];
  const posted = await handle(moves(inTime));
  expect(outcomes(posted)).toEqual(['transfer.posted', 'group.posted']);
  for (const { data } of posted) expect(data).toMatchObject({ recorded_at: ahead });
  // With a hold, the batch locks its accounts; without, it remembers them.
  const batch = [ours.hold(wallet, world, '1', inTime), ...moves(inTime), ...moves(late)];
  expect(outcomes(await handle(batch))).toEqual([
    'hold.placed',
    'transfer.posted',
    'group.posted',
    'command_expired',
    'command_expired',
  ]);
});

it('ends no hold before its time, and lets it be posted until then', async () => {
  const hold = ours.hold(wallet, world, '5', { expires_at: inMs(3_600_000) });
  const place = { id: hold.data.id, debit: wallet, credit: world };
  const commands = [hold, ours.voidHold(place, true), ours.postHold(place, '2', false), ours.voidHold(place)];
  expect(outcomes(await handle(commands))).toEqual(['hold.placed', 'hold_not_expired', 'hold.posted', 'hold.voided']);
});

it('closes no month before it is over', async () => {
  const month = inMs(0).slice(0, 7);
  expect(outcomes(await handle([ours.update(wallet, {}), ours.closePeriod(month)]))).toEqual([
    'account.updated',
    'period_not_over',
  ]);
});
