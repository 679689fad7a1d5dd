import { keyset, pagesOf, statement, type Database, type Statement } from '@payflow/database';

const PAGE = 5_000;
const NIL = '00000000-0000-0000-0000-000000000000';

const BY_PAYMENT = keyset('asc', 'tenant_id', 'livemode', 'id');
const DIRECT = statement(
  'cli.direct-payments',
  `select tenant_id, livemode, id, '' as step, 'payments/' || id as name, case when division is null then 'transfer' else 'group' end as kind,
     id as made, ledger_command_id as command_id, verdict_event_id as event_id, status = 'succeeded' as is_done,
     amount_minor::text as amount, asset
   from payments where ledger_command_id is not null and verdict_event_id is not null and ${BY_PAYMENT.behind(['$1', '$2', '$3'])}
   ${BY_PAYMENT.orderBy} limit ${PAGE}`,
);

// A hold that is given back has no id of its own, and whoever divides money says in the command under which it is known.
const BY_STEP = keyset('asc', 'tenant_id', 'livemode', 'operation_id', 'step');
const STEPS = statement(
  'cli.ledger-steps',
  `select s.tenant_id, s.livemode, s.operation_id as id, s.step, 'ledger_steps/' || s.operation_id || '/' || s.step as name,
     case command_type when 'payflow.hold.place.v1' then 'hold' when 'payflow.hold.void.v1' then 'change' when 'payflow.group.post.v1' then 'group'
       else 'transfer' end as kind,
     case command_type when 'payflow.hold.place.v1' then hold_id when 'payflow.hold.void.v1' then command_id
       when 'payflow.group.post.v1' then typeid_uuid(command ->> 'id') else transfer_id end as made,
     command_id, verdict_event_id as event_id, status = 'done' as is_done,
     case when command_type not in ('payflow.hold.void.v1', 'payflow.group.post.v1') then s.amount_minor::text end as amount, null as asset
   from (
     select * from ledger_steps where status <> 'asked' and ${BY_STEP.behind(['$1', '$2', '$3', '$4'])} ${BY_STEP.orderBy} limit ${PAGE}) as s
   ${BY_STEP.orderBy.replaceAll('operation_id', 's.operation_id')}`,
);

const BY_LEG = keyset('asc', 'tenant_id', 'livemode', 'transfer_id');
const LEGS = statement(
  'cli.dispute-legs',
  `select tenant_id, livemode, transfer_id as id, '' as step, 'dispute_legs/' || transfer_id as name, 'transfer' as kind, transfer_id as made,
     command_id, verdict_event_id as event_id, status = 'posted' as is_done, null as amount, null as asset
   from dispute_legs where status <> 'asked' and ${BY_LEG.behind(['$1', '$2', '$3'])}
   ${BY_LEG.orderBy} limit ${PAGE}`,
);

const VERDICTS = statement(
  'cli.verdicts-on-steps',
  `select c.nth::integer as nth, v.command_id, v.event_id,
     v.event_type in ('payflow.transfer.posted.v1', 'payflow.group.posted.v1', 'payflow.hold.placed.v1', 'payflow.hold.posted.v1',
       'payflow.hold.voided.v1') as is_done,
     case v.event_type
       when 'payflow.group.posted.v1' then (select sum((l ->> 'amount')::numeric)::text from json_array_elements(data -> 'legs') as l)
       when 'payflow.hold.posted.v1' then data ->> 'transferred' else data ->> 'amount' end as amount,
     coalesce(data ->> 'asset', data -> 'legs' -> 0 ->> 'asset') as asset
   from unnest($1::uuid[], $2::boolean[], $3::text[], $4::uuid[]) with ordinality as c (tenant_id, livemode, kind, id, nth)
   join verdicts v using (tenant_id, livemode, kind, id) cross join lateral (select v.event_data::json as data) as told`,
);

/** What payments has heard of the ledger on one command. */
interface Heard extends Record<string, unknown> {
  readonly tenant_id: string;
  readonly livemode: boolean;
  readonly id: string;
  readonly step: string;
  readonly name: string;
  /** Under which id the ledger keeps its verdict. */
  readonly kind: string;
  readonly made: string;
  readonly command_id: string;
  readonly event_id: string;
  readonly is_done: boolean;
  /** Null where it is not told. */
  readonly amount: string | null;
  readonly asset: string | null;
}

interface Said extends Record<string, unknown> {
  readonly nth: number;
  readonly command_id: string;
  readonly event_id: string;
  readonly is_done: boolean;
  readonly amount: string | null;
  readonly asset: string | null;
}

/**
 * Payments, and steps of them, that the ledger has booked otherwise than payments was told, or not at all (I5). What payments has
 * heard was committed at the ledger before, so nothing of it is on its way.
 */
export async function bookedOtherwise(payments: Database, ledger: Database): Promise<string[]> {
  const otherwise: string[] = [];
  for (const list of [DIRECT, STEPS, LEGS]) {
    for await (const heard of pages(payments, list)) otherwise.push(...(await faultsOf(ledger, heard)));
  }
  return otherwise;
}

function pages(payments: Database, list: Statement): AsyncIterable<readonly Heard[]> {
  return pagesOf<Heard>((after) => {
    const place = after ? [after.tenant_id, after.livemode, after.id] : [NIL, false, NIL];
    return payments.rows<Heard>(list, list === STEPS ? [...place, after?.step ?? ''] : place);
  });
}

async function faultsOf(ledger: Database, heard: readonly Heard[]): Promise<string[]> {
  const rows = await ledger.rows<Said>(VERDICTS, [
    heard.map(({ tenant_id }) => tenant_id),
    heard.map(({ livemode }) => livemode),
    heard.map(({ kind }) => kind),
    heard.map(({ made }) => made),
  ]);
  const said = new Map(rows.map((row) => [row.nth, row]));
  return heard.flatMap((each, at) => {
    const fault = faultOf(each, said.get(at + 1));
    return fault === undefined ? [] : [`${each.name} ${fault}`];
  });
}

function faultOf(heard: Heard, said: Said | undefined): string | undefined {
  // An id that somebody else's command has used is refused, and the first verdict on it stands.
  const isOurs = said?.command_id === heard.command_id;
  if (!heard.is_done) return isOurs && said.is_done ? 'was booked, and is not told so' : undefined;
  if (!said?.is_done || said.event_id !== heard.event_id) return 'is told as booked, and was not';
  const isSame =
    (heard.amount === null || heard.amount === said.amount) && (heard.asset === null || heard.asset === said.asset);
  return isSame ? undefined : 'was booked with another amount';
}
