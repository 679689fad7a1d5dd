import { fromUuid, uuidOf } from '@payflow/contracts';
import { statement, type Database, type Transaction } from '@payflow/database';
import type { Role } from '../domain/role.js';
import type { User } from '../domain/user.js';
import { seenBy, tenantOf, tenantUuid } from './keys.js';
import type { Page } from './list-statement.js';

const COLUMNS = `tenant_id, id, email, name, role, password_hash is not null as has_password, invitation_expires_at, disabled_at,
  version::integer as version, created_at`;

/** Which users a list shows. */
export interface UserFilter {
  readonly email?: string;
  readonly role?: string;
}

/** A user by the organisation and his id. */
export interface UserKey {
  readonly organisation: string;
  readonly id: string;
}

interface UserRow {
  tenant_id: string;
  id: string;
  email: string;
  name: string;
  role: Role;
  has_password: boolean;
  invitation_expires_at: Date | null;
  disabled_at: Date | null;
  version: number;
  created_at: Date;
}

const INSERT = statement(
  'users.insert',
  `insert into users (tenant_id, id, email, name, role, password_hash) values ($1, $2, $3, $4, $5, $6)
   on conflict (email, tenant_id) do nothing returning ${COLUMNS}`,
);

const FIND = statement('users.find', `select ${COLUMNS} from users where tenant_id = $1 and id = $2`);

const LOCK = statement('users.lock', `select ${COLUMNS} from users where tenant_id = $1 and id = $2 for update`);

// Ids are in the order of time.
const LIST = statement(
  'users.list',
  `select ${COLUMNS} from users
   where tenant_id = $1 and ($2::uuid is null or id < $2) and ($3::text is null or email = $3) and ($4::text is null or role = $4)
   order by id desc limit $5`,
);

// In the order of their ids, and all of them: two who take the last two owners away meet here.
const LOCK_OWNERS = statement(
  'users.lock-owners',
  `select id from users
   where tenant_id = $1 and role = 'owner' and disabled_at is null and password_hash is not null order by id for update`,
);

const UPDATE = statement(
  'users.update',
  `update users set name = $3, role = $4, disabled_at = case when $5 then coalesce(disabled_at, clock_timestamp()) end,
     invitation_hash = case when $6 then invitation_hash end,
     invitation_expires_at = case when $6 then invitation_expires_at end, version = version + 1
   where tenant_id = $1 and id = $2 returning ${COLUMNS}`,
);

// In more than one organisation: unless he says which, the one that he joined first of those where he can log in, so that none that
// has disabled him, or only invited him, keeps him out of the others.
const FIND_LOGIN = statement(
  'users.find-login',
  `select ${COLUMNS}, password_hash,
     not exists (select from users o where o.email = u.email and o.tenant_id <> u.tenant_id) as is_only
   from users u
   where email = $1 and ($2::uuid is null or tenant_id = $2)
   order by password_hash is not null and disabled_at is null desc, created_at, id limit 1`,
);

const FIND_PASSWORD = statement(
  'users.find-password',
  `select ${COLUMNS}, password_hash from users where tenant_id = $1 and id = $2`,
);

// Held until the session is there: whoever disables the user, or changes the password, finds it and ends it.
const HOLD_LOGIN = statement(
  'users.hold-login',
  `select 1 as held from users where tenant_id = $1 and id = $2 and password_hash = $3 and disabled_at is null for share`,
);

const SET_PASSWORD = statement(
  'users.set-password',
  `update users set password_hash = $3, invitation_hash = null, invitation_expires_at = null, version = version + 1
   where tenant_id = $1 and id = $2 returning ${COLUMNS}`,
);

// The same password under dearer parameters: nothing that anybody sees changes.
const REHASH = statement('users.rehash', `update users set password_hash = $3 where tenant_id = $1 and id = $2`);

const INVITE = statement(
  'users.invite',
  `update users set invitation_hash = $3, invitation_expires_at = clock_timestamp() + $4 * interval '1 second', version = version + 1
   where tenant_id = $1 and id = $2 returning ${COLUMNS}`,
);

const LOCK_INVITED = statement(
  'users.lock-invited',
  `select ${COLUMNS} from users where invitation_hash = $1 and invitation_expires_at > clock_timestamp() and disabled_at is null
   for update`,
);

/** Makes a user. Undefined where the organisation has one with that address. */
export async function insertUser(
  tx: Transaction,
  user: UserKey & Pick<User, 'email' | 'name' | 'role'> & { readonly passwordHash: string | null },
): Promise<User | undefined> {
  const { organisation, id, email, name, role, passwordHash } = user;
  return one(await tx.rows<UserRow>(INSERT, [...keyOf({ organisation, id }), email, name, role, passwordHash]));
}

export async function findUser(db: Database, key: UserKey): Promise<User | undefined> {
  return one(await seenBy(db, { tenant: key.organisation }).rows<UserRow>(FIND, keyOf(key)));
}

