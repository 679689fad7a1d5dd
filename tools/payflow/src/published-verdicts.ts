import { isDeepStrictEqual } from 'node:util';
import { uuidOf } from '@payflow/contracts';
import { statement, type Database } from '@payflow/database';
import { NIL, type ArchivedEvent, type ArchivedPlace, type Published } from './archived-events.js';

/** Verdicts that one statement reads. */
const VERDICTS_MAX = 20_000;

/** Under which kind of id the ledger keeps what it told. Refusals change nothing, and some of them leave no verdict. */
const KIND_OF = {
  'payflow.transfer.posted.v1': 'transfer',
  'payflow.hold.posted.v1': 'transfer',
  'payflow.group.posted.v1': 'group',
  'payflow.account.opened.v1': 'account',
  'payflow.account.updated.v1': 'change',
  'payflow.transfer.updated.v1': 'change',
  'payflow.hold.placed.v1': 'hold',
  'payflow.hold.voided.v1': 'change',
  'payflow.asset.defined.v1': 'change',
  'payflow.transaction_type.defined.v1': 'change',
  'payflow.period.closed.v1': 'period',
} as const;
type Told = keyof typeof KIND_OF;

const PERIOD_CLOSER = 'ledger/period-closer';

type LedgerEvent = ArchivedEvent<Told, { readonly transfer: string }>;

const KEPT = statement(
  'cli.kept-terms',
  `select c.nth::integer as nth, v.event_data as told from unnest($1::uuid[], $2::boolean[], $3::text[], $4::uuid[], $5::uuid[], $7::uuid[])
     with ordinality as c (tenant_id, livemode, kind, id, event_id, command_id, nth)
   join verdicts v on v.tenant_id = c.tenant_id and v.livemode = c.livemode and v.kind = c.kind and v.id = c.id and v.event_id = c.event_id
     and v.command_id = c.command_id
   union all
   select c.nth::integer, p.event_data from unnest($1::uuid[], $2::boolean[], $3::text[], $5::uuid[], $6::text[])
     with ordinality as c (tenant_id, livemode, kind, event_id, month, nth)
   join periods p on p.tenant_id = c.tenant_id and p.livemode = c.livemode and p.month = c.month and p.event_id = c.event_id
   where c.kind = 'period'`,
);

/** The outbox keeps messages for eight days, and I18 looks at them. */
const TOLD_FOR_CERTAIN = "interval '9 days'";

const VERDICTS = statement(
  'cli.kept-verdicts',
  `select tenant_id, livemode, kind, id, event_id, event_type = any ($5::text[]) and uuid_time(event_id) < now() - ${TOLD_FOR_CERTAIN} as is_settled
   from verdicts where (tenant_id, livemode, kind, id) > ($1::uuid, $2::boolean, $3, $4::uuid) and kind in ('account', 'change', 'hold')
   order by tenant_id, livemode, kind, id limit ${VERDICTS_MAX}`,
);

// Of what was told before there was an archive it knows nothing: it begins, for each, with the first that it has.
const NEVER_ARCHIVED = statement(
  'cli.never-archived',
  `select c.event_id from unnest($1::uuid[], $2::boolean[], $3::uuid[]) as c (tenant_id, livemode, event_id)
   where not exists (
     select from archived_events e where e.tenant_id = c.tenant_id and e.livemode = c.livemode and e.event_id = c.event_id)
     and c.event_id > (
       select e.event_id from archived_events e where e.tenant_id = c.tenant_id and e.livemode = c.livemode order by e.event_id limit 1)`,
);

interface KeptVerdict extends ArchivedPlace {
  readonly kind: string;
  readonly id: string;
  readonly is_settled: boolean;
}

/** And verdicts on terms that nobody was ever told: made up later, under an id of long ago, for a row to agree with. */
export async function verdictsNeverPublished(ledger: Database, archiver: Database): Promise<string[]> {
  const unlike: string[] = [];
  for (let after: unknown[] = [NIL, false, '', NIL]; ;) {
    const kept: KeptVerdict[] = await ledger.rows<KeptVerdict>(VERDICTS, [...after, Object.keys(KIND_OF)]);
    const settled = kept.filter(({ is_settled }) => is_settled);
    const missing = await archiver.rows<{ event_id: string }>(NEVER_ARCHIVED, [
      settled.map(({ tenant_id }) => tenant_id),
      settled.map(({ livemode }) => livemode),
      settled.map(({ event_id }) => event_id),
    ]);
    const missed = new Set(missing.map(({ event_id }) => event_id));
    unlike.push(
      ...settled
        .filter(({ event_id }) => missed.has(event_id))
        .map(({ kind, id }) => `verdicts/${kind}/${id} was never published`),
    );
    const last = kept.at(-1);
    if (!last) return unlike;
    after = [last.tenant_id, last.livemode, last.kind, last.id];
  }
}

/**
 * What the archive has of the ledger's word, of which that says something else today, or nothing (I16): whoever writes a row and its
 * verdict anew, as if it had always been so, has not written what was published. Or it is the archive that somebody has written.
 */
export const publishedVerdicts: Published<Told, LedgerEvent['data']> = {
  types: Object.keys(KIND_OF) as Told[],
  faultsOf,
};

async function faultsOf(ledger: Database, published: readonly LedgerEvent[]): Promise<string[]> {
  const rows = await ledger.rows<{ nth: number; told: string }>(KEPT, [
    published.map(({ tenant_id }) => tenant_id),
    published.map(({ livemode }) => livemode),
    published.map(kindOf),
    published.map(idOf),
    published.map(({ event_id }) => event_id),
    published.map(({ subject }) => subject),
    published.map(({ causation_id }) => uuidOf('event', causation_id)),
  ]);
  const kept = new Map(rows.map(({ nth, told }) => [nth, told]));
  return published.flatMap((event, at) => {
    const told = kept.get(at + 1);
    if (told !== undefined && isDeepStrictEqual(JSON.parse(told), event.data)) return [];
    return [`${event.subject} ${told === undefined ? 'was published and is gone' : 'is not what was published'}`];
  });
}

/** A month is closed in its row; whoever asks for it again gets a verdict that tells it as it stands. */
function kindOf({ type, actor }: LedgerEvent): string {
  const kind = KIND_OF[type];
  return kind === 'period' && actor !== PERIOD_CLOSER ? 'change' : kind;
}

function idOf(event: LedgerEvent): string | null {
  switch (kindOf(event)) {
    case 'transfer':
      return uuidOf('transfer', event.type === 'payflow.hold.posted.v1' ? event.data.transfer : event.subject);
    case 'group':
      return uuidOf('group', event.subject);
    case 'account':
      return uuidOf('account', event.subject);
    case 'hold':
      return uuidOf('hold', event.subject);
    case 'change':
      return uuidOf('event', event.causation_id);
    default:
      return null;
  }
}
