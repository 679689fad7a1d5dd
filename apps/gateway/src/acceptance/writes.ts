import { setTimeout as delay } from 'node:timers/promises';
import { isConnectionLoss, OutcomeUnknown } from '@payflow/database';
import { Overloaded, type GroupCommit } from '@payflow/messaging';
import { Problem, unavailable } from '@payflow/service';
import { findRecords, idempotencyKeyOf } from '../database/acceptance.repository.js';
import { findFirsts, namedOf, takeCopyKey, type NamedWrite } from '../database/client-id.repository.js';
import { viewKeysOf } from '../database/new-view.repository.js';
import { findTransfer } from '../database/transfer-view.repository.js';
import type { Acceptable, Acceptance, Reply, Write } from './acceptable.js';
import { Acceptor, type Door } from './acceptor.js';
import { AccountDirectory } from './account-directory.js';
import { KeptReplies } from './kept-replies.js';
import type { Expectation, Outcomes } from './outcomes.js';
import { transferReply } from './replies.js';
import { requestGroups } from './request-groups.js';
import { UnitDirectory } from './unit-directory.js';

/** A transfer of a bulk is looked at so often until it has ended. */
const LOOK_INTERVAL_MS = 200;

/** What a request is answered with. */
export type Answer =
  | { readonly kind: 'final'; readonly reply: Reply; readonly replayed: boolean }
  /** Durable, its end to come. `resourceId` is the first copy's. */
  | { readonly kind: 'accepted'; readonly resourceId: string };

/** Told when a request has nothing left to do but to wait for its outcome. */
export type OnWait = () => void;
const nobody: OnWait = () => undefined;

/** What makes two requests copies of each other. */
export type WriteIdentity = Pick<Acceptable, 'tenant' | 'livemode' | 'idempotencyKey' | 'fingerprint' | 'apiVersion'>;

/** The way of every write through the door: check, commit with others, wait for the end. */
export class Writes {
  readonly #accounts: AccountDirectory;
  readonly #units: UnitDirectory;
  readonly #kept = new KeptReplies();
  readonly #groups: GroupCommit<Acceptable, Acceptance>;

  constructor(
    private readonly door: Door,
    private readonly outcomes: Outcomes,
  ) {
    this.#accounts = new AccountDirectory(door.db);
    this.#units = new UnitDirectory(door.db);
    const acceptor = new Acceptor(door);
    this.#groups = requestGroups({
      commit: (group) => acceptor.accept(group),
      identities: (write) => [`key ${idempotencyKeyOf(write)}`, ...viewKeysOf(write)],
      weight: ({ write }) => (write.kind === 'group' ? write.view.transfers.length : 1),
    });
  }

  /**
   * Makes the write durable and waits for its end until the deadline (milliseconds of `performance.now()`). Throws the
   * problem to answer with when it is not accepted. `onWait`: all that is left to do is to wait.
   */
  async submit(write: Acceptable, deadline: number, onWait: OnWait = nobody): Promise<Answer> {
    const kept = this.#kept.find(write);
    if (kept) return { kind: 'final', reply: kept, replayed: true };
    const { tenant, livemode, idempotencyKey } = write;
    await this.check(write.write);
    if (write.write.objection && !(await this.#isKnown(write))) throw write.write.objection;
    const own = this.outcomes.expect({ tenant, livemode, idempotencyKey, id: write.write.view.id });
    try {
      const acceptance = await this.#accept(write);
      onWait();
      switch (acceptance.outcome) {
        case 'accepted':
          return this.#keeping(write, await ended(own, write.write.view.id, deadline, false));
        case 'joined':
          return await this.#join(acceptance.idempotencyKey, write, acceptance.resourceId, deadline);
        case 'replayed':
          this.#kept.found(write, acceptance.reply);
          return { kind: 'final', reply: acceptance.reply, replayed: true };
        case 'made_by_bulk':
          return await this.#shown(write, deadline);
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
   * The answer to a copy of a write that was accepted, or undefined where neither its key is known nor what it asks for under
   * an id of its own. Throws the problem to answer with where the key stands for another request.
   */
  async standing(
    copy: WriteIdentity,
    named: NamedWrite | undefined,
    deadline: number,
    onWait: OnWait = nobody,
  ): Promise<Answer | undefined> {
    const kept = this.#kept.find(copy);
    if (kept) return { kind: 'final', reply: kept, replayed: true };
    const record = (await findRecords(this.door.db, [copy])).get(idempotencyKeyOf(copy));
    if (record && !record.fingerprint.equals(copy.fingerprint)) throw new Problem('idempotency_key_reused');
    const first = record ?? (named && (await findFirsts(this.door.db, [named])).get(named));
    if (!first) return undefined;
    if (!record && named) await this.door.db.transaction((tx) => takeCopyKey(tx, copy, named, first));
    if (record?.reply) this.#kept.found(copy, record.reply);
    if (first.reply) return { kind: 'final', reply: first.reply, replayed: true };
    onWait();
    return this.#join(first.idempotencyKey, copy, first.resourceId, deadline);
  }

  /** Throws the 422 that a write deserves which names accounts that are not there, or are of another asset. */
  async check(write: Write): Promise<void> {
    if (write.units) await this.#units.check(write.view, write.units);
    if (write.kind === 'payment') await this.#accounts.check(write.view);
    if (write.accounts) await this.#accounts.checkAll(write.view, write.accounts);
  }

  async #isKnown(write: Acceptable): Promise<boolean> {
    const named = namedOf(write);
    const [records, firsts] = await Promise.all([
      findRecords(this.door.db, [write]),
      findFirsts(this.door.db, named ? [named] : []),
    ]);
    return records.size + firsts.size > 0;
  }

  #keeping(write: Acceptable, answer: Answer): Answer {
    if (answer.kind === 'final') this.#kept.keep(write, answer.reply);
    return answer;
  }

  /** A bulk is answered whole, so no reply of its own is kept of any transfer of it. */
  async #shown({ write: { view }, requestId }: Acceptable, deadline: number): Promise<Answer> {
    for (;;) {
      const standing = await findTransfer(this.door.db, view);
      if (standing && standing.status !== 'pending')
        return { kind: 'final', reply: transferReply(standing, requestId), replayed: true };
      const left_ms = deadline - performance.now();
      if (left_ms <= 0) return { kind: 'accepted', resourceId: view.id };
      await delay(Math.min(LOOK_INTERVAL_MS, left_ms));
    }
  }

  async #join(
    idempotencyKey: string,
    { tenant, livemode }: WriteIdentity,
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
