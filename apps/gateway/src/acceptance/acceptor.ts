import { crashAt, type CrashPoint, type PARTITIONS } from '@payflow/contracts';
import { isDeterministic, OutcomeUnknown, RunAgain, type Database, type Transaction } from '@payflow/database';
import type { Messaging, Staged, StagedRows } from '@payflow/messaging';
import {
  findRecords,
  idempotencyKeyOf,
  insertPending,
  takeKeys,
  type IdempotencyRecord,
} from '../database/acceptance.repository.js';
import { addAuditEntries } from '../database/audit.repository.js';
import { insertOtherViews, insertPaymentViews, removeGroupViews, viewKeysOf } from '../database/new-view.repository.js';
import { auditEntriesOf } from '../audit/audited-writes.js';
import type { Acceptable, Acceptance } from './acceptable.js';
import type { Changing } from './changing.js';
import { stageCommands, withOutboxRows } from './commands.js';
import { inGroupSpan } from './group-span.js';
import { operationsAmong, place, takeBack } from './operations.js';
import { settleTaken } from './taken-ids.js';

export interface Door {
  readonly db: Database;
  readonly messaging: Messaging;
  readonly partitions: keyof typeof PARTITIONS;
  readonly changing: Changing;
}

interface Decided {
  readonly acceptances: readonly Acceptance[];
  readonly staged: Staged | undefined;
}

/** A member's key or id is taken: the group must be looked at member by member. Nothing is kept of the attempt. */
class NotAllNew extends Error {}

/** After a group with a copy in it, so many go step by step at once: copies come in swarms, when clients try again. */
const CAREFUL_GROUPS = 20;

/**
 * Makes groups of writes durable: key, `pending` view and command commit together, for each write whose key and id are
 * new. Nearly all are, so everything is written at once and then looked at: two round trips. A group with a copy in it is
 * rolled back and done again step by step.
 */
export class Acceptor {
  #careful = 0;

  constructor(private readonly door: Door) {}

  /** One result per member, in order. No two members may share a key or an id. Their commands are on their way afterwards. */
  async accept(group: readonly Acceptable[]): Promise<readonly Acceptance[]> {
    try {
      return await inGroupSpan(group, () => this.#acceptOnce(group));
    } catch (error) {
      // Whether it committed is told by the keys: inserting them again waits for the lost transaction, a select would not.
      if (error instanceof OutcomeUnknown) return this.#carefully(group, true);
      if (group.length === 1 || !isDeterministic(error)) throw error;
      return this.#singly(group);
    }
  }

  async #acceptOnce(group: readonly Acceptable[]): Promise<readonly Acceptance[]> {
    if (this.#careful > 0) {
      this.#careful--;
      return this.#carefully(group);
    }
    try {
      return await this.#commit(group, (tx) => this.#allAtOnce(tx, group));
    } catch (error) {
      if (!(error instanceof NotAllNew)) throw error;
      this.#careful = CAREFUL_GROUPS;
      return this.#carefully(group);
    }
  }

