import { SCOPES, type Scope } from './scope.js';

/** What a user may be to an organisation, from most to least. */
export const ROLES = ['owner', 'admin', 'operator', 'auditor', 'viewer'] as const;
export type Role = (typeof ROLES)[number];

/** A role is a name for a set of scopes, and nothing else. */
export const ROLE_SCOPES: Readonly<Record<Role, readonly Scope[]>> = {
  owner: SCOPES,
  admin: SCOPES.filter((scope) => scope !== 'users:admin'),
  operator: [
    'accounts:read',
    'accounts:write',
    'payments:read',
    'payments:write',
    'transfers:read',
    'transfers:write',
    'holds:read',
    'holds:write',
    'reviews:read',
    'reviews:write',
  ],
  auditor: SCOPES.filter((scope) => scope.endsWith(':read')),
  viewer: ['accounts:read', 'payments:read', 'transfers:read', 'holds:read', 'limits:read', 'reviews:read'],
};

/** Whether whoever has the first has all of the second as well: nobody gives what he does not have. */
export function covers(own: readonly Scope[], given: readonly Scope[]): boolean {
  return given.every((scope) => own.includes(scope));
}
