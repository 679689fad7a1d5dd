import { uuidOf } from '@payflow/contracts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CardHouse } from '../house/card-house.js';
import { untilAnswered, type Answered } from '../house/wish.js';
import { CardPayments, expectOneMind, givenBack, taken, type Body } from './card-payments.js';

/** What may go wrong at the acquirer and still ends as if nothing had: by its name, or by the last four digits of a sum. */
const ENDS_WELL: readonly (readonly [what: string, scenario: string, ending: string])[] = [
  ['goes well', '', '0000'],
  ['is answered after 5 s', 'slow', '9021'],
  ['is done and never answered', 'silent', '9022'],
  ['is never answered, and nothing is done', 'silent_before', '9023'],
  ['is done and answered with 500', '500_after', '9024'],
  ['is answered with 500, and nothing is done', '500_before', '9025'],
  ['is done, and the line is cut', 'cut_after', '9026'],
  ['is told twice by webhook', 'webhook_twice', '9027'],
  ['is told by webhook before the answer', 'webhook_first', '9028'],
  ['is told by webhooks out of order', 'webhook_disorder', '9029'],
  ['is done, and the first inquiry is told that nobody heard of it', 'inquiry_lies', '9030'],
  ['is done, told by webhook, and the first inquiry is told that it was declined', 'inquiry_denies', '9031'],
  ['is done only when nobody waits any more', 'late_success', '9032'],
];
/** A card whose operation of that kind meets the scenario: a void and evidence have no sum to choose it by. */
const tokenFor = (scenario: string, operation: 'void' | 'evidence'): string =>
  scenario === '' ? 'tok_visa' : `tok_${scenario}-on-${operation}`;
/** No webhook tells of evidence: none can come wrongly, and none knows better than an inquiry that denies. */
const OF_EVIDENCE = ENDS_WELL.filter(([, scenario]) => !/^webhook|inquiry_denies/.test(scenario));

const EIGHT_DAYS_S = 8 * 86_400;

