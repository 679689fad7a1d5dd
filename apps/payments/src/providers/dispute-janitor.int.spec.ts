import type { Connector, ProviderDispute } from '@payflow/connectors';
import { newId, uuidOf, type Message } from '@payflow/contracts';
import { statement } from '@payflow/database';
import { Messaging } from '@payflow/messaging';
import { configureLogging } from '@payflow/telemetry';
import { createTestDatabase, testBroker, testMessage, type TestDatabase } from '@payflow/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { takeUnsettled } from '../database/dispute.repository.js';
import { migrations } from '../database/index.js';
import { DisputeStage, transfersOf } from '../testing/dispute-stage.js';
import { Scripted } from '../testing/scripted-provider.js';
import { DISPUTE_JANITOR, DisputeJanitor } from './dispute-janitor.js';

configureLogging({ level: 'silent' });

const DUE = '2050-01-01T00:00:00.000Z';
const NOTICES = statement(
  'spec.notices',
  `select m ->> 'value' as value, m -> 'message' ->> 'actor' as actor from outbox, json_array_elements(messages::json) as m
   where m -> 'message' ->> 'type' = 'payflow.payment.notice.v1' and m -> 'message' ->> 'subject' = $1 order by id`,
);
const SOURCES = statement(
  'spec.sources',
  'select source from provider_evidence where payment_id = $1 order by received_at',
);

const OPEN = statement('spec.open-disputes', `select id from disputes where status = 'needs_response'`);

type Create = Message<'payflow.payment.create.v1'>;
type Asked = (reference: string) => Promise<ProviderDispute>;

let db: TestDatabase;
let stage: DisputeStage;
let messaging: Messaging;
let payment: Create;
let asked: string[];

beforeAll(async () => {
  db = await createTestDatabase('payments', migrations);
  await db.database.rows(statement('spec.partitions', 'select ensure_partitions(1)'));
  messaging = new Messaging({ broker: testBroker('unused'), database: db.database, partitions: 'single' });
  stage = new DisputeStage(db.database);
});
afterAll(() => db.drop());
beforeEach(async () => {
  asked = [];
  await db.tamper('update disputes set asked_at = now()');
  payment = await disputed();
});

/** A payment whose dispute is open, and its money with the provider; or, with a reason, refused by the ledger. */
async function disputed(reason?: string): Promise<Create> {
  const create = await stage.payment();
  const [out] = transfersOf(await stage.take([stage.notice(create, 'dispute_opened')]));
  await stage.hear([stage.verdict(out as NonNullable<typeof out>, reason)]);
  return create;
}

const reference = () => `dsp_${payment.data.id}`;
const merchantReference = () => `${payment.tenant}/test/${payment.data.id}`;
const standing = (status: ProviderDispute['status'], more: Partial<ProviderDispute> = {}): Asked => {
  return async () => ({
    status,
    merchantReference: merchantReference(),
    evidenceDueBy: null,
    amount: null,
    asset: null,
    ...more,
  });
};
/** So many hours after anybody asked about the dispute. */
const age = (hours: number) =>
  db.tamper(
    `update disputes set asked_at = now() - interval '${hours} hours' where payment_id = '${uuidOf('payment', payment.data.id)}'`,
  );

/** One round of a process that is configured for `cards`, which answer so. */
async function look(says: Asked | undefined): Promise<void> {
  const dispute: Asked = (named) => {
    asked.push(named);
    return (says as Asked)(named);
  };
  const cards: Connector = Object.assign(new Scripted('cards'), says ? { dispute } : {});
  await new DisputeJanitor(db.database, messaging.outbox, [cards]).look();
}

/** What it has told of the payment, and what the service makes of that. */
async function heard(): Promise<readonly string[]> {
  const rows = await db.database.rows<{ value: string; actor: string }>(NOTICES, [payment.data.id]);
  const notices = rows.map(({ value, actor }) =>
    testMessage('payflow.payment.notice.v1', JSON.parse(value) as never, { tenant: payment.tenant, actor }),
  );
  const messages = notices.length > 0 ? await stage.take(notices) : [];
  return messages.map(({ type }) => type.replace(/^payflow\.|\.v1$/g, ''));
}

