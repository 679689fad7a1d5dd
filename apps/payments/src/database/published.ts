import { OPERATION_KINDS } from '@payflow/contracts';
import { inMilliseconds as ms, published } from '@payflow/database';
import { ENDED_VERSION } from './life-changes.repository.js';
import { POLICIES_PUBLISHED } from './published-policies.js';

const TIMES = `${ms('t.created_at')} as created_at, ${ms('t.updated_at')} as updated_at`;
const KINDS = Object.keys(OPERATION_KINDS)
  .map((kind) => `'${kind}'`)
  .join(', ');

/** What payments has told of: each as it stands, under the names of the members of its events. */
export const PAYMENTS_PUBLISHED = {
  // Until its first event nobody has heard of one; while it moves, what was told last is what it was.
  payments: published({
    name: 'payments',
    from: 'payments t',
    where: `t.version > 0 and t.status <> 'processing'`,
    select: `t.status, t.version, t.amount_minor, t.amount_captured_minor, t.amount_refunded_minor, t.asset, t.source_account_id,
      t.destination_account_id, t.method, t.reference, t.metadata, t.failure_code, t.failure_reason, ${TIMES}, t.capture,
      case when t.amount_authorized_minor <> t.amount_captured_minor then t.amount_authorized_minor end as amount_authorized_minor,
      t.next_action, case when t.status <> 'requires_action' then ${ms('t.authorized_until')} end as authorized_until, t.customer_id, t.retry_of_id,
      case when t.division ->> 'type' is not null then json_build_object('breakdown', t.division -> 'parts', 'type', t.division -> 'type')
        when t.division is not null then json_build_object('breakdown', t.division -> 'parts') end as division`,
  }),
  operations: published({
    name: 'operations',
    from: `payment_operations t join payments p on p.tenant_id = t.tenant_id and p.livemode = t.livemode and p.id = t.payment_id`,
    where: `t.kind in (${KINDS}) and t.status in ('succeeded', 'failed')`,
    select: `t.payment_id, t.kind, t.status, t.amount_minor, p.asset, t.failure_code, t.reason, t.metadata, ${ENDED_VERSION} as version,
      p.source_account_id, p.destination_account_id, ${TIMES}`,
  }),
  disputes: published({
    name: 'disputes',
    from: 'disputes t',
    select: `t.payment_id, t.connector, t.provider_reference, t.status, t.leg, t.leg_reason, t.amount_minor, t.asset, t.reason,
      case when t.status = 'won' then 0 else t.amount_minor end as amount_disputed_minor, t.source_account_id, t.destination_account_id,
      ${ms('t.evidence_due_by')} as evidence_due_by, ${ms('t.evidence_submitted_at')} as evidence_submitted_at, t.transfer_id,
      t.return_transfer_id, t.version, ${TIMES}`,
  }),
  ...POLICIES_PUBLISHED,
} as const;
