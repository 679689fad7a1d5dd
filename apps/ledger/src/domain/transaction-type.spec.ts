import { describe, expect, it } from 'vitest';
import { defineType, matchesPath, refusalOfType, type TransactionType } from './transaction-type.js';

const NOW = '2026-11-21T12:00:00.000Z';

const topUp: TransactionType = {
  id: 'wallet_topup',
  debit: [
    { path: null, kind: 'asset' },
    { path: 'banks:**', kind: null },
  ],
  credit: [{ path: 'users:*:wallet', kind: 'liability' }],
  template: null,
  version: 3,
  defined_at: NOW,
};

describe('defining a type', () => {
  const { id, debit, credit, template } = topUp;
  const terms = { id, debit, credit, template };

  it.each([
    ['is refused at another version', { ...terms, credit: null, if_version: 2 }, topUp, 'version_differs'],
    ['is refused at a version where there is none', { ...terms, if_version: 1 }, undefined, 'version_differs'],
    ['keeps the version of what stands', { ...terms, if_version: null }, topUp, 'standing 3'],
    ['keeps it under its condition too', { ...terms, if_version: 3 }, topUp, 'standing 3'],
    ['begins with version 1', { ...terms, if_version: null }, undefined, 'defined 1'],
    ['goes on', { ...terms, credit: null, if_version: 3 }, topUp, 'defined 4'],
  ] as const)('%s', (_what, command, latest, outcome) => {
    const decision = defineType(command, latest, NOW);
    const told = decision.kind === 'refused' ? decision.reason : `${decision.kind} ${decision.type.version}`;
    expect(told).toBe(outcome);
  });
});

describe('a posting rule', () => {
  const bank = { kind: 'asset', path: null } as const;
  const wallet = { kind: 'liability', path: 'users:42:wallet' } as const;

  it.each([
    ['unknown', undefined, bank, wallet, 'transaction_type_not_found'],
    ['with the debit of another kind', topUp, { ...bank, kind: 'income' }, wallet, 'posting_rule_broken'],
    ['with the credit of another path', topUp, bank, { ...wallet, path: 'users:42:savings' }, 'posting_rule_broken'],
    ['with the credit of no path', topUp, bank, { ...wallet, path: null }, 'posting_rule_broken'],
    ['with the credit of another kind', topUp, bank, { ...wallet, kind: 'equity' }, 'posting_rule_broken'],
    ['turned round', topUp, wallet, bank, 'posting_rule_broken'],
    ['kept by kind', topUp, bank, wallet, undefined],
    ['kept by path', topUp, { kind: 'income', path: 'banks:eu:1' }, wallet, undefined],
    ['that allows all', { ...topUp, debit: null, credit: null }, wallet, bank, undefined],
    ['with accounts that others tell of', topUp, undefined, undefined, undefined],
  ] as const)('%s', (_what, type, debit, credit, reason) => {
    expect(refusalOfType(type, { debit, credit })).toBe(reason);
  });

  it.each([
    ['users:*:wallet', 'users:42:wallet', true],
    ['users:*:wallet', 'users:42:43:wallet', false],
    ['users:*:wallet', 'users:wallet', false],
    ['users:*', 'users:', true],
    ['users:*', 'users', false],
    ['users:**', 'users:42', true],
    ['users:**', 'users:42:wallet', true],
    ['users:**', 'users', false],
    ['users:*:**', 'users:42', false],
    ['*:42:**', 'users:42:wallet:usd', true],
    ['*', 'till', true],
    ['till', 'till', true],
    ['till', 'Till', false],
    ['till', 'till:2', false],
  ])('%s means %s: %s', (pattern, path, isMeant) => {
    expect(matchesPath(pattern, path)).toBe(isMeant);
  });
});
