import type { Transaction } from '@payflow/database';
import type { DisputablePayment } from '../database/dispute.repository.js';
import type { Loaded } from '../database/life.repository.js';
import { keyOf, type PaymentKey } from '../database/payment.repository.js';
import { loadSurroundings, type Surrounded } from '../database/surroundings.repository.js';
import { subjectOf } from '../limits/definitions.js';
import type { Policies } from '../limits/policy.repository.js';
import { isIncrease, reviewedBy, type CommandBatch } from './command-batch.js';
import { createdBefore, type Added, type WholeCreate } from './creates.js';
import { disputesIn } from './dispute-commands.js';
import { keysOf, loadFor, mentionedBy, type Turn } from './lives.js';

/** What a batch is about, as it stands behind the locks. */
export interface Scene extends Omit<Surrounded, 'disputable'> {
  readonly loaded: Loaded;
  /** Undefined where disputes are for themselves to load: nothing else of the batch is about payments that are there. */
  readonly disputable: readonly DisputablePayment[] | undefined;
}

export interface ToLookAt {
  readonly batch: CommandBatch;
  readonly created: { readonly added: readonly Added<WholeCreate>[]; readonly known: readonly WholeCreate[] };
  readonly asked: readonly Turn[];
}

const ALONE = {
  ...{
    answered: new Set<string>(),
    policies: new Map(),
    deleted: new Map(),
    reviews: new Map(),
    disputable: undefined,
  },
};

/**
 * Locks and reads what a batch is about. Nearly all are about payments alone, and nothing more is asked for these. In others all
 * is locked together: whoever has the windows of a limit must have all of its payments by then, or two batches would wait for each
 * other.
 */
export async function lookAround(
  tx: Transaction,
  policies: Policies,
  { batch, created, asked }: ToLookAt,
): Promise<Scene> {
  const { payments: disputed, told } = disputesIn(batch.disputes);
  const isJudged = created.added.some(({ payment }) => payment.admission !== null);
  const isAboutMore =
    batch.definitions.length + batch.decisions.length > 0 ||
    (isJudged && asked.length + disputed.length > 0) ||
    // What is added to a payment is held against limits, wherever there are any by now.
    batch.asked.some(({ type }) => type === 'payflow.payment.increment.v1') ||
    (asked.length > 0 && disputed.length > 0);
  const turns = asked.filter(isAbout(created.added));
  if (!isAboutMore) {
    const loaded = await loadFor(tx, turns);
    return { ...ALONE, loaded, creators: new Set(await createdBefore(tx, created.known)) };
  }
  const reviewed = batch.decisions.map(reviewedBy);
  return loadSurroundings(tx, policies, {
    payments: unique([...keysOf(turns), ...reviewed, ...disputed]),
    mentioned: mentionedBy(turns),
    defining: batch.definitions,
    subjects: batch.definitions.map(subjectOf),
    owners: [...batch.definitions, ...created.added.map(({ command }) => command), ...batch.asked.filter(isIncrease)],
    reviewed: unique(reviewed),
    disputed: unique(disputed),
    told,
    created: created.known.map(({ tenant, livemode, data: { id } }) => ({ tenant, livemode, id })),
  });
}

/** All but those that are about payments by steps which the batch has just inserted: of these all is known. */
function isAbout(added: readonly Added<WholeCreate>[]): (turn: Turn) => boolean {
  const fresh = new Set(
    added
      .filter(({ payment }) => payment.ledgerCommandId === null || payment.admission !== null)
      .map(({ payment }) => keyOf(payment)),
  );
  return ({ payment }) => !fresh.has(keyOf(payment));
}

function unique(keys: readonly PaymentKey[]): PaymentKey[] {
  return [...new Map(keys.map((key) => [keyOf(key), key])).values()];
}
