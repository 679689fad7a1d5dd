import { newId } from '@payflow/contracts';
import { isConnectionLoss, OutcomeUnknown, type Database } from '@payflow/database';
import { Problem, problemBody, unavailable } from '@payflow/service';
import { findRecords, idempotencyKeyOf, type IdempotencyRecord } from '../database/acceptance.repository.js';
import { takeAnsweredKeys } from '../database/payment-bulk.repository.js';
import type { ResourceKey } from '../database/keys.js';
import type { Acceptable, Reply, Write } from './acceptable.js';
import type { BulkAsked } from './bulks.js';
import type { Outcomes } from './outcomes.js';
import { problem } from './replies.js';
import { GROUP_WEIGHT_MAX } from './request-groups.js';
import { slices } from './slices.js';
import { Turns } from './turns.js';
import type { Writes } from './writes.js';

/**
 * A thousand writes are four groups of the acceptance, a tenth of a second of it: two bulks at once leave room for all others. A
 * group of them is asked for when the one before is durable: all at once they would wait for each other, and others for all of
 * them, on a busy machine longer than anybody is let wait.
 * What waits is held in memory, and told to come back when it would have to wait much longer than its client.
 */
const TURNS = { running_max: 2, waiting_max: 32, wait_ms: 10_000 };

/** One item, read when its turn has come. Throws the problem of the item. */
export type BulkItem = () => Write;

/** What became of one item: what it would have been answered alone, or undefined while it is on its way. */
export interface BulkItemResult {
  readonly index: number;
  /** What it made, or is to make; null where it was refused at the door. */
  readonly id: string | null;
  readonly reply: Reply | undefined;
}

/** A bulk as it stands. */
export interface PaymentBulk {
  readonly id: string;
  /** In the order of the items. */
  readonly results: readonly BulkItemResult[];
  /** True for a copy of a request that was accepted before. */
  readonly isCopy: boolean;
}

/** What became of an item at the door. */
interface Taken {
  readonly key: string;
  readonly resource: string | null;
  /** Undefined while it is on its way. */
  readonly reply: Reply | undefined;
  /** What it made was made by another copy, under an id of its own. */
  readonly isCopy: boolean;
}

/**
 * Many writes of payments in one request, each accepted as if it had been asked for alone, under a key of its own that is made
 * of the bulk's id and its place. So a bulk that is sent again, after whatever went wrong, joins what was accepted before and
 * goes on with the rest, and a result that was told once stays what it was.
 */
export class PaymentBulks {
  readonly #turns = new Turns(TURNS);

  constructor(
    private readonly db: Database,
    private readonly outcomes: Outcomes,
    private readonly writes: Writes,
  ) {}

  /**
   * Accepts the items and waits for their ends until the deadline (milliseconds of `performance.now()`). `read` gives the items
   * once it is their turn. Throws the problem of a bulk that is refused as a whole.
   */
  async submit(asked: BulkAsked, read: () => Promise<readonly BulkItem[]>, deadline: number): Promise<PaymentBulk> {
    try {
      const { id, isCopy, taken } = await this.#turns.run(() => this.#accept(asked, read));
      const results = await Promise.all(taken.map((one, index) => this.#ended(asked, one, index, deadline)));
      return { id, isCopy, results };
    } catch (error) {
      if (error instanceof OutcomeUnknown || isConnectionLoss(error)) throw unavailable(error);
      throw error;
    }
  }

  async #accept(asked: BulkAsked, read: () => Promise<readonly BulkItem[]>) {
    const before = await this.#known(asked);
    const items = await read();
    const { id, isCopy } = before ?? (await this.#begin(asked));
    const keys = items.map((_, index) => ({ ...asked, idempotencyKey: `${id}/${index}` }));
    // Of a new bulk there is nothing to be found.
    const records = isCopy ? await findRecords(this.db, keys) : new Map<string, IdempotencyRecord>();
    const outcomes: (Taken | Problem)[] = [];
    for await (const slice of slices(items, GROUP_WEIGHT_MAX)) {
      const first = outcomes.length;
      const taking = slice.map((item, at) => {
        const own = keys[first + at] as BulkAsked;
        const record = records.get(idempotencyKeyOf(own));
        return record?.reply ? Promise.resolve(takenOf(own, record)) : this.#take(own, item);
      });
      outcomes.push(...(await allOf(taking)));
    }
    return { id, isCopy, taken: await this.#settled(asked, id, outcomes) };
  }

  /** The bulk that the key stands for, if there is one. Throws where it stands for another request. */
  async #known(asked: BulkAsked): Promise<{ readonly id: string; readonly isCopy: true } | undefined> {
    const record = (await findRecords(this.db, [asked])).get(idempotencyKeyOf(asked));
    if (!record) return undefined;
    if (!record.fingerprint.equals(asked.fingerprint)) throw new Problem('idempotency_key_reused');
    return { id: record.resourceId, isCopy: true };
  }

  /** The key stands for the bulk before the first item is accepted; who comes second joins it. */
  async #begin(asked: BulkAsked): Promise<{ readonly id: string; readonly isCopy: boolean }> {
    const id = newId('bulk');
    const taken = await takeAnsweredKeys(this.db, [{ ...asked, bulk: id, reply: BEGUN }]);
    if (taken.size > 0) return { id, isCopy: false };
    const first = await this.#known(asked);
    if (!first) throw unavailable();
    return first;
  }

  /** Accepts one item, and does not wait for its end. What is no fault of the item is one of the whole. */
  async #take(asked: BulkAsked, item: BulkItem): Promise<Taken | Problem> {
    try {
      const write = item();
      const acceptable: Acceptable = { ...asked, write };
      const answer = await this.writes.submit(acceptable, 0);
      const key = asked.idempotencyKey;
      if (answer.kind === 'accepted') return { key, resource: answer.resourceId, reply: undefined, isCopy: false };
      return { key, resource: write.view.id, reply: answer.reply, isCopy: answer.replayed };
    } catch (error) {
      if (error instanceof Problem && error.status < 500) return error;
      throw error;
    }
  }

