import { ACCOUNT_KINDS, newId, TENANT_ASSETS_MAX, uuidOf, type PeriodClosed } from '@payflow/contracts';
import { statement, type Transaction } from '@payflow/database';
import { checkInvariant, type Invariant } from '@payflow/invariants';
import { Messaging, type AnyOutgoing } from '@payflow/messaging';
import { AMOUNT_MAX, ASSETS } from '@payflow/money';
import { createTestDatabase, testBroker, until, type TestDatabase } from '@payflow/testing';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { invariants, migrations } from './database/index.js';
import { closingTotals } from './database/period.repository.js';
import type { LedgerCommand } from './domain/decide.js';
import { endOfMonth } from './domain/period.js';
import { LedgerCommandsHandler } from './handlers/ledger-commands.handler.js';
import { closingHash, PeriodCloser } from './period-closer.js';
import { onePeriod, periodList } from './reads/periods.js';
import { CommandsOf, leg, onAnotherChainThan } from './testing/commands.js';

const handler = new LedgerCommandsHandler();
let db: TestDatabase;
let messaging: Messaging;
let closer: PeriodCloser;
beforeAll(async () => {
  db = await createTestDatabase('ledger', migrations);
  await db.database.rows(statement('spec.partitions', 'select ensure_partitions(1)'));
  // Never started: what is published stays in the outbox.
  messaging = new Messaging({ broker: testBroker('unused'), database: db.database, partitions: 'single' });
  closer = new PeriodCloser(db.database, messaging, db.database);
});
afterAll(() => db.drop());

/** The month `back` before this one. */
const monthBack = (back: number): string => {
  const now = new Date();
  return new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - back, 1)).toISOString().slice(0, 7);
};
const [thisMonth, lastMonth, earlier] = [monthBack(0), monthBack(1), monthBack(2)];
const lastInstantOf = (month: string): string => new Date(Date.parse(endOfMonth(month)) - 1).toISOString();

async function handle(...commands: readonly LedgerCommand[]): Promise<readonly AnyOutgoing[]> {
  return db.database.transaction((tx) => handleIn(tx, commands));
}

async function handleIn(tx: Transaction, commands: readonly LedgerCommand[]): Promise<readonly AnyOutgoing[]> {
  const { messages } = await handler.handle(commands, tx);
  await messaging.outbox.stage(tx, messages, () => undefined);
  return messages;
}

const outcomes = (messages: readonly AnyOutgoing[]): (string | null)[] =>
  messages.map(({ type, data }) => ('reason' in data ? data.reason : type.slice('payflow.'.length, -3)));

const statusOf = async (ours: CommandsOf, month: string): Promise<unknown> => {
  const period = (await onePeriod(db.database, ours, month)) as { status: string } | undefined;
  return period?.status;
};

/** The horizon is the server's: transactions of other specs hold it back as long as they are open. */
async function closedFigures(ours: CommandsOf, month: string): Promise<PeriodClosed> {
  await until(`${month} is closed`, async () => {
    await closer.closeAll();
    return (await statusOf(ours, month)) === 'closed';
  });
  return (await onePeriod(db.database, ours, month)) as unknown as PeriodClosed;
}

const violations = (name: string, form: 'running' | 'full') =>
  checkInvariant(db.database, invariants.find((one) => one.name === name) as Invariant, form);

const otherFigures = ({ tenant }: CommandsOf, month: string): string =>
  `periods/${uuidOf('tenant', tenant)}/${month} has other figures than its transfers`;

async function books() {
  const ours = new CommandsOf();
  const world = newId('account');
  const wallet = onAnotherChainThan(world);
  await handle(ours.open(world, { kind: 'asset', overdraft: 'unbounded' }), ours.open(wallet));
  const pay = (amount: string, effective_at: string | null) =>
    ours.group([leg(world, wallet, amount)], { effective_at });
  return { ours, world, wallet, pay };
}