  /**
   * Copies of what is done are told by a look alone: no transaction, and no cache that has to forget anything. `isTried`: the
   * group may have been committed before.
   */
  async #carefully(group: readonly Acceptable[], isTried = false): Promise<readonly Acceptance[]> {
    const records = await findRecords(this.door.db, group);
    const unknown = group.filter((write) => !records.has(idempotencyKeyOf(write)));
    const results =
      unknown.length > 0 ? await this.#commit(unknown, (tx) => this.#stepByStep(tx, unknown, isTried)) : [];
    const resultOf = new Map(unknown.map((write, at) => [write, results[at] as Acceptance]));
    return group.map((write) => resultOf.get(write) ?? copyOf(write, records.get(idempotencyKeyOf(write)), isTried));
  }

  /** One member's data breaks a rule of the database: it must not take the others with it. */
  async #singly(group: readonly Acceptable[]): Promise<Acceptance[]> {
    const results: Acceptance[] = [];
    for (const write of group) results.push(...(await this.accept([write])));
    return results;
  }

  async #commit(
    group: readonly Acceptable[],
    work: (tx: Transaction) => Promise<Decided>,
  ): Promise<readonly Acceptance[]> {
    const { acceptances, staged } = await this.door.changing(group, () => this.door.db.transaction(work));
    staged?.publish();
    return acceptances;
  }

  async #allAtOnce(tx: Transaction, group: readonly Acceptable[]): Promise<Decided> {
    const [keys, payments, others, staged] = await Promise.all([
      passing('idempotency-insert', takeKeys(tx, group)),
      passing('payment-insert', insertPaymentViews(tx, group)),
      insertOtherViews(tx, group),
      passing('outbox-insert', this.#stageAll(tx, group)),
    ]);
    const views = group.reduce((sum, write) => sum + viewCountOf(write), 0);
    if (keys.size < group.length || payments.size + others.size < views) throw new NotAllNew();
    insertPending(tx, withOutboxRows(group, staged, this.door.partitions));
    addAuditEntries(tx, auditEntriesOf(group));
    return { acceptances: group.map(() => ({ outcome: 'accepted' })), staged };
  }

  /** The command of an operation is whole when its place is known; of a group without one nothing is waited for. */
  async #stageAll(tx: Transaction, group: readonly Acceptable[]): Promise<StagedRows> {
    if (operationsAmong(group).length === 0) return stageCommands(tx, this.door.messaging, group);
    const { placed } = await place(tx, group);
    if (placed.length < group.length) throw new NotAllNew();
    return stageCommands(tx, this.door.messaging, placed);
  }

  async #stepByStep(tx: Transaction, group: readonly Acceptable[], isTried: boolean): Promise<Decided> {
    const taken = await takeKeys(tx, group);
    crashAt('idempotency-insert');
    const winners = group.filter((write) => taken.has(idempotencyKeyOf(write)));
    const copies = group.filter((write) => !taken.has(idempotencyKeyOf(write)));
    const [records, others] = await Promise.all([findCopied(tx, copies), insertViews(tx, winners)]);
    crashAt('payment-insert');
    const { placed, refused } = await place(
      tx,
      winners.filter((write) => !others.has(write)),
    );
    const unplaced = await takeBack(tx, refused);
    const staged =
      placed.length > 0 ? await passing('outbox-insert', stageCommands(tx, this.door.messaging, placed)) : undefined;
    if (staged) insertPending(tx, withOutboxRows(placed, staged, this.door.partitions));
    addAuditEntries(tx, auditEntriesOf(placed));
    const acceptances = group.map((write): Acceptance => {
      const other = others.get(write) ?? unplaced.get(write);
      if (other) return other;
      const key = idempotencyKeyOf(write);
      return taken.has(key) ? { outcome: 'accepted' } : copyOf(write, records.get(key), isTried);
    });
    return { acceptances, staged };
  }
}

/** Every write goes by its crash points, whichever way it takes. */
async function passing<T>(point: CrashPoint, step: Promise<T>): Promise<T> {
  const result = await step;
  crashAt(point);
  return result;
}

async function findCopied(
  tx: Transaction,
  copies: readonly Acceptable[],
): Promise<ReadonlyMap<string, IdempotencyRecord>> {
  return copies.length > 0 ? findRecords(tx, copies) : new Map<string, IdempotencyRecord>();
}

/** Inserts the winners' views. Those that cannot have theirs are returned with what becomes of them. */
async function insertViews(tx: Transaction, winners: readonly Acceptable[]): Promise<Map<Acceptable, Acceptance>> {
  const [payments, others] = await Promise.all([insertPaymentViews(tx, winners), insertOtherViews(tx, winners)]);
  const without = winners.filter((write) => !viewKeysOf(write).every((key) => payments.has(key) || others.has(key)));
  if (without.length === 0) return new Map();
  await removeGroupViews(tx, without, others);
  return settleTaken(tx, without);
}

function copyOf(write: Acceptable, record: IdempotencyRecord | undefined, isTried: boolean): Acceptance {
  // Taken when the insert looked and gone when the select did: pruned this very moment.
  if (!record) throw new RunAgain('an idempotency record vanished');
  if (!record.fingerprint.equals(write.fingerprint)) return { outcome: 'refused', code: 'idempotency_key_reused' };
  if (record.isMadeByBulk) return { outcome: 'made_by_bulk' };
  // Our own write, committed before the connection was lost. Of one that was not tried before it is a copy's, under an id that the
  // client has given to both.
  const isOwn = isTried && record.resourceId === write.write.view.id && record.idempotencyKey === write.idempotencyKey;
  if (isOwn && !record.reply) return { outcome: 'accepted' };
  return record.reply
    ? { outcome: 'replayed', reply: record.reply }
    : { outcome: 'joined', resourceId: record.resourceId, idempotencyKey: record.idempotencyKey };
}

function viewCountOf({ write }: Acceptable): number {
  if (write.kind === 'change') return 0;
  return write.kind === 'group' ? 1 + write.view.transfers.length : 1;
}
