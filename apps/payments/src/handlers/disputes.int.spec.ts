import { fromUuid, newId, newUuid, type Message, type MessageData } from '@payflow/contracts';
import { statement } from '@payflow/database';
import { configureLogging } from '@payflow/telemetry';
import { createTestDatabase, statementsOf, testMessage, type TestDatabase } from '@payflow/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { takeUnsettled } from '../database/dispute.repository.js';
import { migrations } from '../database/index.js';
import { DisputeStage, transfersOf } from '../testing/dispute-stage.js';

configureLogging({ level: 'silent' });

const ATTEMPTS = statement(
  'spec.dispute-attempts',
  `select a.action, a.status, a.connector, a.request, o.kind as operation, o.status as "operationStatus"
   from attempts a join payment_operations o on o.id = a.operation_id where a.payment_id = typeid_uuid($1)`,
);
const ATTEMPT_ID = statement(
  'spec.evidence-attempt',
  'select evidence_attempt_id as id from disputes where id = typeid_uuid($1)',
);

type Create = Message<'payflow.payment.create.v1'>;

let db: TestDatabase;
let stage: DisputeStage;

beforeAll(async () => {
  db = await createTestDatabase('payments', migrations);
  stage = new DisputeStage(db.database);
});
afterAll(() => db.drop());

const opened = async () => {
  const payment = await stage.payment();
  const messages = await stage.take([stage.notice(payment, 'dispute_opened')]);
  return { payment, messages, out: transfersOf(messages)[0] as ReturnType<typeof transfersOf>[0] };
};
const types = (messages: readonly { type: string }[]) =>
  messages.map(({ type }) => type.replace(/^payflow\.|\.v1$/g, ''));
const sweepOf = (payment: Create, dispute: string) =>
  testMessage('payflow.dispute.sweep.v1', { id: payment.data.id, dispute }, { tenant: payment.tenant });

