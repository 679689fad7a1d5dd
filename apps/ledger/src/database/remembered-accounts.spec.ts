import { expect, it } from 'vitest';
import { openedAccount, type Account } from '../domain/account.js';
import { CommandsOf, leg } from '../testing/commands.js';
import { RememberedAccounts, type Writer } from './remembered-accounts.js';

const ours = new CommandsOf();
const account = (version: number, postedCredits = 0n): Account => ({
  ...openedAccount({ id: 'acct_1', asset: 'USD', kind: 'liability', overdraft: 'none', overdraftLimit: 0n }),
  version,
  postedCredits,
});
const writer = (xact = '1'): Writer => ({ xact, at_ms: 1, ended: undefined });

it('keeps what was left last, under one and the same name', () => {
  const memory = new RememberedAccounts();
  const [first, second] = [writer('1'), writer('2')];
  const known = memory.keep('a', account(1), first);
  expect(known).toEqual({ account: account(1), writer: first, isForgotten: false, isLetGo: false, asOf: 0 });
  expect(memory.keep('a', account(2, 5n), second)).toBe(known);
  expect(memory.get('a')).toBe(known);
  expect(known).toEqual({ account: account(2, 5n), writer: second, isForgotten: false, isLetGo: false, asOf: 0 });
  expect(memory.get('b')).toBeUndefined();
});

it('tells whoever holds an account that it was forgotten', () => {
  const memory = new RememberedAccounts();
  const known = memory.keep('a', account(1), writer());
  memory.forget(['a', 'b']);
  expect([known.isForgotten, memory.get('a')]).toEqual([true, undefined]);
  expect(memory.keep('a', account(1), writer())).not.toBe(known);
});

it('forgets what an undone transaction left, unless another has come over it', () => {
  const memory = new RememberedAccounts();
  const [undone, later] = [writer(), writer()];
  memory.keep('a', account(2), undone);
  memory.keep('b', account(2), undone);
  memory.keep('b', account(3), later);
  memory.forgetLeftBy(undone, ['a', 'b', 'c']);
  expect(memory.get('a')).toBeUndefined();
  expect(memory.get('b')?.account.version).toBe(3);
});

it('serves batches that only move posted money', () => {
  const memory = new RememberedAccounts();
  const of = (...commands: Parameters<RememberedAccounts['serves']>[0][number]['command'][]) =>
    commands.map((command) => ({ command }));
  const [a, b] = ['acct_a', 'acct_b'];
  expect(memory.serves(of(ours.transfer(a, b, '1'), ours.group([leg(a, b, '1')])))).toBe(true);
  expect(memory.serves(of(ours.transfer(a, b, '1'), ours.hold(a, b, '1')))).toBe(false);
  expect(memory.serves(of(ours.update(a, { state: 'frozen' })))).toBe(false);
});

it('serves no batch for a while after it was wrong, and then again', () => {
  const memory = new RememberedAccounts();
  const batchOfOne = [{ command: ours.transfer('acct_a', 'acct_b', '1') }];
  memory.doubt();
  const answers = Array.from({ length: 200 }, () => memory.serves(batchOfOne));
  expect(answers[0]).toBe(false);
  expect(answers.at(-1)).toBe(true);
  expect(answers.lastIndexOf(false)).toBeLessThan(answers.indexOf(true));
});

it('holds a bounded number, and lets the longest known go first', () => {
  const memory = new RememberedAccounts();
  for (let at = 0; at < 140_000; at++) memory.keep(`account ${at}`, account(1), writer());
  expect(memory.get('account 0')).toBeUndefined();
  expect(memory.get('account 139999')).toBeDefined();
});

it('keeps what had to make room again for whoever worked on it', () => {
  const memory = new RememberedAccounts();
  const known = memory.keep('first', account(1), writer());
  for (let at = 0; at < 140_000; at++) memory.keep(`account ${at}`, account(1), writer());
  expect([known.isLetGo, known.isForgotten, memory.get('first')]).toEqual([true, false, undefined]);
  memory.keepIn(known, 'first', account(2), writer());
  expect(memory.get('first')).toBe(known);
  expect([known.isLetGo, known.account.version]).toEqual([false, 2]);
});

it('takes the ids of transfers for new, and not for a while after one was not', () => {
  const memory = new RememberedAccounts();
  const transfer = [{ command: ours.transfer('acct_a', 'acct_b', '1') }];
  const group = [{ command: ours.group([leg('acct_a', 'acct_b', '1')]) }];
  expect([memory.takesForNew(transfer), memory.takesForNew([...transfer, ...group])]).toEqual([true, false]);
  memory.doubtIds();
  expect([memory.takesForNew(transfer), memory.serves(transfer)]).toEqual([false, true]);
  const answers = Array.from({ length: 200 }, () => memory.takesForNew(transfer));
  expect(answers.at(-1)).toBe(true);
});

it('knows where a chain has come to, until the transaction that moved it is undone', () => {
  const memory = new RememberedAccounts();
  const [first, second] = [writer('1'), writer('2')];
  const head = (position: bigint) => ({ position, hash: 'ff' });
  memory.keepHead(3, { head: head(1n), writer: first });
  memory.keepHead(3, { head: head(2n), writer: second });
  memory.forgetHeadLeftBy(first, 3);
  expect(memory.head(3)?.head.position).toBe(2n);
  memory.forgetHeadLeftBy(second, 3);
  expect(memory.head(3)).toBeUndefined();
});
