import { OutcomeUnknown, type Database, type Transaction } from '@payflow/database';
import { Problem } from '@payflow/service';
import { counter } from '@payflow/telemetry';
import { invitationAccepted, loggedIn, loginsFailed, sessionStolen, type Doorstep } from '../audit/login-entries.js';
import type { GatewayCaches } from '../cache/gateway-caches.js';
import { TAGS } from '../cache/catalogue.js';
import { addAuditEntries } from '../database/audit.repository.js';
import type { LoginSubject } from '../database/login-failure.repository.js';
import {
  endSession,
  endSessions,
  findAccessToken,
  liveTokens,
  lockRefreshToken,
  openSession,
  renewSession,
  type SessionKey,
  type TokenPair,
} from '../database/session.repository.js';
import {
  findLogin,
  holdLogin,
  rehash,
  setPassword,
  lockInvited,
  type UserKey,
  type UserWithPassword,
} from '../database/user.repository.js';
import type { User } from '../domain/user.js';
import type { Watch } from '../watch/watch.js';
import type { LoginGuard, Tried } from './login-guard.js';
import type { IsDone } from './own-writes.js';
import { atAddress, type Passwords } from './passwords.js';
import { hashToken, newToken } from './tokens.js';

/** How long tokens live, seconds. */
export interface TokenLives {
  readonly access_s: number;
  readonly refresh_s: number;
}

/** Where a login comes from, for whoever looks at the sessions and the audit log later. */
export interface Origin {
  readonly at: Doorstep;
  readonly userAgent: string;
}

/** What a client is given: the only time that the tokens can be seen. */
export interface Granted {
  readonly session: SessionKey;
  readonly accessToken: string;
  readonly refreshToken: string;
  /** How long they live: never longer than the session. */
  readonly lives: TokenLives;
}

interface Pair {
  readonly tokens: TokenPair;
  readonly accessToken: string;
  readonly refreshToken: string;
}

/** What came of a token, as long as its COMMIT stands. */
interface Done {
  readonly given: Granted | undefined;
  /** Hashes of access tokens that let nobody in any more. */
  readonly ended: readonly string[];
}

/** A password, and whose turn it is to have one looked at. */
export interface PasswordTried extends Tried {
  readonly password: string;
  readonly whose: string;
}

/** How the password of an account is checked. */
export interface PasswordCheck<Found> {
  readonly find: () => Promise<Found | undefined>;
  /** Another way to look at it than any password is looked at. */
  readonly isRight?: (kept: string | null | undefined) => Promise<boolean>;
  /** Whether it was right when it was sent, and has been changed by that: such a copy guesses nothing, and is not counted. */
  readonly isDone?: IsDone;
}

