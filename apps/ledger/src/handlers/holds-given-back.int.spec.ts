import { newId, uuidOf } from '@payflow/contracts';
import { statement } from '@payflow/database';
import { createTestDatabase, type TestDatabase } from '@payflow/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { migrations } from '../database/index.js';
import { standingInFull } from '../database/standing-invariants.js';
import { CommandsOf } from '../testing/commands.js';
import { Processes } from '../testing/processes.js';

let db: TestDatabase;
let processes: Processes;
beforeAll(async () => {
  db = await createTestDatabase('ledger', migrations);
  await db.database.rows(statement('spec.partitions', 'select ensure_partitions(1)'));
  processes = new Processes(db, 1);
});
afterAll(async () => {
  await processes.close();
  await db.drop();
});

const ours = new CommandsOf();
const [debit, credit] = [newId('account'), newId('account')];
const shown = (answers: Awaited<ReturnType<Processes['handle']>>) =>
  answers.map(({ type, data }) => ('reason' in data ? data.reason : type.replace('payflow.', '')));

it('payments asks again for the end of its hold, by another command: it is told the end, and nothing is done twice', async () => {
  const place = (payment: string | null) => ours.hold(debit, credit, '70', { payment });
  const [ofPayment, posted, ofClient] = [place(newId('payment')), place(newId('payment')), place(null)];
  const named = ({ data: { id } }: typeof ofPayment) => ({ id, debit, credit });
  await processes.handle([ours.open(debit, { overdraft: 'unbounded' }), ours.open(credit)]);
  await processes.handle([ofPayment, posted, ofClient]);
  const ends = [ours.voidHold(named(ofPayment)), ours.postHold(named(posted), '70'), ours.voidHold(named(ofClient))];
  const [voided] = await processes.handle(ends);
  const [again, ...others] = await processes.handle([
    ours.voidHold(named(ofPayment)),
    ours.voidHold(named(posted)),
    ours.voidHold(named(ofClient)),
  ]);
  expect(again?.type).toBe('payflow.hold.voided.v1');
  const { id, version, posted: part, status, recorded_at } = voided?.data as never;
  expect(again?.data).toMatchObject({ id, version, posted: part, status, recorded_at });
  expect(shown(others)).toEqual(['hold_not_pending', 'hold_not_pending']);
  const [account] = await processes.handle([ours.update(debit, {})]);
  expect(account?.data).toMatchObject({ pending_debits: '0', posted_debits: '70' });
  expect(await processes.brokenInvariants()).toEqual([]);
  // As where what placed it has been at work for longer than what ended it.
  const uuid = uuidOf('hold', ofPayment.data.id);
  await db.tamper(
    `update verdicts set xact_id = (select xact_id from verdicts order by xact_id desc limit 1) where id = '${uuid}'`,
  );
  expect(await standingInFull({ step_verdicts: 1, held_max: 100 })(db.database)).toEqual({ violations: 0, sample: [] });
});

it('what payments asks for again by another command is told as it was the first time', async () => {
  const place = ours.hold(debit, credit, '70', { payment: newId('payment') });
  const post = ours.postHold({ id: place.data.id, debit, credit }, '40', false);
  const first = await processes.handle([place, post]);
  const renamed = [place, post].map((command) => ({ ...command, id: newId('event') }));
  const again = await processes.handle(renamed);
  expect(again.map(({ id, type, resent, data }) => ({ id, type, resent, data }))).toEqual(
    first.map(({ id, type, data }) => ({ id, type, resent: true, data })),
  );
  expect(again.map(({ cause }) => cause?.id)).toEqual(renamed.map(({ id }) => id));
  expect(await processes.brokenInvariants()).toEqual([]);
});
