import type { AuditEntry, AuditOrigin } from '../domain/audit.js';
import type { SessionEnd } from '../domain/session.js';
import { userResource, type User } from '../domain/user.js';

/** Where a request comes from of which it is not known yet, or not sure, who makes it. */
export type Doorstep = Omit<AuditOrigin, 'organisation' | 'actor' | 'kind'>;

/** How often a user's password was got wrong of late, and how long nobody may try it now. */
export interface Failure {
  readonly failures: number;
  readonly blocked_s: number;
}

/** As many as are tolerated for one user from everywhere: who gets a password wrong is told of, one by one. */
const EACH_TOLD_UNTIL = 50;

/** A session that a user got by a password. */
export function loggedIn(user: User, at: Doorstep, session: string): AuditEntry {
  return { origin: originOf(user, at), resource: session, after: { outcome: 'granted' } };
}

/** An account that was only invited, and is a user's now. */
export function invitationAccepted(before: User, after: User, at: Doorstep, session: string): AuditEntry {
  const became = { ...userResource(after), session };
  return { origin: originOf(after, at), resource: after.id, before: userResource(before), after: became };
}

/**
 * A password that was wrong, under the name of the user whose it is not. Anybody can make it wrong, so the log must not grow with
 * it: after the first fifty, those that double their number are told. An address that is nobody's has no log to stand in.
 */
export function loginsFailed(user: User | undefined, at: Doorstep, { failures, blocked_s }: Failure): AuditEntry[] {
  const isTold = failures <= EACH_TOLD_UNTIL || Number.isInteger(Math.log2(failures));
  if (!user || !isTold) return [];
  const after = { outcome: 'credentials_invalid', failures, blocked_for_seconds: blocked_s };
  return [{ origin: originOf(user, at), resource: user.id, after }];
}

/** A session that ended because one of its tokens came twice. */
export function sessionStolen(user: Pick<User, 'organisation' | 'id'>, at: Doorstep, session: string): AuditEntry {
  const reason: SessionEnd = 'token_reused';
  return { origin: originOf(user, at), resource: session, after: { end_reason: reason } };
}

function originOf({ organisation, id }: Pick<User, 'organisation' | 'id'>, at: Doorstep): AuditOrigin {
  return { ...at, organisation, actor: id, kind: 'user' };
}