describe('a dispute whose webhooks were lost', () => {
  it('is asked about after six hours, and won: its money comes back', async () => {
    await age(7);
    await look(standing('won'));
    expect(asked).toEqual([reference()]);
    expect(await heard()).toEqual(['dispute.won', 'transfer.post']);
    expect(await stage.disputes(payment)).toMatchObject([{ status: 'won', leg: 'returning' }]);
    expect(await db.database.rows(SOURCES, [uuidOf('payment', payment.data.id)])).toEqual([
      { source: 'webhook' },
      { source: 'inquiry' },
    ]);
    const [row] = await db.database.rows<{ actor: string }>(NOTICES, [payment.data.id]);
    expect(row?.actor).toBe(DISPUTE_JANITOR);
  });

  it('is lost likewise', async () => {
    await age(7);
    await look(standing('lost'));
    expect(await heard()).toEqual(['dispute.lost']);
  });

  it('is won with the sum that its provider names, and not where that is less than what was taken', async () => {
    await age(7);
    await look(standing('won', { amount: '15', asset: 'USD' }));
    expect(await heard()).toEqual([]);
    expect(await stage.disputes(payment)).toMatchObject([{ status: 'needs_response', leg: 'taken' }]);
    await age(7);
    await look(standing('won', { amount: '40', asset: 'USD' }));
    expect(await heard()).toContain('dispute.won');
  });

  it('is told until when it can be answered', async () => {
    await age(7);
    await look(standing('opened', { evidenceDueBy: DUE }));
    expect(await heard()).toEqual(['dispute.updated']);
    await age(7);
    await look(standing('opened', { evidenceDueBy: DUE }));
    expect(await db.database.rows(NOTICES, [payment.data.id])).toHaveLength(1);
  });

  it.each<[string, number, Asked | undefined, number]>([
    ['it was asked about five hours ago', 5, standing('won'), 0],
    ['its connector cannot be asked', 7, undefined, 0],
    ['it is open there too', 7, (named) => standing('opened')(named), 1],
    ['it is of another payment there', 7, standing('won', { merchantReference: 'org_1/test/pay_1' }), 1],
    ['nothing is heard of it', 7, () => Promise.reject(new Error('no answer')), 1],
  ])('stays as it is where %s, and is not asked about again at once', async (_what, hours, says, times) => {
    await age(hours);
    await look(says);
    await look(says);
    expect([asked.length, await heard()]).toEqual([times, []]);
    expect(await stage.disputes(payment)).toMatchObject([{ status: 'needs_response', version: 2 }]);
  });

  it('is one of many: its provider is asked about one after the other, and where it does not answer, about the others in the next round', async () => {
    const [, , last] = [await disputed(), await disputed(), await disputed()];
    const ofAnother = uuidOf('payment', (last as Create).data.id);
    await db.tamper(`update disputes set connector = 'others' where payment_id = '${ofAnother}'`);
    await db.tamper(`update disputes set asked_at = now() - interval '7 hours' where status = 'needs_response'`);
    const open = await db.database.rows(OPEN);
    let [atOnce, most] = [0, 0];
    const round = async (isSilent: boolean) => {
      const names: string[] = [];
      const named = (name: string): Connector => {
        const dispute: Asked = async () => {
          names.push(name);
          most = Math.max(most, ++atOnce);
          await new Promise<void>((resolve) => setImmediate(resolve));
          atOnce--;
          if (isSilent && name === 'cards') throw new Error('no answer');
          return { status: 'opened', merchantReference: '', evidenceDueBy: null, amount: null, asset: null };
        };
        return Object.assign(new Scripted(name), { dispute });
      };
      await new DisputeJanitor(db.database, messaging.outbox, [named('cards'), named('others')]).look();
      return names.sort();
    };
    expect(await round(true)).toEqual(['cards', 'others']);
    expect(await round(false)).toEqual(open.slice(2).map(() => 'cards'));
    expect(await round(false)).toEqual([]);
    expect(most).toBe(1);
  });

  it('is asked about no more when it is decided', async () => {
    await stage.take([stage.notice(payment, 'dispute_lost')]);
    await age(7);
    await look(standing('won'));
    expect(asked).toEqual([]);
  });
});