describe('closing a month', () => {
  it('bars it at once, and only it, and tells its figures', async () => {
    const { ours, pay } = await books();
    await handle(pay('5', lastInstantOf(earlier)), pay('7', lastInstantOf(lastMonth)), pay('11', null));
    const messages = await handle(
      ours.closePeriod(lastMonth),
      pay('13', lastInstantOf(lastMonth)),
      pay('17', `${earlier}-01T00:00:00.000Z`),
      pay('19', `${thisMonth}-01T00:00:00.000Z`),
      pay('23', null),
    );
    expect(outcomes(messages)).toEqual([
      'period.closing',
      'period_closed',
      'period_closed',
      'group.posted',
      'group.posted',
    ]);
    const { totals, hash, ends_at } = await closedFigures(ours, lastMonth);
    expect(ends_at).toBe(`${thisMonth}-01T00:00:00.000Z`);
    expect(totals).toEqual([
      { asset: 'USD', kind: 'asset', posted_debits: '12', posted_credits: '0' },
      { asset: 'USD', kind: 'liability', posted_debits: '0', posted_credits: '12' },
    ]);
    const { tenant, livemode } = ours;
    expect(hash).toBe(closingHash({ owner: { tenant, livemode }, month: lastMonth, hashBefore: null }, totals));
    expect(outcomes(await handle(pay('29', lastInstantOf(lastMonth)), pay('31', null)))).toEqual([
      'period_closed',
      'group.posted',
    ]);
  });

  it('adds up the same however few accounts a statement reads', async () => {
    const { ours, world, pay } = await books();
    const others = Array.from({ length: 7 }, () => newId('account'));
    await handle(...others.map((id, at) => ours.open(id, at % 2 === 0 ? {} : { kind: 'income' })));
    const legs = others.map((id, at) => leg(world, id, String(at + 1)));
    await handle(pay('5', null), ours.group(legs, { effective_at: lastInstantOf(lastMonth) }));
    const of = { owner: ours, endsAt: new Date(endOfMonth(lastMonth)) };
    const totals = await Promise.all(
      [1, 2, 9, 10].map((max) => db.database.transaction((tx) => closingTotals(tx, of, max))),
    );
    expect(totals[0]?.map(({ kind, posted_credits }) => `${kind} ${posted_credits}`)).toEqual([
      'asset 0',
      'income 12',
      'liability 16',
    ]);
    for (const one of totals) expect(one).toEqual(totals[0]);
  });

  it('tells the figures of as many units as a tenant may have, in accounts of every kind', async () => {
    const ours = new CommandsOf();
    const most = (AMOUNT_MAX / 4n).toString();
    const units = Array.from({ length: TENANT_ASSETS_MAX }, (_, at) => {
      const asset = `LOYALTY${String(at).padStart(5, '0')}`;
      const accounts = ACCOUNT_KINDS.map((kind) =>
        ours.open(newId('account'), { asset, kind, overdraft: 'unbounded' }),
      );
      const [first, ...others] = accounts.map(({ data }) => data.id) as [string, ...string[]];
      return { asset, accounts, legs: others.map((other) => leg(first, other, most, { asset })) };
    });
    await handle(...units.map(({ asset }) => ours.define(asset)));
    for (let at = 0; at < units.length; at += 200) {
      const some = units.slice(at, at + 200);
      await handle(...some.flatMap(({ accounts }) => accounts));
      await handle(
        ours.group(
          some.flatMap(({ legs }) => legs),
          { effective_at: lastInstantOf(lastMonth) },
        ),
      );
    }
    // As the server does by itself, a minute later.
    await db.tamper('analyze accounts, transfers');
    await handle(ours.closePeriod(lastMonth));
    const { totals } = await closedFigures(ours, lastMonth);
    expect(totals.length).toBe(TENANT_ASSETS_MAX * ACCOUNT_KINDS.length);
    // With those of every asset that all share, as long as these are, the message would still be read.
    const each = JSON.stringify(totals).length / totals.length;
    expect((TENANT_ASSETS_MAX + ASSETS.size) * ACCOUNT_KINDS.length * each).toBeLessThan(786_000);
  });

  it('gives the answer of the first to every later one, and the figures once they are there', async () => {
    const { ours } = await books();
    const close = ours.closePeriod(lastMonth);
    const [first] = await handle(close);
    const [copy, second] = await handle(close, ours.closePeriod(lastMonth));
    expect([copy?.id, copy?.data]).toEqual([first?.id, first?.data]);
    expect([second?.type, second?.data]).toEqual([first?.type, first?.data]);
    await closedFigures(ours, lastMonth);
    const [late, again] = await handle(ours.closePeriod(lastMonth), close);
    expect(late).toMatchObject({
      type: 'payflow.period.closed.v1',
      aggregateVersion: 2,
      data: { id: lastMonth, totals: [] },
    });
    expect(again?.data).toEqual(first?.data);
  });

  it('goes in order, each month once it is over, and several in one batch', async () => {
    const { ours } = await books();
    const months = [monthBack(4), monthBack(3), earlier, lastMonth, thisMonth];
    const closings = [months[1], months[0], months[3], months[2], months[3], months[4]].map((month) =>
      ours.closePeriod(month as string),
    );
    expect(outcomes(await handle(...closings))).toEqual([
      'period.closing',
      'period_closed',
      'period_out_of_order',
      'period.closing',
      'period.closing',
      'period_not_over',
    ]);
    const last = await closedFigures(ours, lastMonth);
    const before = await closedFigures(ours, earlier);
    expect(last.hash).toBe(closingHash({ owner: ours, month: lastMonth, hashBefore: before.hash }, last.totals));
    const page = await periodList(db.database, ours, { limit: 2, after: undefined });
    expect(page).toMatchObject({ data: [{ id: lastMonth }, { id: earlier }], next: earlier });
    const rest = await periodList(db.database, ours, { limit: 2, after: earlier });
    expect(rest).toMatchObject({ data: [{ id: months[1] }], next: null });
  });

  it('leaves what is held in it alone: posted later, it takes effect then', async () => {
    const { ours, world, wallet } = await books();
    const hold = ours.hold(world, wallet, '40');
    await handle(hold);
    await db.tamper(`update holds set placed_at = '${lastInstantOf(lastMonth)}' where amount_minor = 40`);
    await handle(ours.closePeriod(lastMonth));
    expect((await closedFigures(ours, lastMonth)).totals).toEqual([]);
    const posting = ours.postHold({ id: hold.data.id, debit: world, credit: wallet }, '15', false);
    const at = { id: posting.data.id, debit: world, credit: wallet };
    const told = await handle(posting, ours.correct(at, '13'), ours.reverse(at, '1'));
    expect(outcomes(told)).toEqual(['hold.posted', 'group.posted', 'reversal_exceeds_original']);
    const ended = await handle(ours.voidHold({ id: hold.data.id, debit: world, credit: wallet }));
    expect(outcomes(ended)).toEqual(['hold.voided']);
    for (const form of ['running', 'full'] as const) expect((await violations('I35', form)).sample).toEqual([]);
  });

  it('concerns one tenant and mode', async () => {
    const { ours, pay } = await books();
    await handle(new CommandsOf().closePeriod(lastMonth), new CommandsOf(ours.tenant, true).closePeriod(lastMonth));
    expect(outcomes(await handle(pay('5', lastInstantOf(lastMonth))))).toEqual(['group.posted']);
    expect(await statusOf(ours, lastMonth)).toBeUndefined();
  });

  it('waits for what may have missed the mark, and counts it', async () => {
    const { ours, pay } = await books();
    await db.database.transaction(async (tx) => {
      const post = pay('5', lastInstantOf(lastMonth));
      expect(outcomes(await handleIn(tx, [post]))).toEqual(['group.posted']);
      // Of another chain than the posting, the mark waits for nobody.
      await handle({ ...ours.closePeriod(lastMonth), key: onAnotherChainThan(post.key) });
      await closer.closeAll();
      await closer.closeAll();
      expect(await statusOf(ours, lastMonth)).toBe('closing');
    });
    const { totals } = await closedFigures(ours, lastMonth);
    expect(totals.map(({ posted_debits }) => posted_debits)).toEqual(['5', '0']);
  });

  it('counts or refuses each of 50 posts that come at the same time', async () => {
    const { ours, world } = await books();
    const wallets = Array.from({ length: 50 }, () => newId('account'));
    await handle(...wallets.map((id) => ours.open(id, { overdraft: 'unbounded' })));
    const posts = wallets.map((wallet) =>
      ours.group([leg(wallet, world, '1')], { effective_at: lastInstantOf(lastMonth) }),
    );
    const racing = posts.map((post, at) => (at === 20 ? handle(post, ours.closePeriod(lastMonth)) : handle(post)));
    const closing = until('the month closes while they race', async () => {
      await closer.closeAll();
      return (await statusOf(ours, lastMonth)) === 'closed';
    });
    const [told] = await Promise.all([Promise.all(racing), closing]);
    const posted = told.flat().filter(({ type }) => type === 'payflow.group.posted.v1').length;
    const refused = outcomes(told.flat()).filter((outcome) => outcome === 'period_closed').length;
    expect(posted + refused).toBe(50);
    const { totals } = await closedFigures(ours, lastMonth);
    expect(totals.find(({ kind }) => kind === 'liability')?.posted_debits ?? '0').toBe(String(posted));
    for (const form of ['running', 'full'] as const) expect((await violations('I35', form)).sample).toEqual([]);
  });

  it('waits for no other that cannot be closed', async () => {
    const [stuck, ours] = [new CommandsOf(), new CommandsOf()];
    await handle(stuck.closePeriod(earlier), ours.closePeriod(lastMonth));
    const stage = messaging.outbox.stage.bind(messaging.outbox);
    vi.spyOn(messaging.outbox, 'stage').mockImplementation((tx, messages, ...rest) =>
      messages.some(({ origin }) => origin?.tenant === stuck.tenant)
        ? Promise.reject(new RangeError('it is larger than it may be'))
        : stage(tx, messages, ...rest),
    );
    await closedFigures(ours, lastMonth);
    expect(await statusOf(stuck, earlier)).toBe('closing');
    vi.restoreAllMocks();
    await closedFigures(stuck, earlier);
  });

  it('is done once by 50 who ask at the same time, whatever they ask for first', async () => {
    const ours = new CommandsOf();
    const asked = Array.from({ length: 50 }, (_, at) =>
      handle(ours.closePeriod(at % 2 === 0 ? lastMonth : monthBack(3))),
    );
    const told = (await Promise.all(asked)).flat();
    const closings = told.filter(({ type }) => type === 'payflow.period.closing.v1');
    expect(new Set(closings.map(({ data }) => JSON.stringify(data))).size).toBe(1);
    expect(closings.length).toBe(25);
  });
});

