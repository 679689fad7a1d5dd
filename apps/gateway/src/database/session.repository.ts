import { fromUuid, newUuid, uuidOf } from '@payflow/contracts';
import { statement, type Database, type Transaction } from '@payflow/database';
import type { Role } from '../domain/role.js';
import type { Session, SessionEnd } from '../domain/session.js';
import { seenBy, tenantOf, tenantUuid } from './keys.js';
import type { Page } from './list-statement.js';
import type { UserKey } from './user.repository.js';

/** Who calls, as a valid access token says. */
export interface AccessToken {
  readonly session: string;
  readonly user: string;
  readonly organisation: string;
  readonly livemode: boolean;
  readonly role: Role;
  /** Milliseconds since 1970. */
  readonly expiresAt: number;
}

/** A session by the organisation and its id. */
export interface SessionKey {
  readonly organisation: string;
  readonly id: string;
}

/** Whose sessions a list shows. */
export interface SessionFilter {
  readonly user?: string;
}

/** A session's next two tokens, by their hashes, and how long they live. */
export interface TokenPair {
  readonly access: Buffer;
  readonly access_s: number;
  readonly refresh: Buffer;
  readonly refresh_s: number;
}

/** However often it is renewed: then the password is asked for again. */
const SESSION_LIFE_MAX_S = 90 * 86_400;

const COLUMNS = `id, user_id, livemode, address, user_agent, created_at, renewed_at, expires_at, ended_at, end_reason`;

const FIND_ACCESS = statement(
  'session-tokens.find-access',
  `select s.tenant_id, s.id, s.user_id, s.livemode, u.role, least(t.expires_at, s.expires_at) as expires_at
   from session_tokens t join sessions s on s.tenant_id = t.tenant_id and s.id = t.session_id
     join users u on u.tenant_id = s.tenant_id and u.id = s.user_id
   where t.hash = $1 and t.kind = 'access' and least(t.expires_at, s.expires_at) > clock_timestamp()
     and s.ended_at is null and u.disabled_at is null`,
);

const OPEN = statement(
  'sessions.open',
  `insert into sessions (tenant_id, id, user_id, livemode, address, user_agent, expires_at)
   values ($1, $2, $3, $4, $5, $6, clock_timestamp() + $7 * interval '1 second')`,
);

const ISSUE = statement(
  'session-tokens.issue',
  `insert into session_tokens (hash, tenant_id, session_id, kind, expires_at)
   values ($3, $1, $2, 'access', clock_timestamp() + $4 * interval '1 second'),
     ($5, $1, $2, 'refresh', clock_timestamp() + $6 * interval '1 second')`,
);

// The session's row is what two copies of one token meet at.
const LOCK_REFRESH = statement(
  'session-tokens.lock-refresh',
  `select s.tenant_id, s.id, s.user_id, s.livemode, t.spent_at, least(t.expires_at, s.expires_at) <= clock_timestamp() or s.ended_at is not null or u.disabled_at is not null as is_over
   from session_tokens t join sessions s on s.tenant_id = t.tenant_id and s.id = t.session_id
     join users u on u.tenant_id = s.tenant_id and u.id = s.user_id
   where t.hash = $1 and t.kind = 'refresh' for update of s, t`,
);

const SPEND = statement(
  'session-tokens.spend',
  `with spent as (update session_tokens set spent_at = clock_timestamp() where hash = $1 returning tenant_id, session_id)
   update sessions s set renewed_at = clock_timestamp(),
     expires_at = least(clock_timestamp() + $2 * interval '1 second', s.created_at + $3 * interval '1 second')
   from spent where s.tenant_id = spent.tenant_id and s.id = spent.session_id
   returning round(extract(epoch from s.expires_at - s.renewed_at))::integer as left_s`,
);

const LIST = statement(
  'sessions.list',
  `select ${COLUMNS} from sessions where tenant_id = $1 and user_id = $2 and ($3::uuid is null or id < $3)
   order by id desc limit $4`,
);

