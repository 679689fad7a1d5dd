import { uuidOf } from '@payflow/contracts';
import { until } from '@payflow/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { outsideFindings } from '../books/outside-books.js';
import { jsonOf } from '../house/api-client.js';
import { CardHouse, PAYMENTS_PATH } from '../house/card-house.js';
import { untilAnswered, type Answered } from '../house/wish.js';

const SETTLED_WITHIN_MS = 60_000;

/** What may go wrong at the acquirer and still ends as if nothing had: by the last four digits of the sum. */
const ENDS_WELL: readonly (readonly [what: string, ending: string])[] = [
  ['goes well', '0000'],
  ['is answered after 5 s', '9021'],
  ['is done and never answered', '9022'],
  ['is never answered, and nothing is done', '9023'],
  ['is done and answered with 500', '9024'],
  ['is answered with 500, and nothing is done', '9025'],
  ['is done, and the line is cut', '9026'],
  ['is told twice by webhook', '9027'],
  ['is told by webhook before the answer', '9028'],
  ['is told by webhooks out of order', '9029'],
  ['is done, and the first inquiry is told that nobody heard of it', '9030'],
  ['is done, told by webhook, and the first inquiry is told that it was declined', '9031'],
  ['is done only when nobody waits any more', '9032'],
];

type Body = Readonly<Record<string, unknown>>;

