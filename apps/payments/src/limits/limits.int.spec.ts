import { fromUuid, newId, uuidOf, type AnyMessage } from '@payflow/contracts';
import { publishedKeys, publishedStates, statement } from '@payflow/database';
import { statementsOf } from '@payflow/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { POLICIES_PUBLISHED } from '../database/published-policies.js';
import { LimitedPayments, type Create } from '../testing/limited-payments.js';

const USES = statement(
  'spec.limit-uses',
  `select reserved_minor::text as reserved, used_minor::text as used from limit_uses
   where limit_id = typeid_uuid($1) and window_start > to_timestamp(0) order by window_start, subject`,
);

let house: LimitedPayments;
// A tenant's limits are all asked: each case has a house of its own.
beforeEach(async () => {
  house = await LimitedPayments.open(50);
});
afterEach(() => house.close());

const uses = (limit: string) => house.db.database.rows(USES, [limit]);
const typesOf = (sent: readonly { readonly type: string }[]) => sent.map(({ type }) => type);
const failures = (sent: readonly { readonly type: string; readonly data: object }[]) =>
  sent.flatMap(({ type, data }) =>
    type === 'payflow.payment.failed.v1' ? [(data as { failure: object }).failure] : [],
  );
const pay = async (create: Create = house.create()) => (await house.send(create))[0];

describe('a limit', () => {
  it('is reserved when a payment is taken in, used when it succeeds, and free again when it fails', async () => {
    const limit = house.limit({ amount: '250' });
    expect(await house.send(limit)).toMatchObject([
      { type: 'payflow.limit.defined.v1', subject: limit.data.id, data: { version: 1, amount: '250' } },
    ]);
    const [first, second] = [await pay(), await pay()];
    expect(await uses(limit.data.id)).toEqual([{ reserved: '200', used: '0' }]);
    expect(failures(await house.send(house.create()))).toEqual([{ code: 'limit_exceeded', reason: 'per_day' }]);
    await house.hear(first, true);
    await house.hear(second, false);
    expect(await uses(limit.data.id)).toEqual([{ reserved: '0', used: '100' }]);
    expect(typesOf(await house.send(house.create()))).toEqual(['payflow.transfer.post.v1']);
    expect(await house.broken()).toEqual([]);
  });

  it('is not passed by fifty payments at once', async () => {
    const limit = house.limit({ amount: '1000', scope: 'each_customer' });
    const count = house.limit({ kind: 'velocity', amount: null, asset: null, count: 15, minutes: 60 });
    await house.send(limit, count);
    const [anna, ben] = [newId('customer'), newId('customer')];
    const creates = Array.from({ length: 50 }, (_, at) => house.create({ customer: at % 2 === 0 ? anna : ben }));
    const sent = await Promise.all(creates.map((create) => house.send(create)));
    const taken = sent.flat().filter(({ type }) => type === 'payflow.transfer.post.v1');
    expect(taken).toHaveLength(15);
    const rows = (await uses(limit.data.id)) as { reserved: string }[];
    expect(rows.reduce((sum, { reserved }) => sum + BigInt(reserved), 0n)).toBe(1_500n);
    for (const { reserved } of rows) expect(BigInt(reserved) <= 1_000n).toBe(true);
    expect(await house.broken()).toEqual([]);
  });

  it('is taken to its last unit by fifty payments at once, and no further', async () => {
    const limit = house.limit({ amount: '1050' });
    await house.send(limit);
    const sent = await Promise.all(Array.from({ length: 50 }, () => house.send(house.create())));
    expect(sent.flat().filter(({ type }) => type === 'payflow.transfer.post.v1')).toHaveLength(10);
    expect(failures(sent.flat())).toHaveLength(40);
    expect(await uses(limit.data.id)).toEqual([{ reserved: '1000', used: '0' }]);
  });

  it('is held against one batch as against many, and against a copy not at all', async () => {
    const limit = house.limit({ amount: '1050' });
    await house.send(limit);
    const batch = Array.from({ length: 50 }, () => house.create());
    const sent = await house.send(...batch, ...batch);
    expect(typesOf(sent).filter((type) => type === 'payflow.transfer.post.v1')).toHaveLength(10);
    expect(await house.send(...batch)).toEqual([]);
    expect(await uses(limit.data.id)).toEqual([{ reserved: '1000', used: '0' }]);
    expect(await house.broken()).toEqual([]);
  });

  it('begins anew with the UTC day and month', async () => {
    const [day, month] = [house.limit({ amount: '100' }), house.limit({ kind: 'per_month', amount: '200' })];
    await house.send(day, month);
    const at = (created_at: string) => house.create({ created_at });
    const sent = await house.send(
      at('2026-11-29T23:59:59.999Z'),
      at('2026-11-29T00:00:00.000Z'),
      at('2026-11-30T00:00:00.000Z'),
      at('2026-11-30T23:59:59.999Z'),
      at('2026-12-01T00:00:00.000Z'),
      at('2026-11-28T12:00:00.000Z'),
    );
    expect(
      failures(sent)
        .map((failure) => (failure as { reason: string }).reason)
        .sort(),
    ).toEqual(['per_day', 'per_day', 'per_month']);
    expect(await uses(month.data.id)).toEqual([
      { reserved: '200', used: '0' },
      { reserved: '100', used: '0' },
    ]);
  });

  it('frees its place among the counted when a payment fails', async () => {
    await house.send(house.limit({ kind: 'velocity', amount: null, asset: null, count: 1, minutes: 10 }));
    const first = await pay();
    expect(failures(await house.send(house.create()))).toEqual([{ code: 'limit_exceeded', reason: 'velocity' }]);
    await house.hear(first, false);
    const second = await pay();
    expect(second?.type).toBe('payflow.transfer.post.v1');
    await house.hear(second, true);
    expect(failures(await house.send(house.create()))).toHaveLength(1);
  });

  it('may be lowered below what is used, and then nothing passes until a window ends', async () => {
    const limit = house.limit({ amount: '500' });
    await house.send(limit);
    const first = await pay();
    await house.send(house.limit({ id: limit.data.id, amount: '50', if_version: 1 }));
    expect(failures(await house.send(house.create({ amount: '1' })))).toHaveLength(1);
    await house.hear(first, true);
    expect(await uses(limit.data.id)).toEqual([{ reserved: '0', used: '100' }]);
    expect(await house.broken()).toEqual([]);
  });

  it('does not concern other organisations, nor the other mode', async () => {
    await house.send(house.limit({ kind: 'per_payment', amount: '1' }));
    const elsewhere = { ...house.create(), tenant: newId('tenant') };
    const live = { ...house.create(), livemode: true };
    expect(typesOf(await house.send(elsewhere, live))).toEqual([
      'payflow.transfer.post.v1',
      'payflow.transfer.post.v1',
    ]);
  });
});