export async function lockUser(tx: Transaction, key: UserKey): Promise<User | undefined> {
  return one(await tx.rows<UserRow>(LOCK, keyOf(key)));
}

/** Newest first. */
export async function listUsers(
  db: Database,
  organisation: string,
  { filter, after, limit }: Page<UserFilter>,
): Promise<User[]> {
  const place = after ? uuidOf('user', after.id) : null;
  const values = [tenantUuid(organisation), place, filter.email ?? null, filter.role ?? null, limit];
  return (await seenBy(db, { tenant: organisation }).rows<UserRow>(LIST, values)).map(toUser);
}

/** The owners who can log in, locked until the transaction ends. Before any of their own rows. */
export async function lockOwners(tx: Transaction, organisation: string): Promise<string[]> {
  const rows = await tx.rows<{ id: string }>(LOCK_OWNERS, [tenantUuid(organisation)]);
  return rows.map(({ id }) => fromUuid('user', id));
}

/** What a user is from now on, and whether an invitation that is open stays so. */
export interface ChangedUser {
  readonly name: string;
  readonly role: Role;
  readonly disabled: boolean;
  readonly staysInvited: boolean;
}

/** Changes a locked user. */
export async function updateUser(
  tx: Transaction,
  key: UserKey,
  { name, role, disabled, staysInvited }: ChangedUser,
): Promise<User> {
  return only(await tx.rows<UserRow>(UPDATE, [...keyOf(key), name, role, disabled, staysInvited]));
}

/** A user with the hash of the password, where there is one. */
export interface UserWithPassword {
  readonly user: User;
  readonly passwordHash: string | null;
}

/** A user found by the address: `isOnly` where no other organisation has one of it. */
export interface LoginFound extends UserWithPassword {
  readonly isOnly: boolean;
}

export async function findLogin(
  db: Database,
  email: string,
  organisation: string | undefined,
): Promise<LoginFound | undefined> {
  const tenant = organisation === undefined ? null : tenantUuid(organisation);
  const rows = await db.rows<UserRow & { password_hash: string | null; is_only: boolean }>(FIND_LOGIN, [email, tenant]);
  const found = withPassword(rows);
  return found && { ...found, isOnly: rows[0]?.is_only === true };
}

export async function findPassword(db: Database, key: UserKey): Promise<UserWithPassword | undefined> {
  const mine = seenBy(db, { tenant: key.organisation });
  return withPassword(await mine.rows<UserRow & { password_hash: string | null }>(FIND_PASSWORD, keyOf(key)));
}

/** Keeps the user as he was when his password was looked at, until the transaction ends. False where he is not that any more. */
export async function holdLogin(tx: Transaction, key: UserKey, passwordHash: string): Promise<boolean> {
  return (await tx.rows(HOLD_LOGIN, [...keyOf(key), passwordHash])).length === 1;
}

/** Gives a user a password; an invitation that is open ends with it. */
export async function setPassword(tx: Transaction, key: UserKey, passwordHash: string): Promise<User> {
  return only(await tx.rows<UserRow>(SET_PASSWORD, [...keyOf(key), passwordHash]));
}

export async function rehash(tx: Transaction, key: UserKey, passwordHash: string): Promise<void> {
  await tx.count(REHASH, [...keyOf(key), passwordHash]);
}

/** Invites a user to choose a password, in place of any invitation before. */
export async function inviteUser(tx: Transaction, key: UserKey, hash: Buffer, life_s: number): Promise<User> {
  return only(await tx.rows<UserRow>(INVITE, [...keyOf(key), hash, life_s]));
}

/** The user whom this invitation was given, locked. */
export async function lockInvited(tx: Transaction, hash: Buffer): Promise<User | undefined> {
  return one(await tx.rows<UserRow>(LOCK_INVITED, [hash]));
}

function keyOf({ organisation, id }: UserKey): [string, string] {
  return [tenantUuid(organisation), uuidOf('user', id)];
}

function one([row]: readonly UserRow[]): User | undefined {
  return row && toUser(row);
}

/** Of a row that this transaction has locked. */
function only([row]: readonly UserRow[]): User {
  return toUser(row as UserRow);
}

function withPassword([row]: readonly (UserRow & { password_hash: string | null })[]): UserWithPassword | undefined {
  return row && { user: toUser(row), passwordHash: row.password_hash };
}

function toUser(row: UserRow): User {
  return {
    organisation: tenantOf(row.tenant_id),
    id: fromUuid('user', row.id),
    email: row.email,
    name: row.name,
    role: row.role,
    status: row.disabled_at ? 'disabled' : row.has_password ? 'active' : 'invited',
    version: row.version,
    invitationExpiresAt: row.invitation_expires_at?.toISOString() ?? null,
    disabledAt: row.disabled_at?.toISOString() ?? null,
    createdAt: row.created_at.toISOString(),
  };
}
