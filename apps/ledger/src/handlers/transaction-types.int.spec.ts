import { newId, uuidOf } from '@payflow/contracts';
import { statement } from '@payflow/database';
import type { AnyOutgoing } from '@payflow/messaging';
import { createTestDatabase, type TestDatabase } from '@payflow/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { migrations } from '../database/index.js';
import type { LedgerCommand } from '../domain/decide.js';
import { CommandsOf, leg } from '../testing/commands.js';
import { LedgerCommandsHandler } from './ledger-commands.handler.js';

let db: TestDatabase;
const handler = new LedgerCommandsHandler();
beforeAll(async () => {
  db = await createTestDatabase('ledger', migrations);
  await db.database.rows(statement('spec.partitions', 'select ensure_partitions(1)'));
});
afterAll(() => db.drop());

const handle = async (...commands: readonly LedgerCommand[]): Promise<readonly AnyOutgoing[]> =>
  (await db.database.transaction((tx) => handler.handle(commands, tx))).messages;

const outcomes = (messages: readonly AnyOutgoing[]): (string | null)[] =>
  messages.map(({ type, data }) => {
    if ('reason' in data) return 'leg' in data ? `${data.reason} ${data.leg}` : data.reason;
    const version = type === 'payflow.transaction_type.defined.v1' ? ` ${(data as { version: number }).version}` : '';
    return `${type.slice('payflow.'.length, -3)}${version}`;
  });

const TYPED = statement(
  'spec.typed',
  'select name, version::integer from typed_transfers where transfer_id = any ($1::uuid[]) order by name, version',
);
const typed = (...transfers: readonly string[]) =>
  db.database.rows(TYPED, [transfers.map((transfer) => uuidOf('transfer', transfer))]);

async function books() {
  const ours = new CommandsOf();
  const [bank, wallet, savings] = [newId('account'), newId('account'), newId('account')];
  await handle(
    ours.open(bank, { kind: 'asset', overdraft: 'unbounded' }),
    ours.open(wallet, { path: 'users:42:wallet' }),
    ours.open(savings, { path: 'users:42:savings' }),
  );
  const topUp = {
    debit: [{ path: null, kind: 'asset' }],
    credit: [{ path: 'users:*:wallet', kind: null }],
  } as const;
  return { ours, bank, wallet, savings, topUp };
}