describe('a definition', () => {
  it('has the next version, and is refused where another was expected', async () => {
    const limit = house.limit();
    await house.send(limit);
    const second = house.limit({ id: limit.data.id, amount: '7', if_version: 1 });
    expect(await house.send(second)).toMatchObject([{ data: { version: 2, amount: '7' } }]);
    expect(await house.send(house.limit({ id: limit.data.id, if_version: 1 }))).toMatchObject([
      { type: 'payflow.limit.rejected.v1', data: { reason: 'version_differs' } },
    ]);
    expect(await house.send(house.limit({ id: limit.data.id, amount: '7' }))).toMatchObject([
      { type: 'payflow.limit.defined.v1', data: { version: 2 } },
    ]);
  });

  it('that comes again changes nothing, even after a later one', async () => {
    const first = house.limit();
    await house.send(first);
    await house.send(house.limit({ id: first.data.id, amount: '1' }));
    const { messages, repeated } = await house.apply((tx) => house.commands.handle([first], tx));
    expect({ messages, repeated }).toEqual({ messages: [], repeated: [first.id] });
    expect(failures(await house.send(house.create()))).toHaveLength(1);
  });

  it('holds for the payments of its own batch, and of another process from its COMMIT on', async () => {
    const other = new (house.commands.constructor as new () => LimitedPayments['commands'])();
    const batch = [house.create()];
    await house.apply((tx) => other.handle(batch, tx));
    expect(failures(await house.send(house.limit({ kind: 'per_payment', amount: '99' }), house.create()))).toHaveLength(
      1,
    );
    const { messages } = await house.apply((tx) => other.handle([house.create()], tx));
    expect(failures(messages)).toEqual([{ code: 'limit_exceeded', reason: 'per_payment' }]);
    await house.send(house.rule({ conditions: { asset: ['USD'] } }));
    expect(failures((await house.apply((tx) => other.handle([house.create()], tx))).messages)).toEqual([
      { code: 'risk_denied', reason: 'not_wanted' },
    ]);
  });

  it('of two at once in different partitions makes both hold', async () => {
    const all = Array.from({ length: 20 }, () => house.limit());
    await Promise.all(all.map((one) => house.send(one)));
    const [first = house.limit()] = all;
    expect(await house.send(house.limit({ id: first.data.id, amount: '5' }))).toMatchObject([{ data: { version: 2 } }]);
  });

  it('is refused where there are as many as there can be', async () => {
    await house.send(...Array.from({ length: 100 }, () => house.limit({ enabled: false })));
    expect(await house.send(house.limit())).toMatchObject([{ data: { reason: 'too_many_limits' } }]);
    await house.send(...Array.from({ length: 100 }, () => house.rule({ enabled: false })));
    expect(await house.send(house.rule())).toMatchObject([{ data: { reason: 'too_many_risk_rules' } }]);
  });

  it('of another asset than before counts anew, also where it was deleted between', async () => {
    const limit = house.limit({ amount: '250' });
    const next = (asset: string) => house.limit({ id: limit.data.id, asset, amount: '250' });
    const failed = async (asset: string) => failures(await house.send(house.create({ asset, amount: '200' }))).length;
    await house.send(limit);
    expect([await failed('USD'), await failed('USD')]).toEqual([0, 1]);
    await house.send(next('EUR'));
    expect([await failed('EUR'), await failed('EUR')]).toEqual([0, 1]);
    await house.send(house.deletion(next('EUR')), next('JPY'));
    expect([await failed('JPY'), await failed('JPY')]).toEqual([0, 1]);
    await house.send(house.deletion(next('JPY')));
    await house.send(next('JPY'));
    expect(await failed('JPY')).toBe(1);
    expect(await house.broken()).toEqual([]);
  });

  it('that is deleted holds nobody up, and what was reserved under it is freed as its payments end', async () => {
    const limit = house.limit({ amount: '150' });
    await house.send(limit);
    const [kept] = await house.send(house.create());
    const [lost] = await house.send(house.limit({ id: limit.data.id, amount: '250', if_version: 1 }), house.create());
    expect([kept?.type, lost?.type]).toEqual(['payflow.transfer.post.v1', 'payflow.limit.defined.v1']);
    expect(await house.send(house.deletion(limit, 1))).toMatchObject([{ data: { reason: 'version_differs' } }]);
    const deletion = house.deletion(limit, 2);
    expect(await house.send(deletion, house.create({ amount: '1000' }))).toMatchObject([
      { type: 'payflow.limit.deleted.v1', data: { id: limit.data.id, version: 3, amount: '250' } },
      { type: 'payflow.transfer.post.v1' },
    ]);
    const again = await house.apply((tx) => house.commands.handle([deletion], tx));
    expect(again).toEqual({ messages: [], repeated: [deletion.id] });
    expect(await house.send(house.deletion(limit))).toMatchObject([{ data: { reason: 'limit_not_found' } }]);
    expect(await statementsOf(() => house.send(house.create()))).not.toContain('policies.load');
    await house.hear(kept, false);
    expect(await house.broken()).toEqual([]);
    // Under the same id it goes on by versions, and what is reserved still counts.
    expect(await house.send(house.limit({ id: limit.data.id, amount: '150', if_version: 0 }))).toMatchObject([
      { type: 'payflow.limit.defined.v1', data: { version: 4 } },
    ]);
    expect(failures(await house.send(house.create()))).toEqual([{ code: 'limit_exceeded', reason: 'per_day' }]);
    const twice = [house.deletion(limit), house.limit({ id: limit.data.id, amount: '1' }), house.deletion(limit)];
    expect(await house.send(...twice)).toMatchObject([
      ...[{ data: { version: 5 } }, { data: { version: 6 } }, { data: { version: 7 } }],
    ]);
    expect(await house.broken()).toEqual([]);
  });

  it('that was given up, or came damaged, is refused once', async () => {
    const [given, damaged] = [house.limit(), house.rule()];
    const { messages } = await house.apply((tx) => house.commands.discard([given], tx));
    expect(messages).toMatchObject([{ type: 'payflow.limit.rejected.v1', data: { reason: 'discarded' } }]);
    const refused = await house.apply((tx) => house.commands.refuse([damaged], tx));
    expect(refused.messages).toMatchObject([
      { type: 'payflow.risk_rule.rejected.v1', data: { reason: 'command_malformed' } },
    ]);
    expect((await house.apply((tx) => house.commands.handle([given, damaged] as never, tx))).repeated).toHaveLength(2);
  });
});

