import { crashAt } from '@payflow/contracts';
import { isUniqueViolation, OutcomeUnknown, RunAgain, type Transaction } from '@payflow/database';
import type { Staged } from '@payflow/messaging';
import { Problem } from '@payflow/service';
import { dropKeys, findRecords, idempotencyKeyOf, takeKeys } from '../database/acceptance.repository.js';
import { findContentHashes, insertBulkPending, insertBulkTransfers } from '../database/bulk-acceptance.repository.js';
import { findFirsts, markCopies } from '../database/client-id.repository.js';
import { keyOf } from '../database/keys.js';
import { insertOtherViews, removeGroupViews, removeTransferViews } from '../database/new-view.repository.js';
import { insertBulk, isBulkIdTaken } from '../database/transfer-bulk-view.repository.js';
import type { Acceptable, Write } from './acceptable.js';
import type { Door } from './acceptor.js';
import { BulkFeed, type Slice } from './bulk-feed.js';
import { stoppedBefore, withoutKnown, type BulkAcceptable, type BulkAcceptance, type BulkPlan } from './bulk.js';
import { stageCommands, withOutboxRows } from './commands.js';
import { slices } from './slices.js';

/** Rows per statement: ten statements for the largest bulk, none of which a slow database would cut off. */
const ROWS = 1_000;

/**
 * Makes bulks durable, each in a transaction of its own: key, bulk, every `pending` transfer and every command commit
 * together. What is asked for under an id that is in use is found out here, and told in the item's place.
 */
export class BulkAcceptor {
  readonly #feed: BulkFeed;

  constructor(private readonly door: Door) {
    this.#feed = new BulkFeed(door.db);
  }

  /** Its commands are on their way afterwards, the first of them at once. Throws the problem of a bulk that is refused as a whole. */
  async accept(bulk: BulkAcceptable): Promise<BulkAcceptance> {
    try {
      return await this.#acceptOnce(bulk);
    } catch (error) {
      // Whether it committed is told by the key: inserting it again waits for the lost transaction.
      if (error instanceof OutcomeUnknown) return this.#acceptOnce(bulk);
      // Another request may just have been the first under the bulk's id: then that is seen now.
      if (bulk.plan.contentHash && isIdTaken(error)) return this.#acceptOnce(bulk);
      throw error;
    }
  }

  async #acceptOnce(bulk: BulkAcceptable): Promise<BulkAcceptance> {
    let slices: readonly Slice[] = [];
    const work = async (tx: Transaction): Promise<BulkAcceptance> => {
      const taken = await takeKeys(tx, [bulk]);
      crashAt('idempotency-insert');
      if (taken.size === 0) return copyOf(tx, bulk);
      const known = await knownById(tx, bulk);
      if (known) return known;
      slices = await this.#write(tx, bulk);
      return { outcome: 'accepted' };
    };
    const acceptance = await this.door.changing([bulk], () => this.door.db.transaction(work));
    if (slices.length > 0) this.#feed.start(bulk.plan.view, slices);
    return acceptance;
  }

  async #write(tx: Transaction, bulk: BulkAcceptable): Promise<Slice[]> {
    const plan = await insertTransfers(tx, bulk);
    crashAt('payment-insert');
    const writes: readonly Write[] = [...plan.transfers.map(({ write }) => write), ...(plan.group ? [plan.group] : [])];
    const staged: Slice[] = [];
    for await (const slice of slices(writes))
      staged.push({ staged: await this.#stage(tx, bulk, slice), commands: slice.length });
    crashAt('outbox-insert');
    insertBulk(tx, { view: plan.view, idempotencyKey: bulk.idempotencyKey, commands: writes.length });
    return staged;
  }

  async #stage(tx: Transaction, bulk: BulkAcceptable, writes: readonly Write[]): Promise<Staged> {
    const accepted = writes.map((write) => acceptableOf(bulk, write));
    const staged = await stageCommands(tx, this.door.messaging, accepted);
    await insertBulkPending(tx, bulk.plan.view.id, withOutboxRows(accepted, staged, this.door.partitions));
    return staged;
  }
}

/** The id of the bulk, or that of one of its transfers. */
function isIdTaken(error: unknown): boolean {
  return isUniqueViolation(error) || (error instanceof Problem && error.code === 'id_reused');
}

/** Inserts the transfers that are asked for. Returns what is left of the plan after ids that were in use. */
function insertTransfers(tx: Transaction, bulk: BulkAcceptable): Promise<BulkPlan> {
  return bulk.plan.view.mode === 'independent' ? insertEach(tx, bulk.plan) : insertTogether(tx, bulk);
}

