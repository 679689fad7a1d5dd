import { newId, type AnyMessage, type MessageData } from '@payflow/contracts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Account } from './account.js';
import { Book, scoped, type LedgerCommand, type Verdict } from './book.js';

const NOW = '2026-11-21T12:00:00.000Z';
const tenant = newId('tenant');

function command<T extends LedgerCommand['type']>(type: T, data: MessageData[T], owner = tenant): LedgerCommand {
  const id = newId('event');
  return {
    id,
    type,
    data,
    tenant: owner,
    livemode: false,
    subject: data.id,
    key: data.id,
    aggregateVersion: 0,
    causationId: id,
    correlationId: id,
    actor: 'spec',
    time: NOW,
    traceparent: undefined,
    tracestate: undefined,
  } as AnyMessage as LedgerCommand;
}

const open = (id: string, overdraft: 'none' | 'unbounded' = 'none', path: string | null = null, owner = tenant) =>
  command('payflow.account.open.v1', { id, path, asset: 'USD', overdraft, metadata: {}, created_at: NOW }, owner);

const post = (debit: string, credit: string, amount: bigint, owner = tenant) =>
  command(
    'payflow.transfer.post.v1',
    {
      id: newId('transfer'),
      payment: null,
      debit_account: debit,
      credit_account: credit,
      amount: amount.toString(),
      asset: 'USD',
      valid_until: null,
    },
    owner,
  );

const reasonOf = (verdict: Verdict) => ('reason' in verdict.data ? verdict.data.reason : verdict.type);

describe('a book', () => {
  it('lets later commands of a batch see what earlier ones did', () => {
    const book = new Book(new Map(), new Set(), NOW);
    const [world, wallet] = [newId('account'), newId('account')];
    const verdicts = [
      open(world, 'unbounded'),
      open(wallet),
      post(wallet, world, 1n),
      post(world, wallet, 5n),
      post(wallet, world, 5n),
    ].map((each) => book.decide(each));
    expect(verdicts.map(reasonOf)).toEqual([
      'payflow.account.opened.v1',
      'payflow.account.opened.v1',
      'insufficient_funds',
      'payflow.transfer.posted.v1',
      'payflow.transfer.posted.v1',
    ]);
  });

  it('keeps ids and paths of one tenant apart from those of another', () => {
    const book = new Book(new Map(), new Set(), NOW);
    const id = newId('account');
    const other = newId('tenant');
    expect(
      [open(id, 'none', 'till'), open(id, 'none', 'till', other)].map((each) => reasonOf(book.decide(each))),
    ).toEqual(['payflow.account.opened.v1', 'payflow.account.opened.v1']);
    expect(reasonOf(book.decide(open(newId('account'), 'none', 'till')))).toBe('account_exists');
    expect(reasonOf(book.decide(post(id, newId('account'), 1n, other)))).toBe('account_not_found');
  });

  it('nets changed accounts and leaves refused transfers without a trace', () => {
    const [a, b] = [newId('account'), newId('account')];
    const account = (id: string, postedCredits: bigint): Account => ({
      id,
      asset: 'USD',
      overdraft: 'none',
      postedDebits: 0n,
      postedCredits,
      pendingDebits: 0n,
      pendingCredits: 0n,
      version: 1,
    });
    const accounts = new Map([a, b].map((id) => [scoped({ tenant, livemode: false }, id), account(id, 10n)]));
    const refused = new Book(accounts, new Set(), NOW);
    refused.decide(post(a, b, 11n));
    expect(refused.changedAccounts().size).toBe(0);
    const moved = new Book(accounts, new Set(), NOW);
    for (let n = 0; n < 3; n++) moved.decide(post(a, b, 2n));
    expect(
      [...moved.changedAccounts().values()].map(({ postedDebits, postedCredits, version }) => [
        postedDebits,
        postedCredits,
        version,
      ]),
    ).toEqual([
      [6n, 10n, 4],
      [0n, 16n, 4],
    ]);
  });

  it('balances whatever is decided, and never passes a floor', () => {
    const ids = Array.from({ length: 6 }, () => newId('account'));
    const step = fc.record({
      from: fc.integer({ min: 0, max: 5 }),
      to: fc.integer({ min: 0, max: 5 }),
      amount: fc.bigInt({ min: -5n, max: 200n }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const book = new Book(new Map(), new Set(), NOW);
        ids.forEach((id, at) => book.decide(open(id, at === 0 ? 'unbounded' : 'none')));
        for (const { from, to, amount } of steps) book.decide(post(ids[from] as string, ids[to] as string, amount));
        const accounts = [...book.newAccounts().values()];
        const sum = (pick: (account: Account) => bigint) =>
          accounts.reduce((total, account) => total + pick(account), 0n);
        expect(sum((account) => account.postedDebits)).toBe(sum((account) => account.postedCredits));
        expect(accounts.slice(1).every((account) => account.postedCredits >= account.postedDebits)).toBe(true);
      }),
    );
  });
});
