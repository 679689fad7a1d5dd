/** What accounts and holds are, against an event that tells it: `told` has its `data` and its `version`. */

/** Accounts that were opened before there were kinds, states and limits are what all were then. */
export const accountDiffers = (a: string, told: string): string => `
  (${a}.path, ${a}.asset, ${a}.kind, ${a}.state, ${a}.overdraft, ${a}.overdraft_limit_minor, ${a}.metadata::text, ${a}.created_at,
      ${a}.version >= ${told}.version)
    is distinct from (${told}.data ->> 'path', ${told}.data ->> 'asset', coalesce(${told}.data ->> 'kind', 'liability'),
      coalesce(${told}.data ->> 'state', 'open'), ${told}.data ->> 'overdraft', coalesce(${told}.data ->> 'overdraft_limit', '0')::bigint,
      (${told}.data -> 'metadata')::text, (${told}.data ->> 'created_at')::timestamptz, true)`;

/** Whatever becomes of a hold is told with the whole of it. */
export const HOLD_EVENTS = `(v.kind, v.event_type) in (('hold', 'payflow.hold.placed.v1'), ('transfer', 'payflow.hold.posted.v1'),
      ('change', 'payflow.hold.voided.v1'))`;

export const toldOfHolds = (verdicts: string, where: string): string => `
    select v.tenant_id, v.livemode, case v.kind when 'hold' then v.id else typeid_uuid(data ->> 'id') end as id,
      (data ->> 'version')::bigint as version, data
    from ${verdicts} as v cross join lateral (select v.event_data::json as data) as told where ${where}`;

export const holdDiffers = (h: string, told: string): string => `
  (${h}.payment_id, ${h}.debit_account_id, ${h}.credit_account_id, ${h}.amount_minor, ${h}.asset, ${h}.posted_minor, ${h}.status, ${h}.expires_at,
      ${h}.type_name, ${h}.type_version, ${h}.changed_at)
    is distinct from (typeid_uuid(${told}.data ->> 'payment'), typeid_uuid(${told}.data -> 'debit_account' ->> 'id'),
      typeid_uuid(${told}.data -> 'credit_account' ->> 'id'), (${told}.data ->> 'amount')::bigint, ${told}.data ->> 'asset',
      (${told}.data ->> 'posted')::bigint, ${told}.data ->> 'status', (${told}.data ->> 'expires_at')::timestamptz,
      ${told}.data -> 'type' ->> 'name', (${told}.data -> 'type' ->> 'version')::bigint,
      (${told}.data ->> 'recorded_at')::timestamptz)`;

/** When it was placed, says its first event alone. */
export const placedOtherwise = (h: string, told: string): string => `
  (${told}.version = 1 and ${h}.placed_at is distinct from (${told}.data ->> 'recorded_at')::timestamptz)`;