describe('a rule', () => {
  it('refuses with its reason, and nothing is asked of the ledger', async () => {
    await house.send(house.rule({ conditions: { hour: Array.from({ length: 24 }, (_, hour) => hour) } }));
    const create = house.create();
    const sent = await house.send(create);
    expect(sent).toMatchObject([
      {
        type: 'payflow.payment.failed.v1',
        subject: create.data.id,
        data: { status: 'failed', failure: { code: 'risk_denied', reason: 'not_wanted' }, version: 1 },
      },
    ]);
    expect(await house.broken()).toEqual([]);
  });

  it('counts what was asked for, refused or not, and fifty at once one after another', async () => {
    const source = newId('account');
    await house.send(house.rule({ conditions: { velocity: { per: 'source', more_than: 10, minutes: 5 } } }));
    const sent = await Promise.all(Array.from({ length: 50 }, () => house.send(house.create({ source }))));
    expect(sent.flat().filter(({ type }) => type === 'payflow.transfer.post.v1')).toHaveLength(10);
    expect(failures(await house.send(house.create({ source })))).toHaveLength(1);
    expect(failures(await house.send(house.create()))).toHaveLength(0);
    expect(await house.broken()).toEqual([]);
  });

  it('counts beside a limit that has the same UUID, and looks at the same customer', async () => {
    const customer = newId('customer');
    const limit = house.limit({
      kind: 'velocity',
      amount: null,
      asset: null,
      count: 3,
      minutes: 60,
      scope: 'each_customer',
    });
    const rule = house.rule({
      id: fromUuid('riskRule', uuidOf('limit', limit.data.id)),
      conditions: { velocity: { per: 'customer', more_than: 2, minutes: 60 } },
    });
    await house.send(limit, rule);
    for (const code of [[], [], [{ code: 'risk_denied' }]])
      expect(failures(await house.send(house.create({ customer })))).toMatchObject(code);
    expect(await house.broken()).toEqual([]);
  });

  it.each([
    ['deleted and defined again', true, 'source'],
    ['defined to count by something else', false, 'destination'],
  ] as const)('counts anew where it was %s', async (_what, isDeleted, per) => {
    const account = newId('account');
    const velocity = { more_than: 2, minutes: 60 };
    const rule = house.rule({ conditions: { velocity: { ...velocity, per: 'source' } } });
    await house.send(rule);
    const refused = async (...pays: Parameters<typeof house.create>[0][]) =>
      failures(await house.send(...pays.map((pay) => house.create(pay)))).length;
    expect(await refused({ source: account }, { source: account }, { source: account })).toBe(1);
    const next = house.rule({ id: rule.data.id, conditions: { velocity: { ...velocity, per } } });
    await house.send(...(isDeleted ? [house.ruleDeletion(rule)] : []), next);
    // The same once more changes nothing of what is counted.
    expect(await refused({ [per]: account }, { [per]: account })).toBe(0);
    await house.send({ ...next, id: newId('event') });
    expect(await refused({ [per]: account })).toBe(1);
    expect(await house.broken()).toEqual([]);
  });

  it('that is deleted judges nobody, and the reviews that it asked for stay to be decided', async () => {
    const rule = house.rule({ verdict: 'review', conditions: { asset: ['USD'] } });
    await house.send(rule);
    const [waiting, refused] = [house.create(), house.create()];
    expect(typesOf(await house.send(waiting, refused))).toEqual([
      ...['payflow.review.opened.v1', 'payflow.review.opened.v1'],
    ]);
    expect(await house.send(house.ruleDeletion(rule, 2))).toMatchObject([
      { type: 'payflow.risk_rule.rejected.v1', data: { reason: 'version_differs' } },
    ]);
    const deletion = house.ruleDeletion(rule, 1);
    // Payments of its own batch are judged by it no more, whatever stands before it.
    expect(await house.send(deletion, house.create())).toMatchObject([
      { type: 'payflow.risk_rule.deleted.v1', data: { id: rule.data.id, version: 2, verdict: 'review' } },
      { type: 'payflow.transfer.post.v1' },
    ]);
    const again = await house.apply((tx) => house.commands.handle([deletion], tx));
    expect(again).toEqual({ messages: [], repeated: [deletion.id] });
    expect(await house.send(house.ruleDeletion(rule))).toMatchObject([{ data: { reason: 'risk_rule_not_found' } }]);
    expect(await statementsOf(() => house.send(house.create()))).not.toContain('policies.load');
    expect(typesOf(await house.send(house.decide(waiting, 'approve')))).toEqual([
      ...['payflow.review.decided.v1', 'payflow.transfer.post.v1'],
    ]);
    expect(failures(await house.send(house.decide(refused, 'deny')))).toEqual([
      { code: 'review_denied', reason: 'not_wanted' },
    ]);
    expect(await house.broken()).toEqual([]);
  });

  it('that was deleted goes on by versions, in one batch as in many, and in no other process is it remembered', async () => {
    const rule = house.rule();
    await house.send(rule);
    const other = new (house.commands.constructor as new () => LimitedPayments['commands'])();
    const elsewhere = async () => failures((await house.apply((tx) => other.handle([house.create()], tx))).messages);
    expect(await elsewhere()).toEqual([{ code: 'risk_denied', reason: 'not_wanted' }]);
    // With the limit its payments are still held against something: what it remembers of the rule would be asked.
    await house.send(house.limit({ amount: '100000' }), house.ruleDeletion(rule));
    expect(await elsewhere()).toEqual([]);
    const next = () => house.rule({ id: rule.data.id, if_version: 0 });
    expect(await house.send(next())).toMatchObject([{ type: 'payflow.risk_rule.defined.v1', data: { version: 3 } }]);
    expect(failures(await house.send(house.create()))).toHaveLength(1);
    expect(await house.send(house.ruleDeletion(rule), next(), house.ruleDeletion(rule, 5))).toMatchObject([
      ...[{ data: { version: 4 } }, { data: { version: 5 } }, { data: { version: 6 } }],
    ]);
    expect(failures(await house.send(house.create()))).toEqual([]);
    // A limit of the same UUID is another thing.
    const limit = house.limit({ id: fromUuid('limit', uuidOf('riskRule', rule.data.id)) });
    expect(await house.send(limit)).toMatchObject([{ type: 'payflow.limit.defined.v1', data: { version: 1 } }]);
    expect(await house.send(house.rule({ id: rule.data.id, enabled: false }))).toMatchObject([
      { data: { version: 7 } },
    ]);
  });

  it('that was deleted is told to readers that begin anew as deleted', async () => {
    const rule = house.rule();
    await house.send(rule);
    const told = async () => {
      const [keys = []] = await Array.fromAsync(publishedKeys(house.db.database, POLICIES_PUBLISHED.rules, 10));
      return JSON.parse(await publishedStates(house.db.database, POLICIES_PUBLISHED.rules, keys)) as unknown;
    };
    expect(await told()).toMatchObject([{ label: 'deny', version: 1, content: { id: rule.data.id, version: 1 } }]);
    const [deleted] = await house.send(house.ruleDeletion(rule));
    expect(await told()).toMatchObject([{ label: 'deleted', version: 2, content: deleted?.data }]);
  });
});

describe('what it costs', () => {
  const statements = (...batch: readonly AnyMessage[]) =>
    statementsOf(() => house.db.database.transaction((tx) => house.commands.handle(batch as never, tx)));

  it('nothing, where the organisation has neither limits nor rules that are on', async () => {
    expect(await statements(house.create())).toEqual(['payments.insert']);
    await house.send(house.limit({ enabled: false }), house.rule({ enabled: false }));
    expect(await statements(house.create())).toEqual(['payments.insert']);
  });

  it('the same for one payment and for many', async () => {
    await house.send(
      house.limit({ amount: '100000' }),
      house.limit({ kind: 'velocity', amount: null, asset: null, count: 60, minutes: 5 }),
      house.rule({ verdict: 'review', conditions: { asset: ['EUR'] } }),
    );
    const mix = (count: number) =>
      Array.from({ length: count }, (_, at) => house.create({ asset: at % 3 ? 'USD' : 'EUR' }));
    const one = ['payments.insert', 'policies.load', 'limit-uses.lock', 'limit-uses.times', 'limits.save'];
    expect(await statements(...mix(2))).toEqual(one);
    expect(await statements(...mix(50))).toEqual(one);
    expect(await statements(...mix(50))).toEqual([...one, 'lives.save']);
  });
});
