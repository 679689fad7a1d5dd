import { newId, uuidOf } from '@payflow/contracts';
import { statement } from '@payflow/database';
import { checkInvariant } from '@payflow/invariants';
import { Messaging, type AnyOutgoing } from '@payflow/messaging';
import { createTestDatabase, testBroker, type TestDatabase } from '@payflow/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { invariants, migrations } from '../database/index.js';
import type { LedgerCommand } from '../domain/decide.js';
import { CommandsOf } from '../testing/commands.js';
import { LedgerCommandsHandler } from './ledger-commands.handler.js';

const RATE = { numerator: '92', denominator: '100' };
const TRANSFERS = statement(
  'spec.transfers-of-group',
  `select asset, amount_minor::text as amount from transfers where group_id = $1 order by chain_position`,
);

describe('conversions', () => {
  let db: TestDatabase;
  let messaging: Messaging;
  const handler = new LedgerCommandsHandler();
  const ours = new CommandsOf();

  beforeAll(async () => {
    db = await createTestDatabase('ledger', migrations);
    await db.database.rows(statement('spec.partitions', 'select ensure_partitions(1)'));
    // Never started: rows are staged as always, and stay in the outbox.
    messaging = new Messaging({ broker: testBroker('unused'), database: db.database, partitions: 'single' });
  });
  afterAll(() => db.drop());

  const handle = (...commands: readonly LedgerCommand[]) =>
    db.database.transaction(async (tx) => {
      const { messages } = await handler.handle(commands, tx);
      await messaging.outbox.stage(tx, messages, () => undefined);
      return messages;
    });
  const reasons = (messages: readonly AnyOutgoing[]) =>
    messages.map(({ type, data }) => ('reason' in data ? data.reason : type.slice(8, -3)));
  const booked = (group: string) => db.database.rows(TRANSFERS, [uuidOf('group', group)]);

  /** 500 dollars in a wallet, 500 euros to be had, and where the dollars go. */
  async function market() {
    const between = {
      source: newId('account'),
      source_liquidity: newId('account'),
      destination_liquidity: newId('account'),
      destination: newId('account'),
    };
    const [worldUsd, worldEur] = [newId('account'), newId('account')];
    const [usd, eur] = [{ asset: 'USD' }, { asset: 'EUR' }];
    const outside = { overdraft: 'unbounded' } as const;
    await handle(
      ours.open(worldUsd, { ...usd, ...outside }),
      ours.open(worldEur, { ...eur, ...outside }),
      ours.open(between.source, usd),
      ours.open(between.source_liquidity, usd),
      ours.open(between.destination_liquidity, eur),
      ours.open(between.destination, eur),
      ours.transfer(worldUsd, between.source, '500', usd),
      ours.transfer(worldEur, between.destination_liquidity, '500', eur),
    );
    return between;
  }

  it('book both transfers in the statements of their batch, and tell the rate', async () => {
    const between = await market();
    const conversion = ours.convert(between, { source_amount: '199', rate: RATE, metadata: { quote: '7' } });
    const [{ data, subject }] = (await handle(conversion)) as [AnyOutgoing];
    const { id, transfers } = conversion.data;
    expect([subject, data]).toMatchObject([
      id,
      {
        id,
        rate: RATE,
        reverses: null,
        metadata: { quote: '7' },
        legs: [
          { id: transfers[0], amount: '199', asset: 'USD' },
          { id: transfers[1], amount: '183', asset: 'EUR' },
        ],
      },
    ]);
    expect(await booked(id)).toEqual([
      { asset: 'USD', amount: '199' },
      { asset: 'EUR', amount: '183' },
    ]);
  });

  it('are answered again with the first verdict, and refused under the same id with another rate', async () => {
    const conversion = ours.convert(await market(), { rate: RATE });
    const [first] = await handle(conversion);
    const copy = { ...conversion, id: newId('event') };
    const other = {
      ...conversion,
      id: newId('event'),
      data: { ...conversion.data, rate: { ...RATE, numerator: '93' } },
    };
    const again = await handle(copy, other);
    expect(again).toMatchObject([
      { id: first?.id, data: first?.data, resent: true },
      { type: 'payflow.group.rejected.v1', data: { reason: 'id_reused' } },
    ]);
    expect(await booked(conversion.data.id)).toHaveLength(2);
  });

  it('are moved back leg by leg, and never past what they moved', async () => {
    const between = await market();
    const conversion = ours.convert(between, { rate: RATE });
    const [given, taken] = conversion.data.transfers;
    const first = { id: given, debit: between.source, credit: between.source_liquidity };
    const second = { id: taken, debit: between.destination_liquidity, credit: between.destination };
    // In the batch that books it, and in a later one.
    expect(reasons(await handle(conversion, ours.reverse(second, null)))).toEqual(['group.posted', 'group.posted']);
    expect(
      reasons(await handle(ours.reverse(second, '1'), ours.reverse(first, '100'), ours.reverse(first, '1'))),
    ).toEqual(['reversal_exceeds_original', 'group.posted', 'reversal_exceeds_original']);
  });

  it('leave nothing where the second transfer cannot be', async () => {
    const between = await market();
    const dear = ours.convert(between, { rate: { numerator: '501', denominator: '100' } });
    expect(await handle(dear)).toMatchObject([{ data: { reason: 'insufficient_funds', leg: 1 } }]);
    const damaged = ours.convert(between, { rate: { numerator: '9999999999999999999', denominator: '1' } });
    expect(reasons(await handle(damaged))).toEqual(['rate_not_positive']);
    expect([await booked(dear.data.id), await booked(damaged.data.id)]).toEqual([[], []]);
  });

  it('are made under conditions on any account, by the one of fifty at once that finds them met', async () => {
    const between = await market();
    const condition = { account: between.destination, version: 1, balance_gte: '0', balance_lte: '0' };
    const other = ours.convert(between, { conditions: [{ ...condition, version: 2 }] });
    expect(await handle(other)).toMatchObject([{ data: { reason: 'condition_failed', leg: null } }]);
    const all = await Promise.all(
      Array.from({ length: 50 }, () => handle(ours.convert(between, { source_amount: '5', conditions: [condition] }))),
    );
    expect(reasons(all.flat()).filter((reason) => reason === 'group.posted')).toHaveLength(1);
    expect(new Set(reasons(all.flat()))).toEqual(new Set(['group.posted', 'condition_failed']));
    const stranger = newId('account');
    const watched = ours.convert(between, { conditions: [{ ...condition, account: stranger, version: 2 }] });
    expect(reasons(await handle(ours.open(stranger), watched))).toEqual(['account.opened', 'condition_failed']);
  });

  it('of fifty at once, take no more than there is on either side', async () => {
    const between = await market();
    const all = await Promise.all(
      Array.from({ length: 50 }, () =>
        handle(ours.convert(between, { source_amount: '40', rate: { numerator: '2', denominator: '1' } })),
      ),
    );
    // Twelve times 40 dollars are there, and six times 80 euros.
    expect(reasons(all.flat()).filter((reason) => reason === 'group.posted')).toHaveLength(6);
    expect(new Set(reasons(all.flat()))).toEqual(new Set(['group.posted', 'insufficient_funds']));
  });

  it('of fifty copies at once, are one', async () => {
    const conversion = ours.convert(await market());
    const all = await Promise.all(Array.from({ length: 50 }, () => handle({ ...conversion, id: newId('event') })));
    expect(new Set(all.map(([message]) => message?.id)).size).toBe(1);
    expect(await booked(conversion.data.id)).toHaveLength(2);
  });

  it('keep every invariant of the books', async () => {
    const names = new Set(['I1', 'I2', 'I3', 'I4', 'I5', 'I6', 'I7', 'I18']);
    for (const each of invariants.filter(({ name }) => names.has(name)))
      expect([each.name, (await checkInvariant(db.database, each, 'full')).sample]).toEqual([each.name, []]);
  });
});
