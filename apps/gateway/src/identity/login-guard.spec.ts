import type { Database } from '@payflow/database';
import { expect, it } from 'vitest';
import { LoginGuard } from './login-guard.js';

const guard = new LoginGuard({} as Database, 'a secret');
const ADA = { email: 'ada@example.com', organisation: undefined };
const BOB = { ...ADA, email: 'bob@example.com' };

it.each([
  ['the same address', '192.0.2.1', '192.0.2.1', true],
  ['a neighbour', '192.0.2.1', '192.0.2.2', false],
  ['another address of one customer, in IPv6', '2001:db8::1', '2001:db8::ffff:2', true],
  ['another customer, in IPv6', '2001:db8:0:1::1', '2001:db8:0:2::1', false],
])('counts who tries from %s', (_who, one, other, isTheSame) => {
  const [[here, everywhere], [there, anywhere]] = [guard.subjects(ADA, one), guard.subjects(ADA, other)];
  expect(here?.hash === there?.hash).toBe(isTheSame);
  expect(everywhere).toEqual(anywhere);
  expect(guard.subjects(BOB, one).map(({ hash }) => hash)).not.toContain(here?.hash);
});

it('counts each organisation that is named apart, and those who name none', () => {
  const named = [undefined, 'org_one', 'org_other'].map((organisation) =>
    guard.subjects({ ...ADA, organisation }, '192.0.2.1').map(({ hash }) => hash),
  );
  expect(new Set(named.flat()).size).toBe(6);
});
