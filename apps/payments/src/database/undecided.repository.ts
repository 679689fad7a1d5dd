import { fromUuid, uuidOf } from '@payflow/contracts';
import { statement, type Database, type Row } from '@payflow/database';
import type { PaymentKey } from './payment.repository.js';

/** A dispute whose provider has not told how it ended. */
export interface UndecidedDispute extends PaymentKey {
  readonly connector: string;
  readonly reference: string;
  /** Null where the provider has not told until when it takes evidence. */
  readonly evidenceDueBy: Date | null;
}

// Written out, as its index has it. Wherever the money is: that the ledger has refused it says nothing of what the provider decides.
// A clock of its own, because the sweeper moves `swept_at` of what was refused at least once an hour.
const TAKE = statement(
  'disputes.take-undecided',
  `update disputes set asked_at = clock_timestamp()
   where (tenant_id, livemode, id) in (
     select tenant_id, livemode, id from disputes
     where status in ('needs_response', 'under_review')
       and connector = any ($1::text[]) and asked_at < statement_timestamp() - $2 * interval '1 millisecond'
     order by asked_at limit $3 for update skip locked)
   returning tenant_id, livemode, payment_id, connector, provider_reference, evidence_due_by`,
);

// One that somebody has under their lock is left to them: who has locked another would be waited for.
const GIVE_BACK = statement(
  'disputes.give-back-undecided',
  `update disputes set asked_at = clock_timestamp() - $5 * interval '1 millisecond'
   where (tenant_id, livemode, id) in (
     select d.tenant_id, d.livemode, d.id from disputes d
       join unnest($1::uuid[], $2::boolean[], $3::text[], $4::text[]) as n (tenant_id, livemode, connector, provider_reference)
         using (tenant_id, livemode, connector, provider_reference)
     for update of d skip locked)`,
);

interface TakenRow extends Row {
  tenant_id: string;
  livemode: boolean;
  payment_id: string;
  connector: string;
  provider_reference: string;
  evidence_due_by: Date | null;
}

/** Takes disputes at these connectors that nobody has asked about for so long, and notes that somebody does. */
export async function takeUndecided(
  db: Database,
  connectors: readonly string[],
  wait_ms: number,
  limit: number,
): Promise<UndecidedDispute[]> {
  return (await db.rows<TakenRow>(TAKE, [connectors, wait_ms, limit])).map((row) => ({
    tenant: fromUuid('tenant', row.tenant_id),
    livemode: row.livemode,
    id: fromUuid('payment', row.payment_id),
    connector: row.connector,
    reference: row.provider_reference,
    evidenceDueBy: row.evidence_due_by,
  }));
}

/** Nobody has asked about these after all: they are due as before, behind those that are due for longer. */
export async function giveBackUndecided(
  db: Database,
  disputes: readonly UndecidedDispute[],
  wait_ms: number,
): Promise<void> {
  if (disputes.length === 0) return;
  await db.count(GIVE_BACK, [
    disputes.map(({ tenant }) => uuidOf('tenant', tenant)),
    disputes.map(({ livemode }) => livemode),
    disputes.map(({ connector }) => connector),
    disputes.map(({ reference }) => reference),
    wait_ms,
  ]);
}
