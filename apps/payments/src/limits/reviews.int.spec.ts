import { newId } from '@payflow/contracts';
import { statement } from '@payflow/database';
import { dayOf } from '@payflow/messaging';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { takeOverdue } from '../database/payment.repository.js';
import { LimitedPayments, type Create } from '../testing/limited-payments.js';
import { ReviewWatch } from './review-watch.js';
import { reviewOf, takeReviewsOver } from './review.repository.js';

const STATE = statement(
  'spec.review-state',
  `select p.status, p.admission, p.failure_code as code, r.status as review, u.reserved_minor::text as reserved
   from payments p join reviews r using (tenant_id, livemode, id)
   cross join limit_uses u where p.id = typeid_uuid($1) and u.limit_id = typeid_uuid($2)`,
);

let house: LimitedPayments;
let limit: string;
let rule: string;

beforeAll(async () => {
  house = await LimitedPayments.open();
});
afterAll(() => house.close());

const state = async ({ data: { id } }: Create) => (await house.db.database.rows(STATE, [id, limit]))[0];
const age = ({ data: { id } }: Create, change: string) =>
  house.db.tamper(`update payments set ${change} where id = typeid_uuid('${id}')`);

/** What the sweeper finds to be over. */
const over = async () =>
  (await house.db.database.transaction((tx) => takeReviewsOver(tx, 20_000, 500))).map(({ id }) => id);

/** A payment that waits for a human. Each case has a limit of its own, so that nothing but it is reserved. */
async function waiting(): Promise<Create> {
  if (limit) await house.send(house.limit({ id: limit, enabled: false }));
  const one = house.limit({ amount: '1000' });
  limit = one.data.id;
  await house.send(one);
  const create = house.create({ asset: 'USD' });
  expect(await house.send(create)).toMatchObject([{ type: 'payflow.review.opened.v1' }]);
  return create;
}