it('costs nothing where nothing reaches into the past, and one statement in all where much does', async () => {
  const { ours, world, wallet, pay } = await books();
  const statements = async (...commands: readonly LedgerCommand[]): Promise<string[]> => {
    const names: string[] = [];
    await db.database.transaction(async (tx) => {
      for (const method of ['rows', 'count'] as const) {
        const original = tx[method].bind(tx) as (...values: Parameters<Transaction['rows']>) => Promise<never>;
        vi.spyOn(tx, method).mockImplementation((one, values) => {
          names.push(one.name);
          return original(one, values ?? []);
        });
      }
      const { messages } = await handler.handle(commands, tx);
      vi.restoreAllMocks();
      await messaging.outbox.stage(tx, messages, () => undefined);
    });
    return names;
  };
  const plain = await statements(ours.transfer(world, wallet, '5'), pay('5', null));
  expect(plain.filter((name) => name.includes('aside'))).toEqual([]);
  const hold = ours.hold(world, wallet, '3');
  const mixed = await statements(
    ...[pay('5', lastInstantOf(earlier)), ours.closePeriod(lastMonth), pay('5', lastInstantOf(earlier)), hold],
    ...[ours.open(newId('account'), { path: 'till' }), ours.transfer(world, wallet, '5')],
  );
  expect(mixed.filter((name) => name.includes('aside'))).toEqual(['ledger.load-aside-all', 'ledger.save-aside-all']);
  // The position's lock, the outbox row and the position's new place come on top.
  expect(mixed.length).toBeLessThanOrEqual(7);
});