describe('a transaction type', () => {
  it('is held against by transfers of the same batch, of later ones, and of accounts that the batch opens', async () => {
    const { ours, bank, wallet, savings, topUp } = await books();
    const late = newId('account');
    const post = (credit: string, type: string) => ours.group([leg(bank, credit, '5', { type })]);
    const good = post(wallet, 'wallet_topup');
    const told = await handle(
      post(wallet, 'wallet_topup'),
      ours.defineType('wallet_topup', topUp),
      good,
      ours.open(late, { path: 'users:43:wallet' }),
      post(late, 'wallet_topup'),
    );
    expect(outcomes(told)).toEqual([
      'transaction_type_not_found 0',
      'transaction_type.defined 1',
      'group.posted',
      'account.opened',
      'group.posted',
    ]);
    expect(told[2]?.data).toMatchObject({ types: [{ type: 'wallet_topup', version: 1, legs: [0] }] });
    const mixed = ours.group([
      leg(bank, savings, '5'),
      leg(bank, wallet, '5', { type: 'wallet_topup' }),
      leg(bank, savings, '5', { type: 'wallet_topup' }),
    ]);
    expect(outcomes(await handle(post(wallet, 'wallet_topup'), post(savings, 'wallet_topup'), mixed))).toEqual([
      'group.posted',
      'posting_rule_broken 0',
      'posting_rule_broken 2',
    ]);
    expect(await typed(good.data.legs[0]?.id ?? '', mixed.data.legs[1]?.id ?? '')).toEqual([
      { name: 'wallet_topup', version: 1 },
    ]);
    expect(outcomes(await handle(ours.group([leg(newId('account'), wallet, '5', { type: 'wallet_topup' })])))).toEqual([
      'account_not_found 0',
    ]);
  });

  it('gives the first answer again, whatever version came in between', async () => {
    const { ours, bank, wallet, savings, topUp } = await books();
    await handle(ours.defineType('wallet_topup', topUp));
    const [kept, broken] = [wallet, savings].map((credit) =>
      ours.group([leg(bank, credit, '5', { type: 'wallet_topup' })]),
    ) as [LedgerCommand, LedgerCommand];
    const first = await handle(kept, broken);
    expect(outcomes(first)).toEqual(['group.posted', 'posting_rule_broken 0']);
    const credit = [{ path: 'users:*:savings', kind: null }] as const;
    expect(outcomes(await handle(ours.defineType('wallet_topup', { ...topUp, credit })))).toEqual([
      'transaction_type.defined 2',
    ]);
    const again = await handle({ ...kept, id: newId('event') }, { ...broken, id: newId('event') });
    expect(again.map(({ data }) => data)).toEqual(first.map(({ data }) => data));
  });

  it('keeps its version where it is defined as it stands, and is guarded by it', async () => {
    const { ours, topUp } = await books();
    const define = (if_version: number | null, change: object = topUp) =>
      ours.defineType('wallet_topup', { ...change, if_version });
    const told = await handle(
      define(1),
      define(null),
      define(null),
      define(2),
      define(1, {}),
      define(1, {}),
      define(2, {}),
    );
    expect(outcomes(told)).toEqual([
      'version_differs',
      'transaction_type.defined 1',
      'transaction_type.defined 1',
      'version_differs',
      'transaction_type.defined 2',
      'version_differs',
      'transaction_type.defined 2',
    ]);
    expect(outcomes(await handle(define(null, {}), define(null)))).toEqual([
      'transaction_type.defined 2',
      'transaction_type.defined 3',
    ]);
  });

  it('is one of 20 in a group, and the largest group fits its event with all of them', async () => {
    const { ours, bank } = await books();
    const names = Array.from({ length: 21 }, (_, at) => `${'t'.repeat(61)}${at + 10}`);
    const wallets = Array.from({ length: 1_000 }, () => newId('account'));
    await handle(...wallets.map((id) => ours.open(id)), ...names.map((name) => ours.defineType(name)));
    const group = (types: number) =>
      ours.group(
        wallets.map((id, at) => leg(bank, id, '1000000000000000', { type: names[at % types] as string })),
        { metadata: Object.fromEntries(Array.from({ length: 50 }, (_, at) => [`note${at}`, 'x'.repeat(500)])) },
      );
    const [refused, posted] = await handle(group(21), group(20));
    expect(refused?.data).toMatchObject({ reason: 'group_too_large', leg: null });
    expect(posted?.type).toBe('payflow.group.posted.v1');
    expect(JSON.stringify(posted?.data).length).toBeLessThan(524_288);
  });

  it('belongs to one tenant and mode', async () => {
    const { ours, bank, wallet } = await books();
    await handle(new CommandsOf().defineType('fee'), new CommandsOf(ours.tenant, true).defineType('fee'));
    expect(outcomes(await handle(ours.group([leg(bank, wallet, '5', { type: 'fee' })])))).toEqual([
      'transaction_type_not_found 0',
    ]);
  });

  it('gets one version of 50 who define it at once under the same condition', async () => {
    const { ours, topUp } = await books();
    await handle(ours.defineType('wallet_topup', topUp));
    const credit = (at: number) => [{ path: `users:${at}`, kind: null }];
    const racing = Array.from({ length: 50 }, (_, at) =>
      handle(ours.defineType('wallet_topup', { ...topUp, credit: credit(at), if_version: 1 })),
    );
    const told = (await Promise.all(racing)).flatMap(outcomes);
    expect(told.filter((outcome) => outcome === 'transaction_type.defined 2')).toHaveLength(1);
    expect(told.filter((outcome) => outcome === 'version_differs')).toHaveLength(49);
  });

  it('is kept to by a hold from its placing on, and by what posts it, whatever version comes meanwhile', async () => {
    const { ours, bank, wallet, savings, topUp } = await books();
    const type = 'wallet_topup';
    const placing = ours.hold(bank, wallet, '9', { type });
    expect(outcomes(await handle(placing))).toEqual(['transaction_type_not_found']);
    await handle(ours.defineType(type, topUp));
    const hold = ours.hold(bank, wallet, '9', { type });
    const told = await handle(hold, ours.hold(bank, savings, '9', { type }));
    expect(outcomes(told)).toEqual(['hold.placed', 'posting_rule_broken']);
    expect(told[0]?.data).toMatchObject({ type: { name: type, version: 1 } });
    await handle(ours.defineType(type, { ...topUp, credit: [{ path: 'nobody', kind: null }] }));
    const of = { id: hold.data.id, debit: bank, credit: wallet };
    const [first, last] = [ours.postHold(of, '4', false), ours.postHold(of, null)];
    expect((await handle(first, last)).map(({ data }) => data)).toMatchObject([
      { type: { name: type, version: 1 }, transferred: '4' },
      { type: { name: type, version: 1 }, transferred: '5' },
    ]);
    expect(await typed(first.data.id, last.data.id)).toEqual([
      { name: type, version: 1 },
      { name: type, version: 1 },
    ]);
    const again = await handle(
      { ...hold, id: newId('event') },
      { ...hold, id: newId('event'), data: { ...hold.data, type: 'fee' } },
    );
    expect(outcomes(again)).toEqual(['hold.placed', 'id_reused']);
  });

  it('is held against by a reversal as it moves, and by what stands in the place of a corrected transfer', async () => {
    const { ours, bank, wallet, savings } = await books();
    const refund = { debit: [{ path: 'users:**', kind: null }], credit: [{ path: null, kind: 'asset' }] } as const;
    const payout = {
      debit: [{ path: null, kind: 'asset' }],
      credit: [{ path: 'users:*:savings', kind: null }],
    } as const;
    const transfer = ours.transfer(bank, wallet, '50');
    await handle(ours.defineType('refund', refund), ours.defineType('payout', payout), transfer);
    const original = { id: transfer.data.id, debit: bank, credit: wallet };
    const back = ours.reverse(original, '7', { type: 'refund' });
    const told = await handle(
      back,
      ours.reverse(original, '7', { type: 'payout' }),
      ours.reverse(original, '7', { type: 'lost' }),
    );
    expect(outcomes(told)).toEqual(['group.posted', 'posting_rule_broken null', 'transaction_type_not_found null']);
    expect(told[0]?.data).toMatchObject({ types: [{ type: 'refund', version: 1, legs: [0] }] });
    const replacement = { debit_account: bank, amount: '40', asset: 'USD', type: 'payout' };
    const corrected = (credit_account: string) =>
      ours.correct(original, '40', { replacement: { id: newId('transfer'), ...replacement, credit_account } });
    const right = corrected(savings);
    const [broken, kept] = await handle(corrected(wallet), right);
    expect(outcomes([broken as AnyOutgoing])).toEqual(['posting_rule_broken 1']);
    expect(kept?.data).toMatchObject({ types: [{ type: 'payout', version: 1, legs: [1] }] });
    expect(await typed(back.data.transfer, right.data.replacement.id, right.data.reversal)).toEqual([
      { name: 'payout', version: 1 },
      { name: 'refund', version: 1 },
    ]);
  });
});