describe('a dispute', () => {
  it('is opened by a notice: it is told, and the ledger is asked to take the money from the destination', async () => {
    const { payment, messages, out } = await opened();
    const { source, destination, id } = payment.data;
    expect(types(messages)).toEqual(['dispute.opened', 'transfer.post']);
    expect(messages[0]).toMatchObject({
      aggregateVersion: 1,
      data: {
        payment: id,
        status: 'needs_response',
        leg: 'taking',
        amount: '40',
        amount_disputed: '40',
        reason: 'fraudulent',
        accounts: [],
      },
    });
    expect(out.data).toMatchObject({
      payment: id,
      debit_account: destination,
      credit_account: source,
      amount: '40',
      valid_until: null,
    });
    expect(await stage.disputes(payment)).toMatchObject([{ status: 'needs_response', leg: 'taking', disputed: 40 }]);
  });

  it('tells that the money was taken, with both accounts', async () => {
    const { payment, out } = await opened();
    const messages = await stage.hear([stage.verdict(out)]);
    expect(types(messages)).toEqual(['dispute.updated']);
    expect(messages[0]?.data).toMatchObject({ leg: 'taken', transfer: out.data.id, version: 2 });
    expect((messages[0]?.data as MessageData['payflow.dispute.updated.v1']).accounts).toHaveLength(2);
    expect(await stage.disputes(payment)).toMatchObject([{ leg: 'taken', outs: 1, backs: 0 }]);
  });

  it('gives the money back when it is won, and what is disputed is free again', async () => {
    const { payment, out } = await opened();
    await stage.hear([stage.verdict(out)]);
    const won = await stage.take([stage.notice(payment, 'dispute_won')]);
    expect(types(won)).toEqual(['dispute.won', 'transfer.post']);
    const [back] = transfersOf(won);
    expect(back?.data).toMatchObject({ debit_account: payment.data.source, credit_account: payment.data.destination });
    expect(types(await stage.hear([stage.verdict(back as never)]))).toEqual(['dispute.updated']);
    expect(await stage.disputes(payment)).toMatchObject([
      { status: 'won', leg: 'returned', outs: 1, backs: 1, disputed: 0, transitions: 4 },
    ]);
  });

  it('moves nothing more when it is lost', async () => {
    const { payment, out } = await opened();
    await stage.hear([stage.verdict(out)]);
    expect(types(await stage.take([stage.notice(payment, 'dispute_lost')]))).toEqual(['dispute.lost']);
    expect(await stage.disputes(payment)).toMatchObject([{ status: 'lost', leg: 'taken', outs: 1, disputed: 40 }]);
  });

  it('waits with what it gives back for the ledger to have taken it', async () => {
    const { payment, out } = await opened();
    expect(types(await stage.take([stage.notice(payment, 'dispute_won')]))).toEqual(['dispute.won']);
    const messages = await stage.hear([stage.verdict(out)]);
    expect(types(messages)).toEqual(['dispute.updated', 'transfer.post']);
    expect(messages[0]?.data).toMatchObject({ status: 'won', leg: 'returning' });
  });

  it('is decided once: what says something else later is kept as evidence, and not believed', async () => {
    const { payment } = await opened();
    await stage.take([stage.notice(payment, 'dispute_lost')]);
    expect(await stage.take([stage.notice(payment, 'dispute_won')])).toEqual([]);
    expect(await stage.disputes(payment)).toMatchObject([{ status: 'lost', version: 2 }]);
    expect(await stage.evidence(payment)).toEqual([
      { outcome: 'dispute_opened', believed: true },
      { outcome: 'dispute_lost', believed: true },
      { outcome: 'dispute_won', believed: false },
    ]);
  });

  it.each([
    ['lost', 'lost', 'taking'],
    ['won', 'won', 'taking'],
  ] as const)('that is %s before it was opened is that, and the opening is evidence', async (word, status, leg) => {
    const payment = await stage.payment();
    expect(types(await stage.take([stage.notice(payment, `dispute_${word}`)]))).toEqual([
      `dispute.${word}`,
      'transfer.post',
    ]);
    expect(await stage.take([stage.notice(payment, 'dispute_opened')])).toEqual([]);
    expect(await stage.disputes(payment)).toMatchObject([{ status, leg, version: 1 }]);
  });

  it('is of the whole payment where the provider names no sum', async () => {
    const payment = await stage.payment();
    const [event] = await stage.take([stage.notice(payment, 'dispute_opened', { amount: null })]);
    expect(event?.data).toMatchObject({ amount: payment.data.amount });
  });

  it('is one of several where the provider has several', async () => {
    const payment = await stage.payment();
    const of = (provider_reference: string) => stage.notice(payment, 'dispute_opened', { provider_reference });
    expect(transfersOf(await stage.take([of('one'), of('two')]))).toHaveLength(2);
    expect(await stage.disputes(payment)).toMatchObject([{ disputed: 80 }, { disputed: 80 }]);
  });

  it('of two payments that come under one number together is that of the first', async () => {
    const [first, second] = [await stage.payment(), await stage.payment()];
    const provider_reference = `dsp_${newId('event')}`;
    const notices = [first, second].map((payment) => stage.notice(payment, 'dispute_opened', { provider_reference }));
    expect(types(await stage.take(notices))).toEqual(['dispute.opened', 'transfer.post']);
    expect(await stage.disputes(second)).toEqual([]);
  });

  it.each([
    [
      'a payment that is not there',
      async () => stage.notice({ data: { id: newId('payment') } } as Create, 'dispute_opened'),
    ],
    [
      'more than can be counted',
      async () => stage.notice(await stage.payment(), 'dispute_opened', { amount: '9223372036854775808' }),
    ],
    ['no money', async () => stage.notice(await stage.payment(), 'dispute_opened', { amount: '0' })],
    ['a payment that no provider took', async () => stage.notice(await stage.internalPayment(), 'dispute_opened')],
    [
      'a payment that another provider took',
      async () => stage.notice(await stage.payment(), 'dispute_opened', { connector: 'wires' }),
    ],
    [
      'another payment, by its number',
      async () => {
        const provider_reference = `dsp_${(await opened()).payment.data.id}`;
        return stage.notice(await stage.payment(), 'dispute_opened', { provider_reference });
      },
    ],
    ['another asset', async () => stage.notice(await stage.payment(), 'dispute_opened', { asset: 'EUR' })],
    [
      'another tenant’s payment',
      async () => ({ ...stage.notice(await stage.payment(), 'dispute_opened'), tenant: newId('tenant') }),
    ],
  ])('of %s moves nothing', async (_, make) => {
    expect(await stage.take([await make()])).toEqual([]);
  });
});

describe('a dispute of more than was captured', () => {
  it('is booked as far as was captured, can be answered, and gives so much back when it is won', async () => {
    const payment = await stage.payment();
    const [told, out] = await stage.take([stage.notice(payment, 'dispute_opened', { amount: '1000000' })]);
    const captured = payment.data.amount;
    expect(told?.data).toMatchObject({ status: 'needs_response', amount: captured, amount_disputed: captured });
    expect(out?.data).toMatchObject({ amount: captured });
    expect(await stage.evidence(payment)).toEqual([{ outcome: 'dispute_opened', believed: true }]);
    expect(await stage.disputes(payment)).toMatchObject([{ disputed: Number(captured) }]);
  });

  it('has what the payment’s other disputes leave, and moves nothing where they leave nothing', async () => {
    const payment = await stage.payment();
    const of = (amount: string) =>
      stage.notice(payment, 'dispute_opened', { amount, provider_reference: `dp_${newUuid()}` });
    const rest = (BigInt(payment.data.amount) - 10n).toString();
    await stage.take([of('10')]);
    const [second] = await stage.take([of(payment.data.amount)]);
    expect(second?.data).toMatchObject({ amount: rest });
    expect(await stage.take([of('1')])).toEqual([]);
    expect(await stage.disputes(payment)).toHaveLength(2);
    expect((await stage.evidence(payment)).map(({ believed }) => believed).sort()).toEqual([false, true, true]);
  });
});

