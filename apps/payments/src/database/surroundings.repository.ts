import { fromUuid } from '@payflow/contracts';
import { SideBySide, statement, type Transaction } from '@payflow/database';
import {
  ANSWERED,
  answersAsked,
  DELETED,
  deletedAsked,
  deletedFrom,
  POLICIES,
  type DeletedRow,
  type Ended,
  type OwnedPolicy,
  type Owner,
  type Policies,
  type PolicyRow,
  type Subject,
} from '../limits/policy.repository.js';
import { REVIEWS, toReview, type Review, type ReviewRow } from '../limits/review.repository.js';
import {
  DISPUTES,
  disputesAsked,
  disputesFrom,
  type DisputablePayment,
  type DisputesRow,
  type ToldDispute,
} from './dispute.repository.js';
import {
  livesAsked,
  LIVES,
  loadedFrom,
  LOCKED,
  lockLives,
  type LifeRow,
  type Loaded,
  type Mentioned,
} from './life.repository.js';
import {
  CREATORS,
  creatorsFrom,
  keyColumns,
  keyOf,
  toPayment,
  type CreatorRow,
  type PaymentKey,
  type PaymentRow,
} from './payment.repository.js';

/** What a batch is about that is about more than payments. */
export interface Surroundings {
  readonly payments: readonly PaymentKey[];
  readonly mentioned: Mentioned;
  /** Commands that define limits or rules. */
  readonly defining: readonly (Owner & { readonly id: string })[];
  /** The limits and rules that they define or delete. */
  readonly subjects: readonly Subject[];
  /** Whose limits and rules. */
  readonly owners: readonly Owner[];
  readonly reviewed: readonly PaymentKey[];
  readonly disputed: readonly PaymentKey[];
  readonly told: readonly ToldDispute[];
  /** Of which it is to be known what created them. */
  readonly created: readonly PaymentKey[];
}

/** How all of it stands, behind the locks. */
export interface Surrounded {
  readonly loaded: Loaded;
  /** Ids of those of the commands that were answered before. */
  readonly answered: ReadonlySet<string>;
  /** By `keyOfOwner`. */
  readonly policies: ReadonlyMap<string, OwnedPolicy>;
  /** Versions of limits and rules that were deleted, by `keyOfSubject`. */
  readonly deleted: ReadonlyMap<string, Ended>;
  /** By the keys of their payments. */
  readonly reviews: ReadonlyMap<string, Review>;
  readonly disputable: readonly DisputablePayment[];
  /** Ids of the messages that created them. */
  readonly creators: ReadonlySet<string>;
}

const LOCKS = new SideBySide({ answered: ANSWERED, payments: LOCKED });
const HOLD = statement('policies.hold', LOCKS.text);

const ALL = new SideBySide({
  ...{ lives: LIVES, policies: POLICIES, deleted: DELETED, reviews: REVIEWS, disputes: DISPUTES, creators: CREATORS },
});
const LOAD = statement('lives.load-more', ALL.text);

/** Locks and reads all of it in two statements: first all that is locked, then whatever lies behind the locks. */
export async function loadSurroundings(tx: Transaction, policies: Policies, about: Surroundings): Promise<Surrounded> {
  const { answered, locked } = await lock(tx, about);
  const asked = policies.asking(about.owners);
  const rows = ALL.split(
    await tx.rows(LOAD, [
      ...livesAsked(about.payments, about.mentioned),
      ...asked.values,
      ...deletedAsked(about.subjects),
      ...keyColumns(about.reviewed),
      ...disputesAsked(about.disputed, about.told),
      ...keyColumns(about.created),
    ]),
  );
  const reviews = (rows.reviews as ReviewRow[]).map(toReview);
  return {
    loaded: loadedFrom(locked, rows.lives as LifeRow[]),
    answered,
    policies: asked.take(rows.policies as PolicyRow[]),
    deleted: deletedFrom(rows.deleted as DeletedRow[]),
    reviews: new Map(reviews.map((review) => [keyOf({ ...review, id: review.payment }), review])),
    disputable: disputesFrom(rows.disputes as DisputesRow[]),
    creators: creatorsFrom(rows.creators as CreatorRow[]),
  };
}

/** Locks the policies of those who define something, and says which of the commands were answered before. */
export async function holdPolicies(tx: Transaction, defining: Surroundings['defining']): Promise<ReadonlySet<string>> {
  return (await hold(tx, defining, [])).answered;
}

async function lock(tx: Transaction, { defining, payments }: Surroundings) {
  if (defining.length > 0) return hold(tx, defining, payments);
  return { answered: new Set<string>(), locked: await lockLives(tx, payments) };
}

async function hold(tx: Transaction, defining: Surroundings['defining'], payments: readonly PaymentKey[]) {
  const rows = LOCKS.split(await tx.rows(HOLD, [...answersAsked(defining), ...keyColumns(payments)]));
  return {
    answered: new Set(rows.answered.map(({ command_id }) => fromUuid('event', command_id as string))),
    locked: (rows.payments as PaymentRow[]).map(toPayment),
  };
}