  /**
   * A refusal is kept under the item's key, so that it stays one though what was missing may be there the next time. What
   * another copy of the bulk was faster with is told by the item's record.
   */
  async #settled(asked: BulkAsked, bulk: string, outcomes: readonly (Taken | Problem)[]): Promise<Taken[]> {
    const taken = outcomes.map((outcome, index): Taken => {
      if (!(outcome instanceof Problem)) return outcome;
      return { key: `${bulk}/${index}`, resource: null, reply: refusal(outcome, asked), isCopy: false };
    });
    const refused = taken.filter((_, index) => outcomes[index] instanceof Problem);
    const kept = await takeAnsweredKeys(
      this.db,
      refused.map(({ key, reply }) => ({ ...asked, idempotencyKey: key, bulk, reply: reply as Reply })),
    );
    const keyed = (one: Taken): BulkAsked => ({ ...asked, idempotencyKey: one.key });
    const others = [
      ...refused.filter((one) => !kept.has(idempotencyKeyOf(keyed(one)))),
      ...taken.filter((one) => one.isCopy),
    ];
    if (others.length === 0) return taken;
    const records = await findRecords(this.db, others.map(keyed));
    return taken.map((one): Taken => {
      const record = records.get(idempotencyKeyOf(keyed(one)));
      return record ? takenOf(keyed(one), record) : one;
    });
  }

  async #ended(asked: BulkAsked, taken: Taken, index: number, deadline: number): Promise<BulkItemResult> {
    const { tenant, livemode } = asked;
    const { key: idempotencyKey, resource } = taken;
    if (taken.reply || resource === null) return { index, id: resource, reply: taken.reply };
    return {
      index,
      id: resource,
      reply: await this.#end({ tenant, livemode, idempotencyKey, id: resource }, deadline),
    };
  }

  async #end(awaited: ResourceKey & { readonly idempotencyKey: string }, deadline: number): Promise<Reply | undefined> {
    const expectation = this.outcomes.expect(awaited);
    try {
      // Not knowing the end is no error: the item is durable, and 202 says no more than that.
      return await expectation.until(deadline).catch(() => undefined);
    } finally {
      expectation.forget();
    }
  }
}

/** That the key is taken is all there is to say: the answer is put together from those of the items. */
const BEGUN: Reply = { status: 200, headers: {}, body: '' };

/** All of them, though one may have failed before the others have ended. Throws the first failure. */
async function allOf<T>(all: readonly Promise<T>[]): Promise<T[]> {
  const settled = await Promise.allSettled(all);
  return settled.map((one) => {
    if (one.status === 'rejected') throw one.reason;
    return one.value;
  });
}

/** A refusal of the door has made no resource: its record is the bulk's. */
function takenOf({ idempotencyKey }: BulkAsked, { resourceId, reply }: IdempotencyRecord): Taken {
  const resource = idempotencyKey.startsWith(`${resourceId}/`) ? null : resourceId;
  return { key: idempotencyKey, resource, reply, isCopy: false };
}

function refusal(refused: Problem, { requestId }: BulkAsked): Reply {
  return problem(refused.code, {}, problemBody(refused.code, refused.options, { requestId }));
}