describe('money that the ledger refuses to move', () => {
  it('is flagged, told, and asked for again under new ids until it is booked', async () => {
    const { payment, out } = await opened();
    const [told] = await stage.hear([stage.verdict(out, 'insufficient_funds')]);
    expect(told?.data).toMatchObject({ leg: 'refused', leg_reason: 'insufficient_funds', status: 'needs_response' });
    const [{ id = '' } = {}] = await stage.disputes(payment);
    const again = await stage.take([sweepOf(payment, id)]);
    expect(types(again)).toEqual(['dispute.updated', 'transfer.post']);
    const [second] = transfersOf(again);
    expect([second?.id === out.id, second?.data.id === out.data.id]).toEqual([false, false]);
    await stage.hear([stage.verdict(second as never)]);
    expect(await stage.disputes(payment)).toMatchObject([{ leg: 'taken', legReason: null, outs: 1, version: 4 }]);
  });

  it('is not asked for again once the dispute is won: there is nothing to give back', async () => {
    const { payment, out } = await opened();
    await stage.hear([stage.verdict(out, 'account_frozen')]);
    expect(types(await stage.take([stage.notice(payment, 'dispute_won')]))).toEqual(['dispute.won']);
    expect(await stage.disputes(payment)).toMatchObject([
      { status: 'won', leg: 'waived', legReason: null, outs: 0, backs: 0, disputed: 0 },
    ]);
  });

  it('is asked for in the same words while the ledger has not answered', async () => {
    const { payment, out } = await opened();
    const [{ id = '' } = {}] = await stage.disputes(payment);
    const [again] = await stage.take([sweepOf(payment, id), sweepOf(payment, id)]);
    expect(again).toMatchObject({ id: out.id, data: out.data, resent: true });
  });

  it('is found by the sweeper, and not again at once', async () => {
    const { payment, out } = await opened();
    await stage.hear([stage.verdict(out, 'insufficient_funds')]);
    const [{ id = '' } = {}] = await stage.disputes(payment);
    const find = async (wait_ms: number) =>
      (await takeUnsettled(db.database, wait_ms, 1_000)).filter(({ dispute }) => dispute === id).length;
    expect([await find(60_000), await find(0), await find(60_000)]).toEqual([0, 1, 0]);
  });
});