const FIND = statement('sessions.find', `select ${COLUMNS} from sessions where tenant_id = $1 and id = $2`);

const END = statement(
  'sessions.end',
  `update sessions set ended_at = clock_timestamp(), end_reason = $3
   where tenant_id = $1 and id = $2 and ended_at is null`,
);

// Of one user, whose row is locked: two of these never meet.
const END_ALL = statement(
  'sessions.end-all',
  `update sessions set ended_at = clock_timestamp(), end_reason = $4
   where tenant_id = $1 and user_id = $2 and id is distinct from $3::uuid and ended_at is null`,
);

// Of one user, whose row is locked: two of these never meet.
const LOCK_ALL = statement(
  'sessions.lock-all',
  `select id from sessions where tenant_id = $1 and user_id = $2 and ended_at is null order by id for update`,
);

const LIVE_TOKENS = statement(
  'session-tokens.live',
  `select encode(t.hash, 'hex') as hash from sessions s join session_tokens t on t.tenant_id = s.tenant_id and t.session_id = s.id
   where s.tenant_id = $1 and s.user_id = $2 and t.kind = 'access' and t.expires_at > clock_timestamp()`,
);

const PRUNE_TOKENS = statement(
  'session-tokens.prune',
  `delete from session_tokens where ctid = any (array (
     select ctid from session_tokens where expires_at < statement_timestamp() - interval '1 day' order by expires_at limit $1))`,
);

// No token of theirs is left by then.
const PRUNE = statement(
  'sessions.prune',
  `delete from sessions where ctid = any (array (
     select ctid from sessions s where expires_at < statement_timestamp() - $1 * interval '1 day'
       and not exists (select from session_tokens t where t.tenant_id = s.tenant_id and t.session_id = s.id)
     order by expires_at limit $2))`,
);

interface SessionRow {
  id: string;
  user_id: string;
  livemode: boolean;
  address: string;
  user_agent: string;
  created_at: Date;
  renewed_at: Date;
  expires_at: Date;
  ended_at: Date | null;
  end_reason: SessionEnd | null;
}

/** Whom an access token lets in; undefined where it is unknown, has expired, or its session has ended. */
export async function findAccessToken(db: Database | Transaction, hash: Buffer): Promise<AccessToken | undefined> {
  const [row] = await db.rows<
    { tenant_id: string; role: Role } & Pick<SessionRow, 'id' | 'user_id' | 'livemode' | 'expires_at'>
  >(FIND_ACCESS, [hash]);
  return (
    row && {
      session: fromUuid('session', row.id),
      user: fromUuid('user', row.user_id),
      organisation: tenantOf(row.tenant_id),
      livemode: row.livemode,
      role: row.role,
      expiresAt: row.expires_at.getTime(),
    }
  );
}

/** Opens a session with its first tokens. */
export async function openSession(
  tx: Transaction,
  { organisation, id: user }: UserKey,
  made: Pick<Session, 'livemode' | 'address' | 'userAgent'>,
  tokens: TokenPair,
): Promise<SessionKey> {
  const [tenant, uuid] = [tenantUuid(organisation), newUuid()];
  const { livemode, address, userAgent } = made;
  await Promise.all([
    tx.count(OPEN, [tenant, uuid, uuidOf('user', user), livemode, address, userAgent, tokens.refresh_s]),
    tx.count(ISSUE, [tenant, uuid, tokens.access, tokens.access_s, tokens.refresh, tokens.refresh_s]),
  ]);
  return { organisation, id: fromUuid('session', uuid) };
}

/** What a refresh token is: of which session, whether it was used before, and whether it is good for nothing any more. */
export interface RefreshToken extends SessionKey {
  readonly user: string;
  readonly livemode: boolean;
  readonly isSpent: boolean;
  readonly isOver: boolean;
}

