import type { PagePosition } from '../database/list-statement.js';

export const SESSION_ENDS = ['logged_out', 'revoked', 'token_reused', 'password_changed', 'user_disabled'] as const;
export type SessionEnd = (typeof SESSION_ENDS)[number];

/** What a user has from a login until its end: a family of tokens, each of which follows from the one before. */
export interface Session extends PagePosition {
  readonly user: string;
  readonly livemode: boolean;
  readonly address: string;
  readonly userAgent: string;
  readonly renewedAt: string;
  readonly expiresAt: string;
  readonly endedAt: string | null;
  readonly endReason: SessionEnd | null;
}

/** A session as the API shows it. `current`: the one that asks. */
export function sessionResource(session: Session, current: string | undefined) {
  return {
    id: session.id,
    object: 'session',
    user: session.user,
    livemode: session.livemode,
    current: session.id === current,
    address: session.address,
    user_agent: session.userAgent,
    created_at: session.createdAt,
    renewed_at: session.renewedAt,
    expires_at: session.expiresAt,
    ended_at: session.endedAt,
    end_reason: session.endReason,
  };
}