describe('evidence', () => {
  const submit = (payment: Create, dispute: string, more: object = {}) =>
    testMessage(
      'payflow.dispute.submit_evidence.v1',
      {
        ...{
          id: payment.data.id,
          dispute,
          evidence: { receipt: 'It was delivered.' },
          created_at: new Date().toISOString(),
        },
        ...more,
      },
      { tenant: payment.tenant },
    );
  const attemptOf = async (dispute: string) => {
    const [row] = await db.database.rows<{ id: string }>(ATTEMPT_ID, [dispute]);
    return row?.id as string;
  };
  const answered = async (
    payment: Create,
    dispute: string,
    outcome: 'approved' | 'declined',
    code: string | null = null,
  ) => {
    const attempt = fromUuid('attempt', await attemptOf(dispute));
    const said = { connector: 'cards', provider_reference: null, url: null };
    const data = { id: payment.data.id, attempt, outcome, code, ...said };
    return testMessage('payflow.dispute.answer.v1', data, { tenant: payment.tenant });
  };

  it('becomes an attempt at the provider, and puts the dispute under review when that has it', async () => {
    const { payment } = await opened();
    const [{ id = '' } = {}] = await stage.disputes(payment);
    const command = submit(payment, id);
    expect(await stage.take([command])).toEqual([]);
    expect(await db.database.rows(ATTEMPTS, [payment.data.id])).toMatchObject([
      {
        action: 'submit_evidence',
        status: 'created',
        operation: 'dispute',
        request: {
          reference: `dsp_${payment.data.id}`,
          evidence: { receipt: 'It was delivered.' },
        },
      },
    ]);
    const answer = await answered(payment, id, 'approved');
    const [event] = await stage.take([answer]);
    expect(event).toMatchObject({
      type: 'payflow.dispute.evidence_submitted.v1',
      data: { status: 'under_review', command: command.id, evidence_submitted_at: expect.any(String) },
    });
    expect(await stage.take([answer])).toEqual([]);
  });

  it('may be sent anew where the provider did not take it', async () => {
    const { payment } = await opened();
    const [{ id = '' } = {}] = await stage.disputes(payment);
    await stage.take([submit(payment, id)]);
    const [event] = await stage.take([await answered(payment, id, 'declined', 'evidence_too_large')]);
    expect(event).toMatchObject({
      type: 'payflow.dispute.evidence_rejected.v1',
      data: { reason: 'evidence_too_large' },
    });
    expect(await stage.take([submit(payment, id)])).toEqual([]);
  });

  it.each([
    [
      'while other evidence is on its way',
      async (payment: Create, id: string) => void (await stage.take([submit(payment, id)])),
      {},
    ],
    [
      'of what is decided',
      async (payment: Create) => void (await stage.take([stage.notice(payment, 'dispute_lost')])),
      {},
    ],
    ['of a dispute that is not there', async () => undefined, { dispute: newId('dispute') }],
  ])('is refused %s', async (_, before, more) => {
    const { payment } = await opened();
    const [{ id = '' } = {}] = await stage.disputes(payment);
    await before(payment, id);
    const command = submit(payment, id, more);
    expect(await stage.take([command])).toMatchObject([
      { type: 'payflow.dispute.evidence_rejected.v1', data: { command: command.id } },
    ]);
  });

  it('for the dispute as it was seen is one of fifty, and none where the dispute has changed', async () => {
    const { payment, out } = await opened();
    const [{ id = '' } = {}] = await stage.disputes(payment);
    const asSeen = (version: number) => submit(payment, id, { if_version: version });
    await stage.hear([stage.verdict(out)]);
    expect(await stage.disputes(payment)).toMatchObject([{ leg: 'taken', version: 2 }]);
    expect(await stage.take([asSeen(1)])).toMatchObject([{ data: { reason: 'version_differs' } }]);
    expect(await db.database.rows(ATTEMPTS, [payment.data.id])).toEqual([]);

    const told = (await Promise.all(Array.from({ length: 50 }, () => stage.take([asSeen(2)])))).flat();
    expect(told.map(({ data }) => (data as { readonly reason?: string }).reason)).toEqual(
      Array.from({ length: 49 }, () => 'evidence_not_accepted'),
    );
    expect(await db.database.rows(ATTEMPTS, [payment.data.id])).toHaveLength(1);
    await stage.take([await answered(payment, id, 'approved')]);
    expect(await stage.take([asSeen(2)])).toMatchObject([{ data: { reason: 'version_differs' } }]);
  });

  it('is taken until the time that a later notice tells, and only the first that does', async () => {
    const { payment } = await opened();
    const [{ id = '' } = {}] = await stage.disputes(payment);
    const of = (evidence_due_by: string) => stage.notice(payment, 'dispute_opened', { evidence_due_by });
    const [told, ...more] = await stage.take([of('2020-01-01T00:00:00.000Z')]);
    expect(told).toMatchObject({
      type: 'payflow.dispute.updated.v1',
      data: { evidence_due_by: '2020-01-01T00:00:00.000Z', leg: 'taking', version: 2 },
    });
    expect([more, await stage.take([of('2050-01-01T00:00:00.000Z')])]).toEqual([[], []]);
    expect(types(await stage.take([submit(payment, id)]))).toEqual(['dispute.evidence_rejected']);
  });

  it('is refused after its time', async () => {
    const payment = await stage.payment();
    await stage.take([stage.notice(payment, 'dispute_opened', { evidence_due_by: '2020-01-01T00:00:00.000Z' })]);
    const [{ id = '' } = {}] = await stage.disputes(payment);
    expect(types(await stage.take([submit(payment, id)]))).toEqual(['dispute.evidence_rejected']);
  });
});

describe('a batch of notices and verdicts costs two statements, for one and for many', () => {
  it('of notices, repeated too', async () => {
    const payments = await Promise.all(Array.from({ length: 20 }, () => stage.payment()));
    const notices = payments.map((payment) => stage.notice(payment, 'dispute_opened'));
    const two = ['disputes.load', 'disputes.save'];
    expect(await statementsOf(() => stage.take(notices.slice(0, 1)))).toEqual(two);
    let sent: Awaited<ReturnType<typeof stage.take>> = [];
    expect(await statementsOf(async () => void (sent = await stage.take(notices)))).toEqual(two);
    const verdicts = transfersOf(sent).map((transfer) => stage.verdict(transfer));
    expect((await statementsOf(() => stage.hear(verdicts))).filter((name) => name.startsWith('disputes.'))).toEqual(
      two,
    );
  });
});
