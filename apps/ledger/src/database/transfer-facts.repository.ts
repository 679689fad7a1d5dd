import { fromUuid } from '@payflow/contracts';
import type { Booked } from '../domain/transfer-change.js';

/** What is known of booked transfers; `$at` is where the three parameters that name them begin. One lies in one of many months. */
export const BOOKED = (at: number): string => `
   select t.tenant_id, t.livemode, 'booked', null, t.id, json_build_object('debit', t.debit_account_id, 'credit', t.credit_account_id,
     'amount', t.amount_minor::text, 'asset', t.asset, 'payment', t.payment_id, 'group', t.group_id, 'hold', t.hold_id,
     'reverses', t.reverses_id, 'corrects', c.transfer_id, 'effective_at', coalesce(t.effective_at, t.recorded_at),
     'recorded_at', t.recorded_at, 'version', coalesce((
       select max(m.version) from metadata_versions m
       where m.tenant_id = t.tenant_id and m.livemode = t.livemode and m.resource = 'transfer' and m.id = t.id), 1))
   from transfers t
   left join reversals c on c.tenant_id = t.tenant_id and c.livemode = t.livemode and c.corrected_by_id = t.id
   where (t.tenant_id, t.livemode, t.id) in (select * from unnest($${at}::uuid[], $${at + 1}::boolean[], $${at + 2}::uuid[]))`;

export interface BookedFacts {
  readonly debit: string;
  readonly credit: string;
  readonly amount: string;
  readonly asset: string;
  readonly payment: string | null;
  readonly group: string | null;
  readonly hold: string | null;
  readonly reverses: string | null;
  readonly corrects: string | null;
  readonly effective_at: string;
  readonly recorded_at: string;
  readonly version: number;
}

export function toBooked(facts: BookedFacts): Booked {
  return {
    debitAccount: fromUuid('account', facts.debit),
    creditAccount: fromUuid('account', facts.credit),
    amount: BigInt(facts.amount),
    asset: facts.asset,
    payment: facts.payment && fromUuid('payment', facts.payment),
    group: facts.group && fromUuid('group', facts.group),
    hold: facts.hold && fromUuid('hold', facts.hold),
    reverses: facts.reverses && fromUuid('transfer', facts.reverses),
    corrects: facts.corrects && fromUuid('transfer', facts.corrects),
    effectiveAt: new Date(facts.effective_at).toISOString(),
    recordedAt: new Date(facts.recorded_at).toISOString(),
    version: facts.version,
  };
}