export async function lockRefreshToken(tx: Transaction, hash: Buffer): Promise<RefreshToken | undefined> {
  const [row] = await tx.rows<{
    tenant_id: string;
    id: string;
    user_id: string;
    livemode: boolean;
    spent_at: Date | null;
    is_over: boolean;
  }>(LOCK_REFRESH, [hash]);
  return (
    row && {
      organisation: tenantOf(row.tenant_id),
      id: fromUuid('session', row.id),
      user: fromUuid('user', row.user_id),
      livemode: row.livemode,
      isSpent: row.spent_at !== null,
      isOver: row.is_over,
    }
  );
}

/** Puts new tokens in the place of a refresh token that is locked. Returns for how many seconds more the session goes on. */
export async function renewSession(
  tx: Transaction,
  spent: Buffer,
  session: SessionKey,
  tokens: TokenPair,
): Promise<number> {
  const [[renewed]] = await Promise.all([
    tx.rows<{ left_s: number }>(SPEND, [spent, tokens.refresh_s, SESSION_LIFE_MAX_S]),
    tx.count(ISSUE, [...keyOf(session), tokens.access, tokens.access_s, tokens.refresh, tokens.refresh_s]),
  ]);
  return renewed?.left_s ?? tokens.refresh_s;
}

/** Newest first, those that have ended as well, for as long as they are kept. */
export async function listSessions(
  db: Database,
  { organisation, id }: UserKey,
  { after, limit }: Page<SessionFilter>,
): Promise<Session[]> {
  const place = after ? uuidOf('session', after.id) : null;
  const values = [tenantUuid(organisation), uuidOf('user', id), place, limit];
  const rows = await seenBy(db, { tenant: organisation }).rows<SessionRow>(LIST, values);
  return rows.map(toSession);
}

export async function findSession(tx: Transaction | Database, key: SessionKey): Promise<Session | undefined> {
  const [row] = await tx.rows<SessionRow>(FIND, keyOf(key));
  return row && toSession(row);
}

/** Returns whether it was this that ended it. */
export async function endSession(tx: Transaction, key: SessionKey, reason: SessionEnd): Promise<boolean> {
  return (await tx.count(END, [...keyOf(key), reason])) === 1;
}

/** Ends the sessions of a user whose row is locked, but for one. Returns how many. */
export async function endSessions(
  tx: Transaction,
  { organisation, id }: UserKey,
  reason: SessionEnd,
  but?: string,
): Promise<number> {
  const kept = but === undefined ? null : uuidOf('session', but);
  return tx.count(END_ALL, [tenantUuid(organisation), uuidOf('user', id), kept, reason]);
}

/** Waits for refreshes of a user's sessions that are under way; the next ones wait for this transaction. */
export async function lockSessions(tx: Transaction, { organisation, id }: UserKey): Promise<void> {
  await tx.count(LOCK_ALL, [tenantUuid(organisation), uuidOf('user', id)]);
}

/** Hashes, in hexadecimal digits, of all access tokens of a user that would still let somebody in. */
export async function liveTokens(tx: Transaction | Database, { organisation, id }: UserKey): Promise<string[]> {
  const rows = await tx.rows<{ hash: string }>(LIVE_TOKENS, [tenantUuid(organisation), uuidOf('user', id)]);
  return rows.map(({ hash }) => hash);
}

/** Forgets tokens that have expired, and sessions that did so long ago; at most `limit` of each. */
export async function pruneSessions(db: Database, days: number, limit: number): Promise<void> {
  await db.count(PRUNE_TOKENS, [limit]);
  await db.count(PRUNE, [days, limit]);
}

function keyOf({ organisation, id }: SessionKey): [string, string] {
  return [tenantUuid(organisation), uuidOf('session', id)];
}

function toSession(row: SessionRow): Session {
  return {
    id: fromUuid('session', row.id),
    user: fromUuid('user', row.user_id),
    livemode: row.livemode,
    address: row.address,
    userAgent: row.user_agent,
    createdAt: row.created_at.toISOString(),
    renewedAt: row.renewed_at.toISOString(),
    expiresAt: row.expires_at.toISOString(),
    endedAt: row.ended_at?.toISOString() ?? null,
    endReason: row.end_reason,
  };
}
