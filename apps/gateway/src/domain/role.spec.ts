import { describe, expect, it } from 'vitest';
import { covers, ROLES, ROLE_SCOPES } from './role.js';
import { SCOPES } from './scope.js';

describe('a role', () => {
  it('of an owner has every scope, of an admin all but what makes owners', () => {
    expect(ROLE_SCOPES.owner).toEqual(SCOPES);
    expect(SCOPES.filter((scope) => !ROLE_SCOPES.admin.includes(scope))).toEqual(['users:admin']);
  });

  it('of an auditor reads everything and changes nothing', () => {
    expect(ROLE_SCOPES.auditor).toEqual(SCOPES.filter((scope) => scope.endsWith(':read')));
  });

  it.each(ROLES.filter((role) => role !== 'owner'))('%s is covered by an owner, and does not cover one', (role) => {
    expect(covers(ROLE_SCOPES.owner, ROLE_SCOPES[role])).toBe(true);
    expect(covers(ROLE_SCOPES[role], ROLE_SCOPES.owner)).toBe(false);
  });

  it('of an operator moves money and hands out nothing', () => {
    expect(
      ROLE_SCOPES.operator.filter((scope) => /^(keys|users|audit|test|limits|accounts:admin)/.test(scope)),
    ).toEqual([]);
  });
});
