import { newId, type AccountKind } from '@payflow/contracts';
import { statement } from '@payflow/database';
import { checkInvariant } from '@payflow/invariants';
import { AMOUNT_MAX } from '@payflow/money';
import { createTestDatabase, type TestDatabase } from '@payflow/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { invariants, migrations } from '../database/index.js';
import type { LedgerCommand } from '../domain/decide.js';
import { CommandsOf } from '../testing/commands.js';
import { LedgerCommandsHandler } from './ledger-commands.handler.js';

const MOST = AMOUNT_MAX.toString();
const WITHOUT_END = { overdraft: 'limited', overdraft_limit: MOST } as const;

describe('an overdraft of the largest amount there is', () => {
  let db: TestDatabase;
  const handler = new LedgerCommandsHandler();
  const ours = new CommandsOf();

  beforeAll(async () => {
    db = await createTestDatabase('ledger', migrations);
    await db.database.rows(statement('spec.partitions', 'select ensure_partitions(1)'));
  });
  afterAll(() => db.drop());

  const told = async (...commands: readonly LedgerCommand[]) => {
    const { messages } = await db.database.transaction((tx) => handler.handle(commands, tx));
    return messages.map(({ type, data }) => ('reason' in data ? data.reason : type.slice(8, -3)));
  };
  const below = async () => {
    const check = invariants.find(({ name }) => name === 'I4') as (typeof invariants)[number];
    return (await checkInvariant(db.database, check, 'full')).sample;
  };
  async function opened(kind: AccountKind, terms = {}) {
    const id = newId('account');
    expect(await told(ours.open(id, { kind, ...terms }))).toEqual(['account.opened']);
    return id;
  }

  it.each(['liability', 'asset'] as const)('lets a %s stand above zero', async (kind) => {
    const [wide, other] = [await opened(kind, WITHOUT_END), await opened(kind, { overdraft: 'unbounded' })];
    const [from, to] = kind === 'liability' ? [other, wide] : [wide, other];
    expect(await told(ours.transfer(from, to, '1'))).toEqual(['transfer.posted']);
    expect(await told(ours.transfer(from, to, (AMOUNT_MAX - 1n).toString()))).toEqual(['transfer.posted']);
    const id = newId('hold');
    expect(await told(ours.hold(to, from, '7', { id }))).toEqual(['hold.placed']);
    expect(await told(ours.postHold({ id, debit: to, credit: from }, null))).toEqual(['hold.posted']);
    expect(await below()).toEqual([]);
  });

  it('is given to an account that stands above zero', async () => {
    const [bank, wallet] = [await opened('liability', { overdraft: 'unbounded' }), await opened('liability')];
    expect(await told(ours.transfer(bank, wallet, '5'), ours.update(wallet, WITHOUT_END))).toEqual([
      'transfer.posted',
      'account.updated',
    ]);
    expect(await told(ours.transfer(wallet, bank, MOST))).toEqual(['transfer.posted', 'account.overdraft_drawn']);
    expect(await told(ours.transfer(wallet, bank, '5'))).toEqual(['balance_overflow']);
    expect(await below()).toEqual([]);
  });
});
