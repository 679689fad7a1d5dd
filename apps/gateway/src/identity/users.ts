import { newId } from '@payflow/contracts';
import { TAGS } from '../cache/catalogue.js';
import { Problem } from '@payflow/service';
import { endSessions, liveTokens, lockSessions } from '../database/session.repository.js';
import {
  findLogin,
  findPassword,
  holdLogin,
  insertUser,
  inviteUser,
  lockOwners,
  lockUser,
  setPassword,
  updateUser,
  type UserKey,
} from '../database/user.repository.js';
import type { Database, Transaction } from '@payflow/database';
import type { Doorstep } from '../audit/login-entries.js';
import { covers, ROLE_SCOPES, type Role } from '../domain/role.js';
import { userResource, type User } from '../domain/user.js';
import type { Caller } from '../http/edge/caller.js';
import { etagOf } from '../http/edge/headers.js';
import type { Logins } from './logins.js';
import type { IsDone, OwnReply, OwnWork } from './own-writes.js';
import type { Passwords } from './passwords.js';
import { newToken, type NewToken } from './tokens.js';

const INVITATION_LIFE_S = 7 * 86_400;
const USERS_PATH = '/api/v1/users';

/** A user to be. Without a password he is invited to choose one. */
export interface UserToMake {
  readonly email: string;
  readonly name: string;
  readonly role: Role;
  readonly password: string | undefined;
}

/** What is to change of a user. */
export interface UserChange {
  readonly name?: string;
  readonly role?: Role;
  readonly disabled?: boolean;
}

/** What those may do to users who look after them: never to one who may do more than they, and never make one. */
export class Users {
  constructor(
    private readonly db: Database,
    private readonly passwords: Passwords,
    private readonly logins: Logins,
  ) {}

  async create({ password, ...user }: UserToMake, caller: Caller): Promise<OwnWork> {
    refuseTestKeys(caller);
    refuseMore(caller, user.role);
    refuseBound(caller);
    const { organisation } = caller;
    // Before the hash, which costs far more; thrown where the key is taken, so that a copy of what made him is answered as that was.
    if (await findLogin(this.db, user.email, organisation)) return () => Promise.reject(new Problem('user_exists'));
    const passwordHash = password === undefined ? null : await this.passwords.hash(password, organisation);
    return async (tx) => {
      const made = await insertUser(tx, { organisation, id: newId('user'), ...user, passwordHash });
      if (!made) throw new Problem('user_exists');
      return passwordHash === null ? invite(tx, made, 201) : answer(made, 201, null);
    };
  }

  change(id: string, ifVersion: number | null, change: UserChange, caller: Caller): OwnWork {
    return async (tx) => {
      const owners = await lockOwners(tx, caller.organisation);
      const user = await lockedUser(tx, id, ifVersion, caller);
      const { name = user.name, role = user.role, disabled = user.status === 'disabled' } = change;
      refuseMore(caller, role);
      const isGiven = !covers(ROLE_SCOPES[user.role], ROLE_SCOPES[role]) || (user.status === 'disabled' && !disabled);
      if (isGiven) refuseBound(caller);
      const staysOwner = role === 'owner' && !disabled;
      if (owners.length === 1 && owners[0] === id && !staysOwner) throw new Problem('last_owner');
      // Whoever had the invitation made has seen it, and could take with it what he might not have given.
      const staysInvited = covers(ROLE_SCOPES[user.role], ROLE_SCOPES[role]);
      const changed = await updateUser(tx, user, { name, role, disabled, staysInvited });
      if (disabled) await endSessions(tx, user, 'user_disabled');
      else await lockSessions(tx, user);
      // After the sessions are locked: a refresh that was under way has given its token by then.
      const forgets = await tokenTags(tx, user);
      return { ...answer(changed, 200), before: userResource(user), forgets };
    };
  }

  /** A new invitation: for who lost the first, or forgot the password. */
  invite(id: string, ifVersion: number | null, caller: Caller): OwnWork {
    return async (tx) => {
      const user = await lockedUser(tx, id, ifVersion, caller);
      refuseBound(caller);
      return { ...(await invite(tx, user, 201)), before: userResource(user) };
    };
  }