it('I35 sees what was recorded into a closed month, and I18 a closing that was not told', async () => {
  const { ours, pay } = await books();
  await handle(ours.closePeriod(lastMonth));
  await closedFigures(ours, lastMonth);
  const late = pay('77', `${thisMonth}-01T00:00:00.000Z`);
  await handle(late);
  const admin = new Client({ connectionString: db.adminUrl });
  await admin.connect();
  const fault = (text: string) => admin.query(text);
  await fault('set session_replication_role = replica');
  for (const form of ['running', 'full'] as const) {
    await fault(`update transfers set effective_at = '${lastInstantOf(lastMonth)}' where amount_minor = 77`);
    const row = expect.stringMatching(/^transfers\/[0-9a-f-]{36}$/) as unknown;
    const found = form === 'full' ? [row, otherFigures(ours, lastMonth)] : [row];
    expect((await violations('I35', form)).sample).toEqual(found);
    await fault(`update transfers set effective_at = '${thisMonth}-01' where amount_minor = 77`);
    expect((await violations('I35', form)).sample).toEqual([]);
    expect((await violations('I18', form)).sample).toEqual([]);
    await fault(`create table kept as select * from periods where event_id is not null`);
    await fault(
      `update periods set event_id = gen_random_uuid() where closed_xact_id = (select max(closed_xact_id::text::bigint)::text::xid8 from periods)`,
    );
    expect((await violations('I18', form)).sample.join()).toMatch(/has no change/);
    await fault(
      `update periods p set event_id = k.event_id from kept k where k.month = p.month and k.tenant_id = p.tenant_id and k.livemode = p.livemode`,
    );
    await fault('drop table kept');
  }
  await admin.end();
});