describe('operations on card payments × what an acquirer can do to them (P1)', () => {
  let desk: CardHouse;

  beforeAll(async () => {
    desk = await CardHouse.open('cards');
  });
  afterAll(() => desk?.close());

  /** Amounts that choose a scenario, 1.xxxx.. hundred dollars of it. */
  const sum = (ending: string): string => `1${ending}`;
  const authorized = async (amount: string, capture = 'manual', token = 'tok_visa'): Promise<string> => {
    const { status, body } = await desk.pay({ amount, capture, token });
    expect([status, body['status']]).toEqual([201, 'authorized']);
    return body['id'] as string;
  };
  const captured = async (amount: string, token = 'tok_visa'): Promise<string> => {
    const { status, body } = await desk.pay({ amount, token });
    expect([status, body['status']]).toEqual([201, 'succeeded']);
    return body['id'] as string;
  };
  const shown = async (id: string): Promise<Body> =>
    jsonOf(await desk.merchant.api.call(`${PAYMENTS_PATH}/${id}?expand=transfers,refunds,captures`));

  /** What the payment moved from the clearing account, less what it moved back. */
  const clearedBy = (id: string): Promise<string> =>
    desk.house.databases.value<string>(
      'ledger',
      `select coalesce(sum(case when debit_account_id = $1 then amount_minor else -amount_minor end), 0)::text
       from transfers where payment_id = $2 and $1 in (debit_account_id, credit_account_id)`,
      [uuidOf('account', desk.clearing), uuidOf('payment', id)],
    );

  /** The payment as the API, the ledger and the acquirer have it. */
  async function expectSums(id: string, state: string, sums: { captured: string; refunded?: string }): Promise<void> {
    const { captured: taken, refunded: back = '0' } = sums;
    expect(await shown(id)).toMatchObject({ status: state, amount_captured: taken, amount_refunded: back });
    expect(await clearedBy(id)).toBe((BigInt(taken) - BigInt(back)).toString());
    // The views of transfers come from the ledger, beside those of payments.
    await until('its transfers are shown', async () => {
      const { transfers } = (await shown(id)) as { transfers?: { amount: string }[] };
      const moved = (transfers ?? []).reduce((all, { amount }) => all + BigInt(amount), 0n);
      return moved === BigInt(taken) + BigInt(back);
    });
    const [page] = await desk.sandbox.books(`${desk.merchant.tenant}/test/${id}`);
    expect([page?.captured ?? '0', page?.refunded ?? '0']).toEqual([taken, back]);
  }

  describe.each(ENDS_WELL)('what %s', (_, ending) => {
    it.concurrent('a sale', async () => {
      const id = await captured(sum(ending));
      await expectSums(id, 'succeeded', { captured: sum(ending) });
    });

    it.concurrent('an authorization, of which a part is captured', async () => {
      const id = await authorized(sum(ending));
      const capture = await desk.ask(id, 'capture', { amount: '5000' });
      expect([capture.status, capture.body['status']]).toEqual([200, 'succeeded']);
      await expectSums(id, 'succeeded', { captured: '5000' });
    });

    it.concurrent('a capture', async () => {
      const id = await authorized('50000');
      expect((await desk.ask(id, 'capture', { amount: sum(ending) })).status).toBe(200);
      await expectSums(id, 'succeeded', { captured: sum(ending) });
    });

    it.concurrent('an increment, and a capture of both', async () => {
      const id = await authorized('50000');
      const incremented = await desk.ask(id, 'increment', { amount: sum(ending) });
      expect(incremented.status).toBe(200);
      const all = (50_000n + BigInt(sum(ending))).toString();
      expect(incremented.body).toMatchObject({ status: 'authorized', amount_authorized: all });
      expect((await desk.ask(id, 'capture', { amount: '55000' })).status).toBe(200);
      await expectSums(id, 'succeeded', { captured: '55000' });
    });

    it.concurrent('a refund', async () => {
      const id = await captured('50000');
      const refund = await desk.ask(id, 'refunds', { amount: sum(ending) });
      expect([refund.status, refund.body['status']]).toEqual([201, 'succeeded']);
      await expectSums(id, 'succeeded', { captured: '50000', refunded: sum(ending) });
    });
  });

  it.each([
    'tok_visa',
    'tok_silent-on-void',
    'tok_500_after-on-void',
    'tok_500_before-on-void',
    'tok_cut_after-on-void',
  ])('a cancellation of what was authorized with %s', async (token) => {
    const id = await authorized('50000', 'manual', token);
    const { status, body } = await desk.ask(id, 'cancel', { reason: 'changed their mind' });
    expect([status, body['status']]).toEqual([200, 'canceled']);
    await expectSums(id, 'canceled', { captured: '0' });
  });

  it.each([
    ['card_declined', '9001'],
    ['insufficient_funds', '9002'],
    ['card_expired', '9003'],
    ['fraud_suspected', '9004'],
  ])('what the issuer declines as %s moves nothing', async (code, ending) => {
    const declined = ({ status, body }: Answered): Body => {
      expect(status).toBe(402);
      return body;
    };
    for (const capture of ['automatic', 'manual']) {
      const { payment } = declined(await desk.pay({ amount: sum(ending), capture })) as { payment: Body };
      expect(payment).toMatchObject({ status: 'failed', failure: { code } });
      await expectSums(payment['id'] as string, 'failed', { captured: '0' });
    }
    const id = await authorized('50000', 'manual_multiple');
    declined(await desk.ask(id, 'increment', { amount: sum(ending) }));
    declined(await desk.ask(id, 'capture', { amount: sum(ending), final: false }));
    expect(await shown(id)).toMatchObject({ status: 'authorized', amount_authorized: '50000', amount_captured: '0' });
    expect((await desk.ask(id, 'capture', { amount: '20000', final: true })).status).toBe(200);
    declined(await desk.ask(id, 'refunds', { amount: sum(ending) }));
    await expectSums(id, 'succeeded', { captured: '20000' });
  });

  it('several captures, the last of them final; then several refunds, and none too many', async () => {
    const id = await authorized('50000', 'manual_multiple');
    for (const amount of ['10000', '15000']) {
      const { status, body } = await desk.ask(id, 'capture', { amount, final: false });
      expect([status, body['status']]).toEqual([200, 'partially_captured']);
    }
    const { body } = await desk.ask(id, 'capture', { amount: '5000', final: true });
    expect(body['status']).toBe('succeeded');
    for (const amount of ['7000', '8000']) expect((await desk.ask(id, 'refunds', { amount })).status).toBe(201);
    expect(await desk.ask(id, 'refunds', { amount: '15001' })).toMatchObject({
      status: 422,
      body: { code: 'refund_exceeds_captured' },
    });
    await expectSums(id, 'succeeded', { captured: '30000', refunded: '15000' });
    expect((await desk.ask(id, 'refunds')).status).toBe(201);
    await expectSums(id, 'succeeded', { captured: '30000', refunded: '30000' });
  });

  it('a capture over what is authorized, within the tolerance of the acquirer and beyond it', async () => {
    const within = await authorized('50000');
    expect((await desk.ask(within, 'capture', { amount: '57500' })).status).toBe(200);
    await expectSums(within, 'succeeded', { captured: '57500' });
    const beyond = await authorized('50000');
    expect(await desk.ask(beyond, 'capture', { amount: '57501' })).toMatchObject({
      status: 422,
      body: { code: 'capture_exceeds_authorized' },
    });
    expect((await desk.ask(beyond, 'cancel')).status).toBe(200);
    await expectSums(beyond, 'canceled', { captured: '0' });
  });

  it.each([
    ['approve' as const, 'succeeded', '20000'],
    ['deny' as const, 'failed', '0'],
  ])('a customer who has to act: they %s, and it ends as %s', async (outcome, state, taken) => {
    const { status, body } = await desk.pay({ amount: '20000', token: 'tok_action' });
    expect([status, body['status']]).toEqual([201, 'requires_action']);
    const id = body['id'] as string;
    const { url } = body['next_action'] as { url: string };
    expect(await (await fetch(url)).text()).toContain('approve');
    await desk.sandbox.completeAction(url.slice(url.lastIndexOf('/') + 1), outcome);
    await until('the payment has ended', async () => (await shown(id))['status'] === state, SETTLED_WITHIN_MS);
    await expectSums(id, state, { captured: taken });
  });

  it('a customer who has to act, and whose payment is called off: nothing waits for them any more', async () => {
    const { body } = await desk.pay({ amount: '20000', token: 'tok_action' });
    const id = body['id'] as string;
    const { body: called } = await desk.ask(id, 'cancel');
    expect(called['status']).toBe('canceled');
    const attempts = async () =>
      jsonOf<{ data: Body[] }>(await desk.merchant.api.call(`${PAYMENTS_PATH}/${id}/attempts`)).data.map(
        ({ action, status }) => `${String(action)} ${String(status)}`,
      );
    await until('all has ended', async () => !(await attempts()).join().includes('requires_action'), SETTLED_WITHIN_MS);
    expect(await attempts()).toEqual(['sale declined', 'void approved']);
    await expectSums(id, 'canceled', { captured: '0' });
  });

  it.each([
    ['won' as const, '0'],
    ['lost' as const, '40000'],
  ])(
    'a dispute, answered with evidence and %s: the money leaves, and comes back if it was won',
    async (outcome, gone) => {
      const id = await captured('50000');
      const [{ reference }] = (await desk.house.databases.rows<{ reference: string }>(
        'payments',
        'select provider_reference as reference from payments where id = $1',
        [uuidOf('payment', id)],
      )) as [{ reference: string }];
      const { id: opened } = await desk.sandbox.openDispute(reference, { amount: '40000' });
      const disputeIn = (state: object) =>
        until(`a dispute is ${JSON.stringify(state)}`, async () => {
          const reply = await desk.merchant.api.call(`${PAYMENTS_PATH}/${id}/disputes`);
          return jsonOf<{ data: Body[] }>(reply).data.find((dispute) =>
            Object.entries(state).every(([name, value]) => dispute[name] === value),
          );
        });
      const dispute = await disputeIn({ status: 'needs_response', leg: 'taken' });
      expect(Date.parse(dispute['evidence_due_by'] as string)).toBeGreaterThan(Date.now());
      expect(await clearedBy(id)).toBe('10000');
      expect(await desk.ask(id, 'refunds', { amount: '10001' })).toMatchObject({
        status: 409,
        body: { code: 'payment_disputed' },
      });
      const evidence = { receipt: 'It was delivered on Tuesday.' };
      expect(
        await untilAnswered(desk.merchant.api, `/api/v1/disputes/${dispute['id']}/evidence`, evidence),
      ).toMatchObject({ status: 200, body: { status: 'under_review' } });
      await desk.sandbox.decideDispute(opened, outcome);
      await disputeIn(outcome === 'won' ? { status: 'won', leg: 'returned' } : { status: 'lost', leg: 'taken' });
      expect(await clearedBy(id)).toBe((50_000n - BigInt(gone)).toString());
      expect(await shown(id)).toMatchObject({ status: 'succeeded', amount_captured: '50000' });
      const [page] = await desk.sandbox.books(`${desk.merchant.tenant}/test/${id}`);
      expect(page).toMatchObject({ disputed: '40000', dispute_reversed: (40_000n - BigInt(gone)).toString() });
    },
  );

  it('what was asked of the acquirer, why of it, and what it said, is told with the payment', async () => {
    const id = await captured(sum('9024'));
    const { data } = jsonOf<{ data: Body[] }>(await desk.merchant.api.call(`${PAYMENTS_PATH}/${id}/attempts`));
    expect(data).toMatchObject([
      {
        ...{ payment: id, operation: { id, kind: 'authorization' }, action: 'sale', number: 1 },
        ...{ status: 'approved', connector: 'cards', amount: sum('9024'), needs_attention: false },
        routing: { candidates: [{ connector: 'cards', reason: 'only_one' }] },
      },
    ]);
    const words = data[0]?.['evidence'] as Body[];
    // The webhook of it may be there before the answer.
    const answer = words.find(({ source }) => source === 'answer');
    expect(answer).toMatchObject({ outcome: 'unknown', believed: true });
    expect(words.filter(({ believed }) => believed).at(-1)).toMatchObject({ source: 'inquiry', outcome: 'approved' });
    const waiting = await desk.merchant.api.call('/api/v1/attempts?needs_attention=true');
    expect(jsonOf<{ data: Body[] }>(waiting).data.filter(({ payment }) => payment === id)).toEqual([]);
  });

  it('a payment that waits to be confirmed', async () => {
    const { merchant, clearing } = desk;
    const body = {
      source: clearing,
      destination: merchant.accounts[0],
      amount: '20000',
      asset: 'USD',
      method: { type: 'card', token: 'tok_visa' },
      confirm: false,
    };
    const reply = await merchant.api.call(PAYMENTS_PATH, {
      body: JSON.stringify(body),
      idempotencyKey: 'confirm-me',
      wait_s: 5,
    });
    const { id, status, next_action } = jsonOf<{ id: string; status: string; next_action: object }>(reply);
    expect([status, next_action]).toEqual(['requires_action', { type: 'confirm' }]);
    expect(await desk.ask(id, 'authorize')).toMatchObject({ status: 200, body: { status: 'authorized' } });
    expect(await desk.ask(id, 'capture')).toMatchObject({ status: 200, body: { status: 'succeeded' } });
    await expectSums(id, 'succeeded', { captured: '20000' });
  });

  it('a payment that failed is tried again as another one', async () => {
    const first = await desk.pay({ amount: sum('9001') });
    const { id } = first.body['payment'] as { id: string };
    const again = await desk.ask(id, 'retry', { method: { type: 'card', token: 'tok_mastercard' } });
    // The sum chooses the scenario: it is declined again, as a payment of its own.
    expect(again).toMatchObject({ status: 402, body: { payment: { retry_of: id } } });
    expect(await shown(id)).toMatchObject({ status: 'failed' });
  });

  it('a card number is refused wherever it stands, and nothing is kept of it', async () => {
    const number = '4242 4242 4242 4242';
    const body = { source: desk.clearing, destination: desk.merchant.accounts[0], amount: '1', asset: 'USD' };
    for (const extra of [{ reference: number }, { metadata: { note: `card ${number}` } }]) {
      const reply = await desk.merchant.api.call(PAYMENTS_PATH, {
        body: JSON.stringify({ ...body, ...extra }),
        idempotencyKey: `with-a-card-${JSON.stringify(extra).length}`,
      });
      expect(jsonOf(reply)).toMatchObject({ code: 'card_data_not_accepted' });
      expect(JSON.stringify(jsonOf(reply))).not.toContain('4242 4242');
    }
  });

  it('leaves the acquirer and the books of one mind, to the unit, and every rule kept', async () => {
    await until('nothing differs', async () => (await outsideFindings(desk)).length === 0, SETTLED_WITHIN_MS).catch(
      async () => expect(await outsideFindings(desk)).toEqual([]),
    );
    await desk.house.untilCaughtUp();
    await desk.house.verify();
  });
});
