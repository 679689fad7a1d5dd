import { isConnectionLoss, OutcomeUnknown } from '@payflow/database';
import { Problem, unavailable } from '@payflow/service';
import { findRecords, idempotencyKeyOf } from '../database/acceptance.repository.js';
import { viewKeysOf } from '../database/new-view.repository.js';
import type { Acceptable, Acceptance, Reply, Write } from './acceptable.js';
import { Acceptor, type Door } from './acceptor.js';
import { AccountDirectory } from './account-directory.js';
import { GroupCommit, Overloaded } from './group-commit.js';
import type { Expectation, Outcomes } from './outcomes.js';
import { UnitDirectory } from './unit-directory.js';

/** What a request is answered with. */
export type Answer =
  | { readonly kind: 'final'; readonly reply: Reply; readonly replayed: boolean }
  /** Durable, its end to come. `resourceId` is the first copy's. */
  | { readonly kind: 'accepted'; readonly resourceId: string };

/** What makes two requests copies of each other. */
export type WriteIdentity = Pick<Acceptable, 'tenant' | 'livemode' | 'idempotencyKey' | 'fingerprint'>;

/** The way of every write through the door: check, commit with others, wait for the end. */
export class Writes {
  readonly #accounts: AccountDirectory;
  readonly #units: UnitDirectory;
  readonly #groups: GroupCommit<Acceptable, Acceptance>;

  constructor(
    private readonly door: Door,
    private readonly outcomes: Outcomes,
  ) {
    this.#accounts = new AccountDirectory(door.db);
    this.#units = new UnitDirectory(door.db);
    const acceptor = new Acceptor(door);
    this.#groups = new GroupCommit({
      commit: (group) => acceptor.accept(group),
      identities: (write) => [`key ${idempotencyKeyOf(write)}`, ...viewKeysOf(write)],
      weight: ({ write }) => (write.kind === 'group' ? write.view.transfers.length : 1),
    });
  }

  /**
   * Makes the write durable and waits for its end until the deadline (milliseconds of `performance.now()`). Throws the
   * problem to answer with when it is not accepted.
   */
  async submit(write: Acceptable, deadline: number): Promise<Answer> {
    const { tenant, livemode, idempotencyKey } = write;
    await this.check(write.write);
    if (write.write.objection && !(await this.#isKnown(write))) throw write.write.objection;
    const own = this.outcomes.expect({ tenant, livemode, idempotencyKey, id: write.write.view.id });
    try {
      const acceptance = await this.#accept(write);
      switch (acceptance.outcome) {
        case 'accepted':
          return await ended(own, write.write.view.id, deadline, false);
        case 'joined':
          return await this.#join(write, acceptance.resourceId, deadline);
        case 'replayed':
          return { kind: 'final', reply: acceptance.reply, replayed: true };
        case 'refused':
          throw new Problem(acceptance.code);
        default:
          return acceptance satisfies never;
      }
    } finally {
      own.forget();
    }
  }

  /**
   * The answer to a copy of a write that was accepted, or undefined where its key is not known. Throws the problem to answer
   * with where the key stands for another request.
   */
  async standing(copy: WriteIdentity, deadline: number): Promise<Answer | undefined> {
    const record = (await findRecords(this.door.db, [copy])).get(idempotencyKeyOf(copy));
    if (!record) return undefined;
    if (!record.fingerprint.equals(copy.fingerprint)) throw new Problem('idempotency_key_reused');
    if (record.reply) return { kind: 'final', reply: record.reply, replayed: true };
    return this.#join(copy, record.resourceId, deadline);
  }

  /** Throws the 422 that a write deserves which names accounts that are not there, or are of another asset. */
  async check(write: Write): Promise<void> {
    if (write.units) await this.#units.check(write.view, write.units);
    if (write.kind === 'payment') await this.#accounts.check(write.view);
    else if (write.accounts) await this.#accounts.checkAll(write.view, write.accounts);
  }

  async #isKnown(write: Acceptable): Promise<boolean> {
    return (await findRecords(this.door.db, [write])).size > 0;
  }

  async #join(
    { tenant, livemode, idempotencyKey }: WriteIdentity,
    resourceId: string,
    deadline: number,
  ): Promise<Answer> {
    const other = this.outcomes.expect({ tenant, livemode, idempotencyKey, id: resourceId });
    try {
      return await ended(other, resourceId, deadline, true);
    } finally {
      other.forget();
    }
  }

  async #accept(write: Acceptable): Promise<Acceptance> {
    try {
      return await this.#groups.submit(write);
    } catch (error) {
      if (error instanceof Overloaded || error instanceof OutcomeUnknown || isConnectionLoss(error))
        throw unavailable(error);
      throw error;
    }
  }
}

async function ended(
  expectation: Expectation,
  resourceId: string,
  deadline: number,
  replayed: boolean,
): Promise<Answer> {
  const reply = await expectation.until(deadline).catch(() => undefined);
  // Not knowing the end is no error: the write is durable, and 202 says no more than that.
  return reply ? { kind: 'final', reply, replayed } : { kind: 'accepted', resourceId };
}