it('I35 adds every closed month up anew, and misses one that is gone', async () => {
  const { ours, pay } = await books();
  await handle(pay('5', lastInstantOf(earlier)), pay('7', lastInstantOf(lastMonth)), pay('11', null));
  await handle(ours.closePeriod(earlier), ours.closePeriod(lastMonth));
  await closedFigures(ours, lastMonth);
  const figures = async (from: string, to: string) => {
    await db.tamper(
      `update periods set event_data = replace(event_data, '${from}', '${to}') where month = '${lastMonth}' and tenant_id = typeid_uuid('${ours.tenant}')`,
    );
    return (await violations('I35', 'full')).sample;
  };
  const wrong = otherFigures(ours, lastMonth);
  expect(await figures('"12"', '"13"')).toEqual([wrong]);
  expect(await figures('"13"', '"12"')).toEqual([]);
  expect(await figures('"asset","posted', '"expense","posted')).toEqual([wrong]);
  expect(await figures('"expense","posted', '"asset","posted')).toEqual([]);
  const row = `where month = '${lastMonth}' and tenant_id = typeid_uuid('${ours.tenant}')`;
  await db.tamper(`create table kept as select * from periods ${row}; delete from periods ${row}`);
  expect((await violations('I35', 'full')).sample).toEqual([
    `periods/${uuidOf('tenant', ours.tenant)}/${lastMonth} was closed and is gone`,
  ]);
  await db.tamper('insert into periods select * from kept; drop table kept');
});

it('I15 sees a month that does not come to its end', async () => {
  const { ours } = await books();
  await handle(ours.closePeriod(lastMonth));
  expect((await violations('I15', 'running')).sample).toEqual([]);
  await db.tamper(`update periods set closing_at = closing_at - interval '31 minutes' where status = 'closing'`);
  for (const form of ['running', 'full'] as const)
    expect((await violations('I15', form)).sample).toEqual([`periods/${lastMonth} is closing`]);
  await closedFigures(ours, lastMonth);
  expect((await violations('I15', 'running')).sample).toEqual([]);
});

it.each([
  'delete from periods',
  `update periods set status = 'closing', event_id = null, event_data = null, closed_xact_id = null where status = 'closed'`,
  `update periods set event_data = '{}' where status = 'closed'`,
  'drop table periods',
])('the service itself cannot undo a closing: %s', async (text) => {
  const { ours } = await books();
  await handle(ours.closePeriod(lastMonth));
  await closedFigures(ours, lastMonth);
  await expect(db.database.rows(statement(`spec.${text.slice(0, 40)}`, text))).rejects.toMatchObject({
    code: expect.stringMatching(/^(42501|23000)$/) as string,
  });
});
