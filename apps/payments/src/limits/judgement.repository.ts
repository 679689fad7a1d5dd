import { uuidOf } from '@payflow/contracts';
import { RunAgain, statement, Unnested, type Transaction } from '@payflow/database';
import type { PaymentKey } from '../database/payment.repository.js';
import type { Payment } from '../domain/payment.js';
import {
  POLICIES_WIDTH,
  policiesSaved,
  policiesToSave,
  type Definition,
  type OwnedPolicy,
} from './policy.repository.js';
import { REVIEWS_WIDTH, reviewsSaved, reviewsToSave, type Review } from './review.repository.js';
import type { Growth, Reservation } from './tally.js';
import { USES_WIDTH, usesTaken, usesToTake } from './use.repository.js';

/** What stands between a payment and the ledger, where that has changed. */
export interface Admitted extends PaymentKey {
  readonly admission: NonNullable<Payment['admission']>;
  /** Of one that goes to the ledger only now; the others keep theirs. */
  readonly ledgerCommandId?: string;
}

/** All that a batch changes of limits, rules and reviews, and of what payments take of them. */
export interface JudgementChanges {
  /** Policies at their next version, and what was answered to those who defined something. */
  readonly policies: readonly OwnedPolicy[];
  readonly definitions: readonly Definition[];
  readonly growth: readonly Growth[];
  readonly reservations: readonly Reservation[];
  /** Opened or decided. */
  readonly reviews: readonly Review[];
  readonly admitted: readonly Admitted[];
}

export const NO_CHANGES: JudgementChanges = {
  ...{ policies: [], definitions: [], growth: [], reservations: [], reviews: [], admitted: [] },
};

const ADMITTED = new Unnested<Admitted>([
  ['tenant_id', 'uuid', ({ tenant }) => uuidOf('tenant', tenant)],
  ['livemode', 'boolean', ({ livemode }) => livemode],
  ['id', 'uuid', ({ id }) => uuidOf('payment', id)],
  ['admission', 'text', ({ admission }) => admission],
  ['ledger_command_id', 'uuid', ({ ledgerCommandId: id }) => (id === undefined ? null : uuidOf('event', id))],
]);
const USES_AT = 1 + POLICIES_WIDTH;
const REVIEWS_AT = USES_AT + USES_WIDTH;
const ADMITTED_AT = REVIEWS_AT + REVIEWS_WIDTH;

// All in one statement: each part writes tables of its own.
const SAVE = statement(
  'limits.save',
  `with ${policiesSaved(1)},
   ${usesTaken(USES_AT)},
   ${reviewsSaved(REVIEWS_AT)},
   admitted as (
     update payments p set admission = a.admission, ledger_command_id = coalesce(a.ledger_command_id, p.ledger_command_id),
       updated_at = clock_timestamp(), xact_id = pg_current_xact_id()
     from ${ADMITTED.from(ADMITTED_AT, 'a')}
     where p.tenant_id = a.tenant_id and p.livemode = a.livemode and p.id = a.id)
   select (select count(*) from moved)::integer as moved, (select count(*) from reviewed)::integer as reviewed`,
);

/** Writes what has changed, in one statement; none where nothing has. Throws `RunAgain` where another partition was first. */
export async function saveJudgement(tx: Transaction, changes: JudgementChanges): Promise<void> {
  const { policies, definitions, growth, reservations, reviews, admitted } = changes;
  if (Object.values(changes).every((each: readonly unknown[]) => each.length === 0)) return;
  const [row] = await tx.rows<{ moved: number; reviewed: number }>(SAVE, [
    ...policiesToSave(policies, definitions),
    ...usesToTake(growth, reservations),
    ...reviewsToSave(reviews),
    ...ADMITTED.whole(admitted),
  ]);
  if (row?.moved !== policies.length)
    throw new RunAgain('another partition defined limits or rules of the same tenant');
  if (row.reviewed !== reviews.length) throw new TypeError('a review was decided under the lock of its payment');
}