describe('a payment under review', () => {
  beforeAll(async () => {
    const asked = house.rule({ verdict: 'review', reason: 'looks_odd', conditions: { asset: ['USD'] } });
    rule = asked.data.id;
    await house.send(asked);
  });

  it('is told of, holds its place in the limits, and nothing is asked of the ledger', async () => {
    if (!limit) await waiting();
    const create = house.create({ customer: newId('customer') });
    const { id, amount, asset, source, destination, method, customer, expires_at } = create.data;
    expect(await house.send(create)).toMatchObject([
      {
        type: 'payflow.review.opened.v1',
        subject: reviewOf(id),
        aggregateVersion: 1,
        data: {
          ...{ id: reviewOf(id), payment: id, status: 'open', rule, reason: 'looks_odd' },
          ...{ amount, asset, source, destination, method, customer, expires_at },
          ...{ decided_at: null, decided_by: null, decision_reason: null, version: 1 },
        },
      },
    ]);
    expect(await state(create)).toMatchObject({ status: 'processing', admission: 'in_review', review: 'open' });
    expect(await house.broken()).toEqual([]);
  });

  it('is not swept while it waits', async () => {
    const create = await waiting();
    await age(create, "updated_at = now() - interval '1 hour'");
    const taken = await house.db.database.transaction((tx) => takeOverdue(tx, 10_000, 500));
    expect(taken.map(({ id }) => id)).not.toContain(create.data.id);
    expect(await house.broken()).toEqual([]);
  });

  it('goes on when it is approved, once, whoever approves it again', async () => {
    const create = await waiting();
    const approval = house.decide(create, 'approve', 'known customer');
    const sent = await house.send(approval);
    expect(sent).toMatchObject([
      {
        type: 'payflow.review.decided.v1',
        aggregateVersion: 2,
        data: { status: 'approved', decided_by: 'key_reviewer', decision_reason: 'known customer', version: 2 },
      },
      { type: 'payflow.transfer.post.v1', data: { payment: create.data.id } },
    ]);
    expect(await state(create)).toMatchObject({ status: 'processing', admission: 'judged', reserved: '100' });
    const again = await house.apply((tx) => house.commands.handle([approval], tx));
    expect(again.messages).toEqual([]);
    expect(await house.send(house.decide(create, 'deny'))).toMatchObject([
      { type: 'payflow.review.rejected.v1', data: { reason: 'review_not_open' } },
    ]);
    await house.hear(sent[1], true);
    expect(await state(create)).toMatchObject({ status: 'succeeded', review: 'approved', reserved: '0' });
    expect(await house.broken()).toEqual([]);
  });

  it('is asked of the ledger by a command of the day on which it was approved: I21 compares by the day in its id', async () => {
    const create = await waiting();
    await age(create, "ledger_command_id = uuid_floor(now() - interval '1 day')");
    const [, transfer] = await house.send(house.decide(create, 'approve'));
    expect(dayOf(transfer?.id as string)).toBe(new Date().toISOString().slice(0, 10));
    const sweep = house.message('payflow.payment.sweep.v1', { id: create.data.id });
    expect(await house.send(sweep)).toMatchObject([{ ...transfer, cause: sweep, resent: true }]);
    await house.hear(transfer, true);
    expect(await state(create)).toMatchObject({ status: 'succeeded', review: 'approved' });
    expect(await house.broken()).toEqual([]);
  });

  it('is decided as it was seen, and otherwise not; of several at once the one that can be meant', async () => {
    const create = await waiting();
    const asSeen = (decision: 'approve' | 'deny', if_version: number) => {
      const { data, ...command } = house.decide(create, decision);
      return { ...command, data: { ...data, if_version } };
    };
    const refusal = (reason: string) => ({ type: 'payflow.review.rejected.v1', data: { reason } });
    expect(await house.send(asSeen('approve', 2))).toMatchObject([refusal('version_differs')]);
    expect(await state(create)).toMatchObject({ review: 'open' });
    const { messages } = await house.apply((tx) =>
      house.commands.handle([asSeen('approve', 7), asSeen('deny', 1), asSeen('approve', 1)], tx),
    );
    const decisions = messages.filter(({ type }) => type.startsWith('payflow.review'));
    expect(decisions).toMatchObject([
      { type: 'payflow.review.decided.v1', data: { status: 'denied', version: 2 } },
      refusal('version_differs'),
      refusal('version_differs'),
    ]);
    expect(await house.send(asSeen('approve', 2))).toMatchObject([refusal('review_not_open')]);
    expect(await house.broken()).toEqual([]);
  });

  it('ends as failed when it is denied, and gives its place back', async () => {
    const create = await waiting();
    expect(await house.send(house.decide(create, 'deny'))).toMatchObject([
      { type: 'payflow.review.decided.v1', data: { status: 'denied' } },
      {
        type: 'payflow.payment.failed.v1',
        data: { id: create.data.id, failure: { code: 'review_denied', reason: 'looks_odd' }, version: 1 },
      },
    ]);
    expect(await state(create)).toMatchObject({ status: 'failed', code: 'review_denied', reserved: '0' });
    expect(await house.broken()).toEqual([]);
  });

  it('ends as failed when its time is over, by the sweeper', async () => {
    const create = await waiting();
    expect(await over()).not.toContain(create.data.id);
    expect(await house.send(house.expiry(create))).toEqual([]);
    await age(create, "expires_at = now() - interval '1 second'");
    await house.db.tamper(
      `update reviews set expires_at = now() - interval '1 second' where id = typeid_uuid('${create.data.id}')`,
    );
    expect(await over()).toContain(create.data.id);
    expect(await over()).toEqual([]);
    expect(await house.send(house.decide(create, 'approve'))).toMatchObject([
      { type: 'payflow.review.rejected.v1', data: { reason: 'review_not_open' } },
    ]);
    expect(await house.send(house.expiry(create), house.expiry(create))).toMatchObject([
      { type: 'payflow.review.decided.v1', data: { status: 'expired', decided_by: 'payments/sweeper' } },
      { type: 'payflow.payment.failed.v1', data: { failure: { code: 'review_expired', reason: 'looks_odd' } } },
    ]);
    expect(await state(create)).toMatchObject({ status: 'failed', review: 'expired', reserved: '0' });
    expect(await house.send(house.expiry(create))).toEqual([]);
    expect(await house.broken()).toEqual([]);
  });

  it('whose time is over is denied by the batch that has an approval too late', async () => {
    const create = await waiting();
    await house.db.tamper(
      `update reviews set expires_at = now() - interval '1 second' where id = typeid_uuid('${create.data.id}')`,
    );
    expect(await house.send(house.decide(create, 'approve'), house.decide(create, 'deny'))).toMatchObject([
      { type: 'payflow.review.decided.v1', data: { status: 'denied' } },
      { type: 'payflow.review.rejected.v1', data: { reason: 'review_not_open' } },
      { type: 'payflow.payment.failed.v1', data: { failure: { code: 'review_denied' } } },
    ]);
    expect(await house.broken()).toEqual([]);
  });

  it('is missed by somebody when it has waited for long, unless it is of a test', async () => {
    const test = await waiting();
    const inLive = <M extends object>(message: M): M => ({ ...message, livemode: true });
    const live = inLive(house.create({ asset: 'USD' }));
    const asked = house.rule({ verdict: 'review', reason: 'looks_odd', conditions: { asset: ['USD'] } });
    await house.send(inLive(asked));
    expect(await house.send(live)).toMatchObject([{ type: 'payflow.review.opened.v1' }]);
    const watch = new ReviewWatch(house.db.database, 3_600_000);
    const waitsLong = ({ data: { id } }: Create) =>
      house.db.tamper(`update reviews set opened_at = now() - interval '2 hours' where id = typeid_uuid('${id}')`);
    await waitsLong(test);
    expect(await watch.look()).toBe(false);
    await waitsLong(live);
    expect(await watch.look()).toBe(true);
    await house.send(inLive(house.decide(live, 'deny')));
    expect(await watch.look()).toBe(false);
    await house.send(house.decide(test, 'deny'));
  });

  it('is decided once by fifty at once', async () => {
    const create = await waiting();
    const decisions = Array.from({ length: 50 }, (_, at) => house.decide(create, at % 2 ? 'approve' : 'deny'));
    const [batch, apart] = [decisions.slice(0, 25), decisions.slice(25)];
    const sent = (await Promise.all([house.send(...batch), ...apart.map((one) => house.send(one))])).flat();
    expect(sent.filter(({ type }) => type === 'payflow.review.decided.v1')).toHaveLength(1);
    expect(sent.filter(({ type }) => type === 'payflow.review.rejected.v1')).toHaveLength(49);
    expect(await house.broken()).toEqual([]);
  });

  it('that nobody knows is told so', async () => {
    expect(await house.send(house.decide(house.create(), 'approve'))).toMatchObject([
      { type: 'payflow.review.rejected.v1', data: { reason: 'review_not_found' } },
    ]);
  });
});
