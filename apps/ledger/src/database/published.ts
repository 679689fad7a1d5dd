import { inMilliseconds as ms, published } from '@payflow/database';

const SAME = (alias: string): string => `${alias}.tenant_id = t.tenant_id and ${alias}.livemode = t.livemode`;

// A transfer that was asked for alone shares its id with its group, which then is nobody's. So is the group of a correction.
const ALONE = `(exists (select from reversals c where ${SAME('c')} and c.corrected_by_id = t.group_id)
  or (t.group_id = t.id and not exists (select from transfers o where ${SAME('o')} and o.group_id = t.group_id and o.id <> t.id)))`;
const GROUP = `case when not ${ALONE} then t.group_id end`;
const RATE = (member: string): string => `(v.event_data::json -> 'rate' ->> '${member}')::bigint`;

/** Of a type, the version in force. */
const NEWEST_TYPE = `not exists (select from transaction_types n where ${SAME('n')} and n.name = t.name and n.version > t.version)`;

/** What the ledger has told of: each as it stands, under the names of the members of its events. */
export const LEDGER_PUBLISHED = {
  accounts: published({
    name: 'accounts',
    from: 'accounts t',
    select: `t.state as status, t.path, t.asset, t.kind, t.overdraft, t.overdraft_limit_minor, t.posted_debits as posted_debits_minor,
      t.posted_credits as posted_credits_minor, t.pending_debits as pending_debits_minor, t.pending_credits as pending_credits_minor,
      t.metadata, t.version, t.version as terms_version, ${ms('t.created_at')} as created_at, ${ms('t.last_recorded_at')} as updated_at`,
  }),
  // What payments had booked by one transfer alone, the payment and its refunds tell.
  transfers: published({
    name: 'transfers',
    from: `transfers t left join verdicts v on ${SAME('v')} and v.kind = 'group' and v.id = t.group_id
      left join lateral (
        select m.version, m.metadata from metadata_versions m where ${SAME('m')} and m.resource = 'transfer' and m.id = t.id
        order by m.version desc limit 1) as newest on true`,
    where: `(t.group_id is not null or t.hold_id is not null)`,
    select: `'posted' as status, t.debit_account_id, t.credit_account_id, t.amount_minor, t.asset, ${GROUP} as group_id,
      case when not ${ALONE} then (select count(*) from transfers o where ${SAME('o')} and o.group_id = t.group_id
        and o.chain_position < t.chain_position) end as position,
      t.payment_id, t.hold_id, t.reverses_id,
      (select c.transfer_id from reversals c where ${SAME('c')} and c.corrected_by_id = t.id) as corrects_id,
      ${ms('coalesce(t.effective_at, t.recorded_at)')} as effective_at, ${ms('t.recorded_at')} as recorded_at,
      coalesce(newest.metadata, case when t.group_id = t.id and ${ALONE} then v.event_data::json -> 'metadata' end, '{}') as metadata,
      coalesce(newest.version, 1) as metadata_version,
      (select n.name from typed_transfers n where ${SAME('n')} and n.transfer_id = t.id) as type,
      ${RATE('numerator')} as rate_numerator, ${RATE('denominator')} as rate_denominator`,
  }),
  groups: published({
    name: 'groups',
    from: 'verdicts t',
    between: { column: 't.kind', value: `'group'` },
    where: `t.event_type = 'payflow.group.posted.v1' and t.event_data::json ->> 'corrects' is null
      and (json_array_length(t.event_data::json -> 'legs') > 1
        or right(t.event_data::json -> 'legs' -> 0 ->> 'id', 26) <> right(t.event_data::json ->> 'id', 26))`,
    select: `'posted' as status, (t.event_data::json ->> 'effective_at')::timestamptz as effective_at,
      t.event_data::json -> 'metadata' as metadata, (t.event_data::json ->> 'recorded_at')::timestamptz as recorded_at,
      (t.event_data::json -> 'rate' ->> 'numerator')::bigint as rate_numerator,
      (t.event_data::json -> 'rate' ->> 'denominator')::bigint as rate_denominator, 1 as version`,
  }),
  holds: published({
    name: 'holds',
    from: 'holds t',
    select: `t.status, t.debit_account_id, t.credit_account_id, t.amount_minor, t.posted_minor, t.asset, ${ms('t.expires_at')} as expires_at, t.payment_id,
      t.type_name as type, t.version, ${ms('t.placed_at')} as created_at, ${ms('t.changed_at')} as updated_at`,
  }),
  types: published({
    name: 'types',
    from: 'transaction_types t',
    key: { column: 'name', type: 'text' },
    where: NEWEST_TYPE,
    select: `t.version, t.debit, t.credit, t.template, ${ms('t.defined_at')} as defined_at`,
  }),
  units: published({
    name: 'units',
    from: 'units t',
    key: { column: 'code', type: 'text' },
    select: `t.scale, t.name, ${ms('t.created_at')} as created_at`,
  }),
} as const;