describe('a dispute whose money the ledger has refused to move', () => {
  const types = (messages: readonly { readonly type: string }[]) =>
    messages.map(({ type }) => type.replace(/^payflow\.|\.v1$/g, ''));
  /** What the sweeper takes of the payment after so long, and what the service sends for it. */
  async function sweep(wait_ms: number) {
    const taken = (await takeUnsettled(db.database, wait_ms, 100)).filter(({ id }) => id === payment.data.id);
    const { tenant } = payment;
    const sweeps = taken.map(({ id, dispute }) => testMessage('payflow.dispute.sweep.v1', { id, dispute }, { tenant }));
    return sweeps.length > 0 ? stage.take(sweeps) : [];
  }
  const refundOfAll = async (sequence: number) => {
    const facts = { id: payment.data.id, sequence, operation: newId('refund'), created_at: new Date().toISOString() };
    const data = { ...facts, amount: payment.data.amount, reason: null, metadata: {} };
    const [answer] = await stage.take([testMessage('payflow.payment.refund.v1', data, { tenant: payment.tenant })]);
    return answer;
  };
  beforeEach(async () => {
    payment = await disputed('insufficient_funds');
    expect(await stage.disputes(payment)).toMatchObject([{ leg: 'refused', disputed: 40 }]);
  });

  it('is asked about like any other, and won: nothing is taken for it any more, and all can be refunded', async () => {
    expect((await refundOfAll(2))?.data).toMatchObject({ failure: { code: 'payment_disputed' } });
    await age(7);
    await look(standing('won'));
    expect(asked).toEqual([reference()]);
    expect(await heard()).toEqual(['dispute.won']);
    expect(await stage.disputes(payment)).toMatchObject([
      { status: 'won', leg: 'waived', legReason: null, disputed: 0, outs: 0, backs: 0 },
    ]);
    expect(await sweep(0)).toEqual([]);
    expect((await refundOfAll(3))?.type).toBe('payflow.transfer.post.v1');
  });

  it('is asked about by a clock of its own: the sweeper and the janitor do not put each other off', async () => {
    await age(7);
    expect(types(await sweep(0))).toEqual(['dispute.updated', 'transfer.post']);
    await look(standing('opened'));
    expect(asked).toEqual([reference()]);
    await db.tamper(`update disputes set swept_at = now() - interval '1 hour' where status = 'needs_response'`);
    await age(7);
    await look(standing('opened'));
    expect(types(await sweep(10_000))).toEqual(['transfer.post']);
    expect(asked).toEqual([reference(), reference()]);
  });

  it.each<[string, string | undefined, readonly string[], string]>([
    ['books that', undefined, ['dispute.updated', 'transfer.post'], 'returned'],
    ['refuses that too', 'account_frozen', ['dispute.updated'], 'waived'],
  ])(
    'is won while the ledger is asked again: it %s, and the money is where it was',
    async (_what, reason, told, leg) => {
      const [again] = transfersOf(await sweep(0));
      await age(7);
      await look(standing('won'));
      expect(await heard()).toEqual(['dispute.won']);
      expect(await stage.disputes(payment)).toMatchObject([{ status: 'won', leg: 'taking', disputed: 0 }]);
      const then = await stage.hear([stage.verdict(again as NonNullable<typeof again>, reason)]);
      expect(types(then)).toEqual(told);
      const back = transfersOf(then);
      await stage.hear(back.map((one) => stage.verdict(one)));
      expect(await stage.disputes(payment)).toMatchObject([
        { leg, legReason: null, outs: back.length, backs: back.length },
      ]);
      expect(await sweep(0)).toEqual([]);
    },
  );
});