describe('operations on card payments × what an acquirer can do to them (P1)', () => {
  let desk: CardHouse;
  let cards: CardPayments;

  beforeAll(async () => {
    desk = await CardHouse.open('cards');
    cards = new CardPayments(desk);
  });
  afterAll(() => desk?.close());

  /** Amounts that choose a scenario, 1.xxxx.. hundred dollars of it. */
  const sum = (ending: string): string => `1${ending}`;

  describe.concurrent.each(ENDS_WELL)('what %s', (_, scenario, ending) => {
    it.concurrent('a sale', async () => {
      const id = await cards.captured(sum(ending));
      await cards.expectMoved(id, 'succeeded', { captured: sum(ending) });
    });

    it.concurrent('an authorization, of which a part is captured', async () => {
      const id = await cards.authorized(sum(ending));
      const capture = await desk.ask(id, 'capture', { amount: '5000' });
      expect([capture.status, capture.body['status']]).toEqual([200, 'succeeded']);
      await cards.expectMoved(id, 'succeeded', { captured: '5000' });
    });

    it.concurrent('a capture', async () => {
      const id = await cards.authorized('50000');
      expect((await desk.ask(id, 'capture', { amount: sum(ending) })).status).toBe(200);
      await cards.expectMoved(id, 'succeeded', { captured: sum(ending) });
    });

    it.concurrent('an increment, and a capture of both', async () => {
      const id = await cards.authorized('50000');
      const incremented = await desk.ask(id, 'increment', { amount: sum(ending) });
      expect(incremented.status).toBe(200);
      const all = (50_000n + BigInt(sum(ending))).toString();
      expect(incremented.body).toMatchObject({ status: 'authorized', amount_authorized: all });
      expect((await desk.ask(id, 'capture', { amount: '55000' })).status).toBe(200);
      // Of both holds, the older first.
      await cards.expectMoved(id, 'succeeded', { captured: '55000', legs: [taken('50000'), taken('5000')] });
    });

    it.concurrent('a refund', async () => {
      const id = await cards.captured('50000');
      const refund = await desk.ask(id, 'refunds', { amount: sum(ending) });
      expect([refund.status, refund.body['status']]).toEqual([201, 'succeeded']);
      await cards.expectMoved(id, 'succeeded', { captured: '50000', refunded: sum(ending) });
    });

    it.concurrent('a cancellation', async () => {
      const id = await cards.authorized('50000', 'manual', tokenFor(scenario, 'void'));
      const { status, body } = await desk.ask(id, 'cancel', { reason: 'changed their mind' });
      expect([status, body['status']]).toEqual([200, 'canceled']);
      await cards.expectMoved(id, 'canceled', { captured: '0' });
      expect(await cards.asked(id)).toEqual(['authorize approved', 'void approved']);
    });
  });

  it.concurrent.each(OF_EVIDENCE)('what %s: evidence, by which a dispute is won', async (_, scenario) => {
    const id = await cards.captured('50000', tokenFor(scenario, 'evidence'));
    const { dispute, outside } = await cards.disputed(id, '40000');
    const evidence = { receipt: 'It was delivered on Tuesday.' };
    expect(await cards.answer(dispute, evidence)).toMatchObject({ status: 200, body: { status: 'under_review' } });
    expect(await cards.asked(id)).toEqual(['sale approved', 'submit_evidence approved']);
    expect(await desk.sandbox.decideDispute(outside, 'won')).toMatchObject({ evidence });
    await cards.disputeIn(id, { status: 'won', leg: 'returned' });
    await cards.expectMoved(id, 'succeeded', {
      captured: '50000',
      legs: [taken('50000'), givenBack('40000'), taken('40000')],
    });
  });

  it('an expiry, whatever becomes of the void: nothing is set aside any more, here and outside', async () => {
    const other = await desk.forAnother();
    const late = new CardPayments(other);
    const ids = await Promise.all(
      ENDS_WELL.map(([, scenario]) => late.authorized('50000', 'manual', tokenFor(scenario, 'void'))),
    );
    const inPart = await late.authorized('50000', 'manual_multiple');
    expect((await other.ask(inPart, 'capture', { amount: '20000', final: false })).status).toBe(200);
    const travelled = await untilAnswered(other.merchant.api, '/api/v1/test/clock', { advance_seconds: EIGHT_DAYS_S });
    expect(travelled.status).toBe(200);
    for (const id of ids) {
      await late.becomes(id, 'expired');
      await late.expectMoved(id, 'expired', { captured: '0' });
      expect(await late.asked(id)).toEqual(['authorize approved', 'void approved']);
    }
    expect(await other.ask(ids[0] ?? '', 'capture')).toMatchObject({
      status: 409,
      body: { code: 'payment_not_capturable' },
    });
    await late.becomes(inPart, 'succeeded');
    await late.expectMoved(inPart, 'succeeded', { captured: '20000' });
    expect((await other.ask(inPart, 'refunds')).status).toBe(201);
    await late.expectMoved(inPart, 'succeeded', { captured: '20000', refunded: '20000' });
    const held = 'select pending_debits from accounts where id = $1';
    expect(await desk.house.databases.value('ledger', held, [uuidOf('account', other.clearing)])).toBe('0');
  });

  it('what is answered slowly, and still in time, is not asked about', async () => {
    const { slow_ms } = await desk.sandbox.settings({});
    // Shorter than what is waited for its answer where a webhook tells of what is being sent.
    await desk.sandbox.settings({ slow_ms: 500 });
    try {
      const sale = await cards.captured(sum('9021'));
      expect((await desk.ask(sale, 'refunds', { amount: sum('9021') })).status).toBe(201);
      const held = await cards.authorized(sum('9021'));
      expect((await desk.ask(held, 'capture', { amount: sum('9021') })).status).toBe(200);
      for (const attempt of [...(await cards.attempts(sale)), ...(await cards.attempts(held))]) {
        expect(attempt).toMatchObject({ status: 'approved', inquiries: 0, unknown_at: null });
        const words = attempt['evidence'] as Body[];
        expect(words.find(({ source }) => source === 'answer')).toMatchObject({ outcome: 'approved', believed: true });
      }
      await cards.expectMoved(sale, 'succeeded', { captured: sum('9021'), refunded: sum('9021') });
      await cards.expectMoved(held, 'succeeded', { captured: sum('9021') });
    } finally {
      await desk.sandbox.settings({ slow_ms });
    }
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
      await cards.expectMoved(payment['id'] as string, 'failed', { captured: '0' });
    }
    const id = await cards.authorized('50000', 'manual_multiple');
    declined(await desk.ask(id, 'increment', { amount: sum(ending) }));
    declined(await desk.ask(id, 'capture', { amount: sum(ending), final: false }));
    expect(await cards.shown(id)).toMatchObject({
      status: 'authorized',
      amount_authorized: '50000',
      amount_captured: '0',
    });
    expect((await desk.ask(id, 'capture', { amount: '20000', final: true })).status).toBe(200);
    declined(await desk.ask(id, 'refunds', { amount: sum(ending) }));
    await cards.expectMoved(id, 'succeeded', { captured: '20000' });
  });

  it('leaves the acquirer and the books of one mind, to the unit, and every rule kept', () => expectOneMind(desk));
});
