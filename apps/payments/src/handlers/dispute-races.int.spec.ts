import { newId, uuidOf, type AnyMessage, type NoticeKind } from '@payflow/contracts';
import { isUniqueViolation, statement } from '@payflow/database';
import { checkInvariant } from '@payflow/invariants';
import type { AnyOutgoing } from '@payflow/messaging';
import { configureLogging } from '@payflow/telemetry';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { moneyOfDisputesMovesOnce } from '../database/dispute-invariants.js';
import { DESTINATION, PaymentsUnderTest, SOURCE, told } from '../testing/payments-under-test.js';

configureLogging({ level: 'silent' });

const CROWD = 50;
const STATES = statement('spec.dispute-states', `select status, leg from disputes where payment_id = typeid_uuid($1)`);
const TAKEN_BY_CARDS = statement('spec.raced-by-cards', `update payments set connector = 'cards' where id = $1`);

let payments: PaymentsUnderTest;
beforeAll(async () => {
  payments = await PaymentsUnderTest.open();
});
afterAll(() => payments.db.drop());

async function captured(): Promise<string> {
  const create = payments.create({ capture: 'automatic' });
  await payments.tell(create);
  await payments.settle();
  await payments.db.database.rows(TAKEN_BY_CARDS, [uuidOf('payment', create.data.id)]);
  return create.data.id;
}

const notice = (id: string, kind: NoticeKind) =>
  payments.message('payflow.payment.notice.v1', {
    ...{ id, connector: 'cards', notice: newId('event'), kind, attempt: null, provider_reference: `dsp_${id}` },
    ...{ code: 'fraudulent', amount: '400', occurred_at: new Date().toISOString() },
  });

/** Each in a transaction of its own. Two that the log would have put one after the other are taken again, as the runner does. */
async function tell(command: AnyMessage): Promise<AnyOutgoing[]> {
  try {
    return await payments.tell(command);
  } catch (error) {
    if (isUniqueViolation(error)) return tell(command);
    throw error;
  }
}

async function atOnce(commands: readonly AnyMessage[]): Promise<string[]> {
  const sent = (await Promise.all(commands.map(tell))).flat();
  while (payments.asked.length > 0) {
    const verdicts = payments.asked.splice(0).map((command) => payments.ledger.answer(command));
    sent.push(...(await Promise.all([...verdicts, ...verdicts].map((verdict) => payments.hear(verdict)))).flat());
  }
  return told(sent);
}

/** What was booked while the work was done, from the payer and back to them. */
async function booked(work: () => Promise<unknown>): Promise<{ back: bigint; forth: bigint }> {
  const [back, forth] = [payments.ledger.booked(DESTINATION, SOURCE), payments.ledger.booked(SOURCE, DESTINATION)];
  await work();
  return {
    back: payments.ledger.booked(DESTINATION, SOURCE) - back,
    forth: payments.ledger.booked(SOURCE, DESTINATION) - forth,
  };
}

const count = (what: readonly string[], name: string) => what.filter((one) => one.startsWith(name)).length;

it('fifty refunds of what is disputed in part give back the rest, once', async () => {
  const id = await captured();
  await atOnce([notice(id, 'dispute_opened')]);
  let what: string[] = [];
  const moved = await booked(async () => {
    what = await atOnce(Array.from({ length: CROWD }, () => payments.wish(id, 'refund', { amount: '300' })));
  });
  expect(count(what, 'refund.succeeded')).toBe(2);
  expect(count(what, 'refund.failed payment_disputed')).toBe(CROWD - 2);
  expect(moved).toEqual({ back: 600n, forth: 0n });
});

it('what was won can be given back again', async () => {
  const id = await captured();
  await atOnce([notice(id, 'dispute_opened')]);
  await atOnce([notice(id, 'dispute_won')]);
  const what = await atOnce([payments.wish(id, 'refund')]);
  expect(what).toContain('refund.succeeded of succeeded');
  expect(await payments.row(id)).toMatchObject({ amount_refunded_minor: 1_000n, amount_disputed_minor: 0n });
});

it('refunds, and a dispute opened, won and lost, all at once: each moves its money once', async () => {
  const id = await captured();
  const kinds = ['dispute_opened', 'dispute_won', 'dispute_lost'] as const;
  const commands = Array.from({ length: CROWD }, (_, at) =>
    at % 2 === 0 ? payments.wish(id, 'refund', { amount: '100' }) : notice(id, kinds[at % 3] as NoticeKind),
  );
  const moved = await booked(() => atOnce(commands));
  const [dispute, ...others] = await payments.db.database.rows<{ status: string; leg: string }>(STATES, [id]);
  const { amount_refunded_minor: refunded } = await payments.row(id);
  expect(others).toEqual([]);
  expect(dispute).toEqual(
    dispute?.status === 'won' ? { status: 'won', leg: 'returned' } : { status: 'lost', leg: 'taken' },
  );
  expect(moved).toEqual({ back: (refunded as bigint) + 400n, forth: dispute?.status === 'won' ? 400n : 0n });
});

it('and nothing is left that the invariants object to: each change has its message too', async () => {
  for (const form of ['running', 'full'] as const)
    expect(await checkInvariant(payments.db.database, moneyOfDisputesMovesOnce, form)).toMatchObject({ sample: [] });
});
