import { newId } from '@payflow/contracts';
import { expect, it } from 'vitest';
import type { User } from '../domain/user.js';
import { loginsFailed, type Doorstep } from './login-entries.js';

const at: Doorstep = {
  ...{ livemode: true, address: '203.0.113.7', traceId: undefined, requestId: 'req_1', operation: 'logIn' },
};
const user = { organisation: newId('tenant'), id: newId('user') } as User;
const told = (failures: number, of: User | undefined = user) => loginsFailed(of, at, { failures, blocked_s: 2 });

it('tells of whose password is got wrong, from where, and what came of it', () => {
  expect(told(5)).toEqual([
    {
      origin: { ...at, organisation: user.organisation, actor: user.id, kind: 'user' },
      resource: user.id,
      after: { outcome: 'credentials_invalid', failures: 5, blocked_for_seconds: 2 },
    },
  ]);
});

it('grows with the logarithm of what is tried, however much that is', () => {
  const entries = Array.from({ length: 1_000_000 }, (_, tried) => told(tried + 1).length);
  expect(entries.reduce((sum, one) => sum + one, 0)).toBe(50 + 14);
  expect([told(51), told(64).length]).toEqual([[], 1]);
});

it('says nothing of an address that is nobody’s', () =>
  expect(loginsFailed(undefined, at, { failures: 1, blocked_s: 0 })).toEqual([]));
