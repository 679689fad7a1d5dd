import { createHmac } from 'node:crypto';
import type { Database, Transaction } from '@payflow/database';
import { Problem } from '@payflow/service';
import type { Failure } from '../audit/login-entries.js';
import { subjectOf } from '../watch/networks.js';
import { addFailures, blockedFor, forgiveFailures, type LoginSubject } from '../database/login-failure.repository.js';

/** From one address: a typing error or two, and then it takes longer. */
const TOLERATED_HERE = 5;
/** From all addresses together: so many that nobody can lock a user out in passing, and so few that none finds a password. */
const TOLERATED_EVERYWHERE = 50;
const WAIT_MAX_S = 900;

/** What is tried: an e-mail address, and the organisation where the request names one. */
export interface Tried {
  readonly email: string;
  readonly organisation: string | undefined;
}

/**
 * Who fails to log in has to wait, longer each time: whoever asks for that e-mail address from that network address, and, after
 * many more, whoever asks for it from anywhere. Each organisation that is named is counted apart, and so are those who name none.
 * As named, not as found: which names share a count would tell where the address has a user, and whether anywhere.
 */
export class LoginGuard {
  readonly #key: Buffer;

  constructor(
    private readonly db: Database,
    secret: string,
  ) {
    // A key of its own: what is hashed for one purpose must never pass for another.
    this.#key = createHmac('sha256', secret).update('payflow/login/v1').digest();
  }

  subjects({ email, organisation = '' }: Tried, address: string): readonly LoginSubject[] {
    // As rates and blocks count: who has a /64 to choose from would else spend with it what is tolerated from everywhere.
    const from = subjectOf(address);
    return [
      { hash: this.#hash(`${email} ${organisation} ${from}`), tolerated: TOLERATED_HERE },
      { hash: this.#hash(`${email} ${organisation}`), tolerated: TOLERATED_EVERYWHERE },
    ];
  }

  #hash(text: string): string {
    return createHmac('sha256', this.#key).update(text).digest('hex');
  }

  /** Throws where one of them has to wait. */
  async check(subjects: readonly LoginSubject[]): Promise<void> {
    const seconds = await blockedFor(this.db, subjects);
    if (seconds > 0) throw new Problem('login_blocked', { headers: { 'retry-after': String(seconds) } });
  }

  /** Whether one of them has to wait: of a password that was let in, and has been looked at since. */
  async isBlocked(subjects: readonly LoginSubject[]): Promise<boolean> {
    return (await blockedFor(this.db, subjects)) > 0;
  }

  /** Counts a failure of each. Returns what has come of it: how many there are from everywhere, and the longest wait. */
  async failed(tx: Transaction, subjects: readonly LoginSubject[]): Promise<Failure> {
    const counted = await addFailures(tx, subjects, WAIT_MAX_S);
    const everywhere = subjects.at(-1)?.hash;
    return {
      failures: counted.find(({ subject }) => subject === everywhere)?.failures ?? 0,
      blocked_s: Math.max(0, ...counted.map(({ blocked_s }) => blocked_s)),
    };
  }

  /**
   * Forgives in the transaction of a login that is right, where whatever failed can only have been tried of that same user: who knows
   * one user's password must not have the guesses at another's forgotten. False where others have failed meanwhile, too often: a thousand guesses
   * made at once are worth no more than the first few of them. Who is told so must not be told more than a wrong password is.
   */
  async succeeded(tx: Transaction, subjects: readonly LoginSubject[], areHis: boolean): Promise<boolean> {
    const forgiven = areHis ? forgiveFailures(tx, subjects) : Promise.resolve();
    const [, blocked_s] = await Promise.all([forgiven, blockedFor(tx, subjects)]);
    return blocked_s === 0;
  }
}
