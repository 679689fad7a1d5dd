import type { PagePosition } from '../database/list-statement.js';
import type { Role } from './role.js';

export const USER_STATUSES = ['invited', 'active', 'disabled'] as const;

/** A human of an organisation. `invited`: has no password yet. */
export interface User extends PagePosition {
  readonly organisation: string;
  readonly email: string;
  readonly name: string;
  readonly role: Role;
  readonly status: (typeof USER_STATUSES)[number];
  readonly version: number;
  readonly invitationExpiresAt: string | null;
  readonly disabledAt: string | null;
}

/** A user as the API shows one. */
export function userResource(user: User) {
  return {
    id: user.id,
    object: 'user',
    email: user.email,
    name: user.name,
    role: user.role,
    status: user.status,
    invitation_expires_at: user.invitationExpiresAt,
    disabled_at: user.disabledAt,
    version: user.version,
    created_at: user.createdAt,
  };
}
