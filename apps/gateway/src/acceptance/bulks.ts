import { setTimeout as delay } from 'node:timers/promises';
import { isConnectionLoss, OutcomeUnknown, type Database } from '@payflow/database';
import { Problem, unavailable } from '@payflow/service';
import { findRecords, findReplies, idempotencyKeyOf } from '../database/acceptance.repository.js';
import { findBulk, findBulkPart, findItems } from '../database/transfer-bulk-view.repository.js';
import type { ResourceKey } from '../database/keys.js';
import { bulkResults, type BulkResult, type BulkView } from '../domain/bulk.js';
import type { KeyedWrite, Reply } from './acceptable.js';
import { AccountDirectory } from './account-directory.js';
import type { Door } from './acceptor.js';
import type { BulkAcceptable, BulkPlan } from './bulk.js';
import { BulkAcceptor } from './bulk-acceptor.js';
import type { Expectation, Outcomes } from './outcomes.js';
import { slices } from './slices.js';
import { Turns } from './turns.js';
import { UnitDirectory } from './unit-directory.js';

/**
 * Each takes a connection for as long as ten thousand rows need, and the others' requests need theirs. What waits is held in
 * memory, 4 MiB of it each; it is told to come back when it would have to wait much longer than its client.
 */
const TURNS = { running_max: 2, waiting_max: 32, wait_ms: 10_000 };
/** A bulk may wait for a transfer that another request is making: it is looked for so often. */
const LOOK_INTERVAL_MS = 200;
const ITEMS_PER_READ = 2_000;

/** What the items of a bulk are checked against. */
export interface BulkNames {
  readonly accounts: AccountDirectory;
  readonly units: UnitDirectory;
}

/** A bulk before its items were read. */
export type BulkAsked = Omit<BulkAcceptable, 'plan' | 'write'>;

/** A bulk with what has become of its items. */
export interface BulkStanding {
  readonly view: BulkView;
  readonly results: readonly BulkResult[];
}

export interface BulkAnswer extends BulkStanding {
  /** True when no item is on its way any more: the same request is answered with the same from now on. */
  readonly isFinal: boolean;
  /** True for a copy of a request that was accepted before. */
  readonly isCopy: boolean;
}

/** A bulk that is durable, with the key that its end is known by: the first's. */
interface AcceptedBulk {
  readonly id: string;
  readonly idempotencyKey: string;
  readonly isCopy: boolean;
}

/** The way of every bulk through the door: its turn, its plan, one commit, and the wait for its end. */
export class Bulks {
  readonly #names: BulkNames;
  readonly #acceptor: BulkAcceptor;
  readonly #turns = new Turns(TURNS);

  constructor(
    private readonly door: Door,
    private readonly outcomes: Outcomes,
  ) {
    this.#names = { accounts: new AccountDirectory(door.db), units: new UnitDirectory(door.db) };
    this.#acceptor = new BulkAcceptor(door);
  }

  /**
   * Makes the bulk durable and waits for its end until the deadline (milliseconds of `performance.now()`). Throws the problem
   * to answer with when it is not accepted as a whole.
   */
  async submit(asked: BulkAsked, read: (names: BulkNames) => Promise<BulkPlan>, deadline: number): Promise<BulkAnswer> {
    const before = await this.#known(asked);
    const { id, idempotencyKey, isCopy } = before ?? (await this.#accept(asked, read));
    return this.#ended({ ...asked, id, idempotencyKey }, isCopy, deadline);
  }

  /** The bulk as it stands, or undefined where there is none. */
  async standing(key: ResourceKey): Promise<BulkStanding | undefined> {
    const view = await findBulk(this.door.db, key);
    if (!view) return undefined;
    const results: BulkResult[] = [];
    for await (const ids of slices(view.transfers, ITEMS_PER_READ))
      results.push(...bulkResults(view, { first: results.length, ids }, await findItems(this.door.db, view, ids)));
    return { view, results };
  }

  async #accept(asked: BulkAsked, read: (names: BulkNames) => Promise<BulkPlan>): Promise<AcceptedBulk> {
    try {
      return await this.#turns.run(async () => {
        // Copies come at once and wait for their turn behind the first.
        const before = await this.#known(asked);
        if (before) return before;
        const plan = await read(this.#names);
        const write = { kind: 'bulk', view: plan.view, contentHash: plan.contentHash } as const;
        const acceptance = await this.#acceptor.accept({ ...asked, write, plan });
        if (acceptance.outcome === 'refused') throw new Problem(acceptance.code);
        return acceptance.outcome === 'joined'
          ? { id: acceptance.resourceId, idempotencyKey: acceptance.idempotencyKey, isCopy: true }
          : { id: plan.view.id, idempotencyKey: asked.idempotencyKey, isCopy: false };
      });
    } catch (error) {
      if (error instanceof OutcomeUnknown || isConnectionLoss(error)) throw unavailable(error);
      throw error;
    }
  }

  /** The bulk that the key stands for, if there is one. Throws where it stands for another request. */
  async #known(
    asked: Pick<KeyedWrite, 'tenant' | 'livemode' | 'idempotencyKey' | 'fingerprint'>,
  ): Promise<AcceptedBulk | undefined> {
    const record = (await findRecords(this.door.db, [asked])).get(idempotencyKeyOf(asked));
    if (!record) return undefined;
    if (!record.fingerprint.equals(asked.fingerprint)) throw new Problem('idempotency_key_reused');
    return { id: record.resourceId, idempotencyKey: record.idempotencyKey, isCopy: true };
  }

  async #ended(key: BulkAsked & ResourceKey, isCopy: boolean, deadline: number): Promise<BulkAnswer> {
    const { tenant, livemode, idempotencyKey, id } = key;
    const expectation = this.outcomes.expect({ tenant, livemode, idempotencyKey, id });
    try {
      const reply = await this.#end(key, expectation, deadline);
      for (;;) {
        const standing = await this.standing(key);
        if (!standing) throw new Error('an accepted bulk is not there');
        const isFinal = standing.results.every(({ status }) => status !== 'pending');
        const left_ms = deadline - performance.now();
        if (isFinal || !reply || left_ms <= 0) return { ...standing, isFinal, isCopy };
        await delay(Math.min(LOOK_INTERVAL_MS, left_ms));
      }
    } finally {
      expectation.forget();
    }
  }

  /** A bulk may have ended long ago, or with its acceptance: that is looked for before there is anything to wait for. */
  async #end(asked: BulkAsked, expectation: Expectation, deadline: number): Promise<Reply | undefined> {
    const there = await findReplies(this.door.db, [asked]).catch(() => new Map<string, Reply>());
    // Not knowing the end is no error: the bulk is durable, and 202 says no more than that.
    return there.get(idempotencyKeyOf(asked)) ?? (await expectation.until(deadline).catch(() => undefined));
  }
}

/** The results of so many items of a bulk from `first` on, or undefined where there is no such bulk. */
export async function readResults(
  db: Database,
  key: ResourceKey,
  { first, items }: { readonly first: number; readonly items: number },
): Promise<readonly BulkResult[] | undefined> {
  const part = await findBulkPart(db, key, { first, items });
  return part && bulkResults(part, { first, ids: part.transfers }, await findItems(db, part, part.transfers));
}