/** The ways to a session: a password, a refresh token, an invitation. */
export class Logins {
  readonly #logins = counter('payflow_logins_total', 'Attempts to get a session, by way and outcome.', [
    'way',
    'outcome',
  ]);

  constructor(
    private readonly db: Database,
    private readonly caches: GatewayCaches,
    private readonly passwords: Passwords,
    private readonly guard: LoginGuard,
    private readonly watch: Pick<Watch, 'admitTry' | 'forgetTry'>,
    private readonly lives: TokenLives,
  ) {}

  /** A session for who knows the password. Whether the address is known, and whose it is, takes as long as anything else. */
  async byPassword(
    {
      email,
      password,
      organisation,
    }: { readonly email: string; readonly password: string; readonly organisation?: string },
    { at, userAgent }: Origin,
  ): Promise<Granted> {
    const { livemode, address } = at;
    return this.#counted('password', async () => {
      const tried = { email, organisation, password, whose: atAddress(address) };
      const found = await this.checkPassword(tried, at, {
        find: () => findLogin(this.db, email, organisation),
        isRight: (kept) => this.#isRightThisTry(tried, kept),
      });
      const isOutdated = this.passwords.isOutdated(found.passwordHash);
      const fresh = isOutdated ? await this.passwords.hash(password, tried.whose) : undefined;
      const subjects = this.guard.subjects(tried, address);
      // Whose password is tried where no organisation is named may change from one request to the next, if it can be two's.
      const areHis = organisation !== undefined || found.isOnly;
      const pair = this.#pair();
      const opened = this.db.transaction(async (tx) => {
        const key = keyOf(found.user);
        // Sent together: where one of the first two says no, the third is rolled back with them.
        const [isInTime, isHeld, session] = await Promise.all([
          this.guard.succeeded(tx, subjects, areHis),
          holdLogin(tx, key, found.passwordHash),
          openSession(tx, key, { livemode, address, userAgent }, pair.tokens),
        ]);
        if (!isInTime || !isHeld) throw new Problem('credentials_invalid');
        if (fresh !== undefined) await rehash(tx, key, fresh);
        addAuditEntries(tx, [loggedIn(found.user, at, session.id)]);
        return granted(session, pair);
      });
      return opened.catch(async (error: unknown) => {
        // Whoever sees how long the wait has become knows how many were wrong: one that counted for nothing would be the right one.
        if (error instanceof Problem && error.code === 'credentials_invalid')
          await this.#failed(found.user, subjects, at);
        throw error;
      });
    });
  }

  /**
   * Whose password this is. Throws 401 where it is nobody's, and counts that, and writes it down where it is told whose it is not;
   * 429 where it must not be tried now. Of many that are tried at once, those that are looked at when too many others were wrong
   * are refused as wrong, all of them: of a hundred guesses the one that is told to wait would be the password.
   */
  async checkPassword<Found extends UserWithPassword>(
    tried: PasswordTried,
    at: Doorstep,
    { find, isRight: look = (kept) => this.#isRight(tried, kept), isDone }: PasswordCheck<Found>,
  ): Promise<Found & { readonly passwordHash: string }> {
    const subjects = this.guard.subjects(tried, at.address);
    const [found] = await Promise.all([find(), this.guard.check(subjects)]);
    const isRight = await look(found?.passwordHash);
    // Asked for a wrong one, too: it must take as long.
    const isLate = await this.guard.isBlocked(subjects);
    if (!isRight || isLate || !found?.passwordHash || found.user.status === 'disabled') {
      if (!(await isDone?.())) await this.#failed(found?.user, subjects, at);
      throw new Problem('credentials_invalid');
    }
    return { ...found, passwordHash: found.passwordHash };
  }

  #isRight({ password, whose }: PasswordTried, kept: string | null | undefined): Promise<boolean> {
    return this.passwords.isRight(password, kept, whose);
  }

  /**
   * Counts it as a try to log in to the account, here and not at the door: what is malformed, what the lock-out refuses and what no
   * turn came for tries nothing, and whoever sends it would use up the tries of the one whose account it is.
   */
  async #isRightThisTry(tried: PasswordTried, kept: string | null | undefined): Promise<boolean> {
    this.watch.admitTry(tried);
    try {
      return await this.#isRight(tried, kept);
    } catch (error) {
      this.watch.forgetTry(tried);
      throw error;
    }
  }

  async #failed(user: User | undefined, subjects: readonly LoginSubject[], at: Doorstep): Promise<void> {
    await this.db.transaction(async (tx) => {
      const failure = await this.guard.failed(tx, subjects);
      // With COMMIT: what it takes is far below what a password takes now more and now less, and too few may be tried to tell.
      addAuditEntries(tx, loginsFailed(user, at, failure));
    });
  }

  /** The next tokens of a session. A token that comes a second time ends it: one of the two who have it has stolen it. */
  async byRefreshToken(token: string, at: Doorstep): Promise<Granted> {
    return this.#counted('refresh_token', async () => {
      const [hash, pair] = [hashToken(token), this.#pair()];
      const { given } = await this.#despiteLoss((tx, lost) => this.#renew(tx, hash, pair, { at, lost }));
      if (!given) throw new Problem('refresh_token_reused');
      return given;
    });
  }

  async #renew(
    tx: Transaction,
    hash: Buffer,
    pair: Pair,
    { at, lost }: { readonly at: Doorstep; readonly lost: Done | undefined },
  ): Promise<Done> {
    const found = await lockRefreshToken(tx, hash);
    if (!found) throw new Problem('refresh_token_invalid');
    if (found.isSpent) {
      if (lost?.given && (await findAccessToken(tx, pair.tokens.access))) return lost;
      const key = { organisation: found.organisation, id: found.user };
      // Once: the token may come again and again.
      if (await endSession(tx, found, 'token_reused'))
        addAuditEntries(tx, [sessionStolen(key, { ...at, livemode: found.livemode }, found.id)]);
      return { given: undefined, ended: await liveTokens(tx, key) };
    }
    if (found.isOver) throw new Problem('refresh_token_invalid');
    return { given: granted(found, pair, await renewSession(tx, hash, found, pair.tokens)), ended: [] };
  }

  /** A session for who was invited, and has now chosen a password. */
  async byInvitation(token: string, password: string, { at, userAgent }: Origin): Promise<Granted> {
    const { livemode, address } = at;
    return this.#counted('invitation', async () => {
      const hash = hashToken(token);
      const pair = this.#pair();
      // Looked at first: only who has an invitation makes us work for it.
      if (!(await this.db.transaction((tx) => lockInvited(tx, hash)))) throw new Problem('invitation_invalid');
      const passwordHash = await this.passwords.hash(password, atAddress(address));
      const { given } = await this.#despiteLoss(async (tx, lost) => {
        const user = await lockInvited(tx, hash);
        if (!user && lost && (await findAccessToken(tx, pair.tokens.access))) return lost;
        if (!user) throw new Problem('invitation_invalid');
        const accepted = await setPassword(tx, keyOf(user), passwordHash);
        await endSessions(tx, keyOf(user), 'password_changed');
        // After it: a refresh that was under way has given its token by then.
        const stale = await liveTokens(tx, keyOf(user));
        const session = await openSession(tx, keyOf(user), { livemode, address, userAgent }, pair.tokens);
        addAuditEntries(tx, [invitationAccepted(user, accepted, at, session.id)]);
        return { given: granted(session, pair), ended: stale };
      });
      return given as Granted;
    });
  }

  /**
   * What uses a token up. A COMMIT without an answer may stand, or be about to: done again, it waits for the lost one at the row of the
   * token, and finds that used up, by what was lost or by another. What was ended lets nobody in, whatever becomes of this.
   */
  async #despiteLoss(work: (tx: Transaction, lost: Done | undefined) => Promise<Done>): Promise<Done> {
    let done: Done | undefined;
    const run = (lost?: Done): Promise<Done> => this.db.transaction(async (tx) => (done = await work(tx, lost)));
    try {
      return await run().catch((error: unknown) => {
        if (error instanceof OutcomeUnknown) return run(done);
        throw error;
      });
    } finally {
      await this.forget(done?.ended ?? []);
    }
  }

  /** Has access tokens, by their hashes, looked up anew everywhere. After COMMIT. */
  forget(tokens: readonly string[]): Promise<void> {
    return this.caches.all.forget(tokens.map(TAGS.accessToken));
  }

  #pair(): Pair {
    const [access, refresh] = [newToken('at'), newToken('rt')];
    const tokens = { access: access.hash, refresh: refresh.hash, ...this.lives };
    return { tokens, accessToken: access.token, refreshToken: refresh.token };
  }

  async #counted<T>(way: string, work: () => Promise<T>): Promise<T> {
    try {
      const result = await work();
      this.#logins.inc({ way, outcome: 'granted' });
      return result;
    } catch (error) {
      this.#logins.inc({ way, outcome: error instanceof Problem ? error.code : 'error' });
      throw error;
    }
  }
}

function keyOf({ organisation, id }: User): UserKey {
  return { organisation, id };
}

/** `left_s`: for how many seconds the session goes on. */
function granted(
  { organisation, id }: SessionKey,
  { accessToken, refreshToken, tokens: { access_s, refresh_s } }: Pair,
  left_s = refresh_s,
): Granted {
  const lives = { access_s: Math.min(access_s, left_s), refresh_s: left_s };
  return { session: { organisation, id }, accessToken, refreshToken, lives };
}