  /** His own password, by a user who knows it. His other sessions end: one of them may be why. */
  async changePassword(
    { current, next }: { readonly current: string; readonly next: string },
    { organisation, actor: id, session }: Caller,
    { at, isDone }: { readonly at: Doorstep; readonly isDone: IsDone },
  ): Promise<OwnWork> {
    if (session === undefined) throw new Problem('session_required');
    const key = { organisation, id };
    const found = await findPassword(this.db, key);
    if (!found) throw new Problem('credentials_invalid');
    const tried = { email: found.user.email, organisation, password: current, whose: organisation };
    const known = await this.logins.checkPassword(tried, at, { find: () => Promise.resolve(found), isDone });
    const passwordHash = await this.passwords.hash(next, organisation);
    return async (tx) => {
      await lockUser(tx, key);
      // Another change may have been faster: who knows the password before it alone must not have the last word.
      if (!(await holdLogin(tx, key, known.passwordHash))) throw new Problem('credentials_invalid');
      await setPassword(tx, key, passwordHash);
      const sessions_ended = await endSessions(tx, key, 'password_changed', session);
      // After it: a refresh that was under way has given its token by then.
      const forgets = await tokenTags(tx, key);
      return { status: 204, audited: { resource: id, after: { sessions_ended } }, forgets };
    };
  }

  /** What the caches keep of a user's sessions. */
  tagsOf(id: string, { organisation }: Pick<Caller, 'organisation'>): Promise<readonly string[]> {
    return tokenTags(this.db, { organisation, id });
  }
}

/** What the caches keep of a user's access tokens. */
export async function tokenTags(tx: Transaction | Database, user: UserKey): Promise<readonly string[]> {
  return (await liveTokens(tx, user)).map(TAGS.accessToken);
}

/** A key of test mode that made users could have one log in to live mode. A session is a user's in both. */
export function refuseTestKeys({ kind, livemode }: Caller): void {
  if (kind === 'key' && !livemode) throw new Problem('live_mode_required');
}

/** Nobody makes, changes or ends what may do more than he. */
export function refuseMore({ scopes }: Caller, role: Role): void {
  if (!covers(scopes, ROLE_SCOPES[role])) throw new Problem('scopes_exceeded');
}

/** A user logs in from anywhere and has no end: a key that is held to addresses or to an end would give what it has not. */
function refuseBound({ bounds }: Caller): void {
  if (!bounds || (bounds.allowedAddresses.length === 0 && bounds.expiresAt === null)) return;
  const detail = 'The key of this request is bound to addresses or to an end, and users are to neither.';
  throw new Problem('scopes_exceeded', { detail });
}

/** `ifVersion`: the one that it must be of, or null where any will do. */
async function lockedUser(tx: Transaction, id: string, ifVersion: number | null, caller: Caller): Promise<User> {
  const user = await lockUser(tx, { organisation: caller.organisation, id });
  if (!user) throw new Problem('not_found');
  refuseTestKeys(caller);
  refuseMore(caller, user.role);
  if (ifVersion !== null && ifVersion !== user.version) throw new Problem('version_differs');
  return user;
}

async function invite(tx: Transaction, user: User, status: 200 | 201): Promise<OwnReply> {
  const invitation = newToken('inv');
  return answer(await inviteUser(tx, user, invitation.hash, INVITATION_LIFE_S), status, invitation);
}

/** `invitation`: its token is seen in this one answer. Null: there is none, in an answer that might have had one. */
function answer(user: User, status: 200 | 201, invitation?: NewToken | null): OwnReply {
  const body = userResource(user);
  const headers = {
    etag: etagOf(user.version),
    ...(status === 201 ? { location: `${USERS_PATH}/${user.id}` } : {}),
  };
  if (invitation === undefined) return { status, headers, body };
  const kept = { ...body, invitation_token: null };
  return { status, headers, kept, body: { ...body, invitation_token: invitation?.token ?? null } };
}
