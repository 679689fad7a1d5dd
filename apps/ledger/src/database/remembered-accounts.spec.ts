import { expect, it } from 'vitest';
import { openedAccount, type Account } from '../domain/account.js';
import { CommandsOf, leg } from '../testing/commands.js';
import { RememberedAccounts, type Batch } from './remembered-accounts.js';

const ours = new CommandsOf();
const account = (version: number, postedCredits = 0n): Account => ({
  ...openedAccount({ id: 'acct_1', asset: 'USD', kind: 'liability', overdraft: 'none', overdraftLimit: 0n }),
  version,
  postedCredits,
});
const batch = (at_ms = 1): Batch => ({ at_ms, ended: undefined });

it('recalls what was kept last, and what it gave out stays as it was', () => {
  const memory = new RememberedAccounts();
  const [first, second] = [batch(1), batch(2)];
  memory.keep('a', account(1), first);
  const before = memory.recall('a');
  memory.keep('a', account(2, 5n), second);
  expect(before).toEqual({ account: account(1), leftBy: first });
  expect(memory.recall('a')).toEqual({ account: account(2, 5n), leftBy: second });
  expect(memory.recall('b')).toBeUndefined();
});

it('forgets what an undone batch left, unless another has come over it', () => {
  const memory = new RememberedAccounts();
  const [undone, later] = [batch(), batch()];
  memory.keep('a', account(2), undone);
  memory.keep('b', account(2), undone);
  memory.keep('b', account(3), later);
  memory.forgetLeftBy(undone, ['a', 'b', 'c']);
  expect(memory.has('a')).toBe(false);
  expect(memory.recall('b')?.account.version).toBe(3);
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
  for (let at = 0; at < 140_000; at++) memory.keep(`account ${at}`, account(1), batch());
  expect(memory.has('account 0')).toBe(false);
  expect(memory.has('account 139999')).toBe(true);
});
