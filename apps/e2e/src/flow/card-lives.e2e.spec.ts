import { until } from '@payflow/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { jsonOf } from '../house/api-client.js';
import { CardHouse, PAYMENTS_PATH } from '../house/card-house.js';
import { untilAnswered, type Answered } from '../house/wish.js';
import { CardPayments, SETTLED_WITHIN_MS, expectOneMind, givenBack, taken, type Body } from './card-payments.js';

const AT_ONCE = 50;

describe('the lives of card payments', () => {
  let desk: CardHouse;
  let cards: CardPayments;

  beforeAll(async () => {
    desk = await CardHouse.open('lives');
    cards = new CardPayments(desk);
  });
  afterAll(() => desk?.close());

  const told = ({ status, body }: Answered): string => `${status} ${String(body['code'] ?? body['status'])}`;
  /** How often each was told. */
  const counted = (answers: readonly Answered[]): Record<string, number> =>
    Object.fromEntries([...Map.groupBy(answers, told)].map(([what, all]) => [what, all.length]));

  it('several captures, the last of them final; then several refunds, and none too many', async () => {
    const id = await cards.authorized('50000', 'manual_multiple');
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
    const legs = [...['10000', '15000', '5000'].map(taken), ...['7000', '8000'].map(givenBack)];
    await cards.expectMoved(id, 'succeeded', { captured: '30000', refunded: '15000', legs });
    expect((await desk.ask(id, 'refunds')).status).toBe(201);
    await cards.expectMoved(id, 'succeeded', {
      captured: '30000',
      refunded: '30000',
      legs: [...legs, givenBack('15000')],
    });
  });

  it('a capture of a part, and the rest called off', async () => {
    const id = await cards.authorized('50000', 'manual_multiple');
    expect(told(await desk.ask(id, 'capture', { amount: '20000', final: false }))).toBe('200 partially_captured');
    expect(told(await desk.ask(id, 'cancel'))).toBe('200 succeeded');
    await cards.expectMoved(id, 'succeeded', { captured: '20000' });
    expect(await cards.asked(id)).toEqual(['authorize approved', 'capture approved', 'void approved']);
  });

  it('fifty refunds at once: as many as there is money for, and not one more', async () => {
    const id = await cards.captured('50000');
    const wishes = Array.from({ length: AT_ONCE }, () => desk.ask(id, 'refunds', { amount: '2000' }));
    expect(counted(await Promise.all(wishes))).toEqual({ '201 succeeded': 25, '422 refund_exceeds_captured': 25 });
    await cards.expectMoved(id, 'succeeded', {
      captured: '50000',
      refunded: '50000',
      legs: [taken('50000'), ...Array<string>(25).fill(givenBack('2000'))],
    });
    expect(await cards.asked(id)).toEqual(['sale approved', ...Array<string>(25).fill('refund approved')]);
  });

  it('fifty at once who capture or call off: one of them has it, and the others are refused', async () => {
    const id = await cards.authorized('50000');
    const wishes = Array.from({ length: AT_ONCE }, (_, at) => desk.ask(id, at % 2 ? 'cancel' : 'capture'));
    const answers = counted(await Promise.all(wishes));
    const isCaptured = answers['200 succeeded'] === 1;
    expect(answers).toEqual({
      [isCaptured ? '200 succeeded' : '200 canceled']: 1,
      '409 payment_not_capturable': isCaptured ? 24 : 25,
      '409 payment_not_cancelable': isCaptured ? 25 : 24,
    });
    await cards.expectMoved(id, isCaptured ? 'succeeded' : 'canceled', { captured: isCaptured ? '50000' : '0' });
    expect(await cards.asked(id)).toEqual(['authorize approved', isCaptured ? 'capture approved' : 'void approved']);
  });

  it('a capture over what is authorized, within the tolerance of the acquirer and beyond it', async () => {
    const within = await cards.authorized('50000');
    expect((await desk.ask(within, 'capture', { amount: '57500' })).status).toBe(200);
    // What goes past the authorized sum is held by itself.
    await cards.expectMoved(within, 'succeeded', { captured: '57500', legs: [taken('50000'), taken('7500')] });
    const beyond = await cards.authorized('50000');
    expect(await desk.ask(beyond, 'capture', { amount: '57501' })).toMatchObject({
      status: 422,
      body: { code: 'capture_exceeds_authorized' },
    });
    expect((await desk.ask(beyond, 'cancel')).status).toBe(200);
    await cards.expectMoved(beyond, 'canceled', { captured: '0' });
  });

  it.each([
    ['automatic', 'approve' as const, 'succeeded'],
    ['automatic', 'deny' as const, 'failed'],
    ['manual', 'approve' as const, 'authorized'],
    ['manual', 'deny' as const, 'failed'],
  ])('of %s capture, and its customer has to act: they %s, and it is %s', async (capture, outcome, state) => {
    const { status, body } = await desk.pay({ amount: '20000', token: 'tok_action', capture });
    expect([status, body['status']]).toEqual([201, 'requires_action']);
    const id = body['id'] as string;
    const { url } = body['next_action'] as { url: string };
    expect(await (await fetch(url)).text()).toContain('approve');
    await desk.sandbox.completeAction(url.slice(url.lastIndexOf('/') + 1), outcome);
    await cards.becomes(id, state);
    await cards.expectMoved(id, state, { captured: state === 'succeeded' ? '20000' : '0' });
    const first = capture === 'manual' ? 'authorize' : 'sale';
    expect(await cards.asked(id)).toEqual([`${first} ${outcome === 'approve' ? 'approved' : 'declined'}`]);
    const capturing = await desk.ask(id, 'capture', { amount: '15000' });
    if (state !== 'authorized') return expect(told(capturing)).toBe('409 payment_not_capturable');
    expect(told(capturing)).toBe('200 succeeded');
    await cards.expectMoved(id, 'succeeded', { captured: '15000' });
  });

  it('called off while its customer has to act: nothing waits for them any more', async () => {
    const { body } = await desk.pay({ amount: '20000', token: 'tok_action' });
    const id = body['id'] as string;
    const { body: called } = await desk.ask(id, 'cancel');
    expect(called['status']).toBe('canceled');
    const hasEnded = async () => !(await cards.asked(id)).join().includes('requires_action');
    await until('all has ended', hasEnded, SETTLED_WITHIN_MS);
    expect(await cards.asked(id)).toEqual(['sale declined', 'void approved']);
    await cards.expectMoved(id, 'canceled', { captured: '0' });
  });

  it.each(['won' as const, 'lost' as const])(
    'a dispute, answered with evidence and %s: the money leaves, and comes back if it was won',
    async (outcome) => {
      const id = await cards.captured('50000');
      const { dispute, outside } = await cards.disputed(id, '40000');
      expect(Date.parse(dispute['evidence_due_by'] as string)).toBeGreaterThan(Date.now());
      expect(await cards.cleared(id)).toBe('10000');
      await cards.expectLegs(id, [taken('50000'), givenBack('40000')]);
      expect(told(await desk.ask(id, 'refunds', { amount: '10001' }))).toBe('409 payment_disputed');
      const evidence = { receipt: 'It was delivered on Tuesday.' };
      expect(told(await cards.answer(dispute, evidence))).toBe('200 under_review');
      await desk.sandbox.decideDispute(outside, outcome);
      const isWon = outcome === 'won';
      await cards.disputeIn(id, isWon ? { status: 'won', leg: 'returned' } : { status: 'lost', leg: 'taken' });
      expect(await cards.cleared(id)).toBe(isWon ? '50000' : '10000');
      await cards.expectLegs(id, [taken('50000'), givenBack('40000'), ...(isWon ? [taken('40000')] : [])]);
      expect(await cards.shown(id)).toMatchObject({ status: 'succeeded', amount_captured: '50000' });
      expect(await cards.outside(id)).toMatchObject({ disputed: '40000', dispute_reversed: isWon ? '40000' : '0' });
    },
  );

  it('what was asked of the acquirer, why of it, and what it said, is told with the payment', async () => {
    const id = await cards.captured('19024');
    const attempts = await cards.attempts(id);
    expect(attempts).toMatchObject([
      {
        ...{ payment: id, operation: { id, kind: 'authorization' }, action: 'sale', number: 1 },
        ...{ status: 'approved', connector: 'cards', amount: '19024', needs_attention: false },
        routing: { candidates: [{ connector: 'cards', reason: 'only_one' }] },
      },
    ]);
    const words = attempts[0]?.['evidence'] as Body[];
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
    const { body: made } = await untilAnswered(merchant.api, PAYMENTS_PATH, body);
    const { id, status, next_action } = made as { id: string; status: string; next_action: object };
    expect([status, next_action]).toEqual(['requires_action', { type: 'confirm' }]);
    expect(await desk.ask(id, 'authorize')).toMatchObject({ status: 200, body: { status: 'authorized' } });
    expect(await desk.ask(id, 'capture')).toMatchObject({ status: 200, body: { status: 'succeeded' } });
    await cards.expectMoved(id, 'succeeded', { captured: '20000' });
  });

  it('a payment that failed is tried again as another one, by a card that is taken and by one that is not', async () => {
    const declined = async (token: string, amount: string) =>
      (await desk.pay({ amount, token })).body['payment'] as Body & { id: string };
    // The sum chooses the scenario: it is declined again, as a payment of its own.
    const { id: hopeless } = await declined('tok_visa', '19001');
    const method = { type: 'card', token: 'tok_mastercard' };
    expect(await desk.ask(hopeless, 'retry', { method })).toMatchObject({
      status: 402,
      body: { payment: { retry_of: hopeless } },
    });
    // The card chooses it: by another the customer can pay.
    const { id: first, failure } = await declined('tok_decline_card_declined', '50000');
    expect(failure).toEqual({ code: 'card_declined' });
    const again = await desk.ask(first, 'retry', { method });
    expect(again).toMatchObject({ status: 201, body: { status: 'succeeded', retry_of: first } });
    await cards.expectMoved(again.body['id'] as string, 'succeeded', { captured: '50000' });
    for (const id of [hopeless, first]) await cards.expectMoved(id, 'failed', { captured: '0' });
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

  it('leaves the acquirer and the books of one mind, to the unit, and every rule kept', () => expectOneMind(desk));
});