async function insertEach(tx: Transaction, plan: BulkPlan): Promise<BulkPlan> {
  // In id order over all statements, so that two bulks with ids in common wait for each other in one direction only.
  const sorted = [...plan.transfers].sort((a, b) => (a.write.view.id < b.write.view.id ? -1 : 1));
  const inserted = new Set<string>();
  for await (const slice of slices(sorted, ROWS))
    for (const id of await insertBulkTransfers(tx, slice)) inserted.add(id);
  const known = plan.transfers.filter(({ write }) => !inserted.has(write.view.id));
  if (known.length === 0) return plan;
  const hashes = await findContentHashes(
    tx,
    known.map(({ write }) => write.view),
  );
  const reused = known.filter(
    ({ write: { view }, contentHash }) => !contentHash || !hashes.get(keyOf(view))?.equals(contentHash),
  );
  const ids = (transfers: BulkPlan['transfers']) => new Set(transfers.map(({ write }) => write.view.id));
  return withoutKnown(plan, ids(known), ids(reused));
}

/** The transfers of one command belong to it alone: an id that is in use refuses all, or stops there. */
async function insertTogether(tx: Transaction, bulk: BulkAcceptable): Promise<BulkPlan> {
  const { plan } = bulk;
  if (!plan.group) return plan;
  const { transfers } = plan.group.view;
  const write = acceptableOf(bulk, plan.group);
  const inserted = await insertOtherViews(tx, [write]);
  const known = transfers.flatMap((view, index) => (inserted.has(keyOf(view)) ? [] : [index]));
  const [first] = known;
  if (first === undefined) return plan;
  if (plan.view.mode === 'atomic') {
    const errors = known.map((index) => ({
      pointer: `/transfers/${index}/id`,
      code: 'id_reused',
      detail: 'Is in use.',
    }));
    throw new Problem('id_reused', { errors: errors.slice(0, ERRORS_MAX) });
  }
  if (first === 0) await removeGroupViews(tx, [write], inserted);
  else
    await removeTransferViews(
      tx,
      transfers.slice(first).filter((view) => inserted.has(keyOf(view))),
    );
  return stoppedBefore(plan, first, 'id_reused');
}

/** Of a bulk that is wrong in a thousand places, the first say enough. */
const ERRORS_MAX = 50;

/** What becomes of a bulk whose id is in use: the same bulk is answered as the first, and its key stands for that from now on. */
async function knownById(tx: Transaction, bulk: BulkAcceptable): Promise<BulkAcceptance | undefined> {
  const { tenant, livemode, idempotencyKey, plan } = bulk;
  const { contentHash, formerHash, view } = plan;
  if (!contentHash) return undefined;
  const named = { tenant, livemode, idempotencyKey, kind: 'bulk', id: view.id, transfers: [], contentHash } as const;
  const former = formerHash && { ...named, contentHash: formerHash };
  // In this order: what commits between the two looks is found by the second.
  const isTaken = await isBulkIdTaken(tx, view);
  const firsts = await findFirsts(tx, former ? [named, former] : [named]);
  const first = firsts.get(named) ?? (former && firsts.get(former));
  if (first) {
    await markCopies(tx, [[named, first]]);
    return { outcome: 'joined', resourceId: first.resourceId, idempotencyKey: first.idempotencyKey };
  }
  if (!isTaken) return undefined;
  await dropKeys(tx, [bulk]);
  return { outcome: 'refused', code: 'id_reused' };
}

async function copyOf(tx: Transaction, bulk: BulkAcceptable): Promise<BulkAcceptance> {
  const record = (await findRecords(tx, [bulk])).get(idempotencyKeyOf(bulk));
  // Taken when the insert looked and gone when the select did: pruned this very moment.
  if (!record) throw new RunAgain('an idempotency record vanished');
  if (!record.fingerprint.equals(bulk.fingerprint)) return { outcome: 'refused', code: 'idempotency_key_reused' };
  // Our own, committed before the connection was lost.
  const isOwn = record.resourceId === bulk.plan.view.id && record.idempotencyKey === bulk.idempotencyKey;
  if (isOwn && !bulk.plan.contentHash) return { outcome: 'accepted' };
  return { outcome: 'joined', resourceId: record.resourceId, idempotencyKey: record.idempotencyKey };
}

function acceptableOf(bulk: BulkAcceptable, write: Write): Acceptable {
  const { tenant, livemode, actor, idempotencyKey, fingerprint, apiVersion, requestId, traceparent } = bulk;
  return { tenant, livemode, actor, idempotencyKey, fingerprint, apiVersion, requestId, traceparent, write };
}
