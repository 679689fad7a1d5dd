import { fromUuid } from '@payflow/contracts';
import { keyset, statement, type Database } from '@payflow/database';

/** What moved for one payment, or in one currency: minor units. */
export interface Figures {
  readonly captured: bigint;
  readonly refunded: bigint;
  /** What disputes took, less what came back of it. */
  readonly disputed: bigint;
}

/** A payment that a connector was asked for, as payments and as the ledger know it. */
export interface OwnPage {
  readonly payment: string;
  /** What providers know it by. */
  readonly reference: string;
  readonly asset: string;
  readonly payments: Figures;
  readonly ledger: Figures;
}

/** Each page of payments makes the ledger look through its clearing accounts once. */
const PAGE = 20_000;
const NIL = '00000000-0000-0000-0000-000000000000';

const BY_KEY = keyset('asc', 'tenant_id', 'livemode', 'id');

// One that the provider was asked for and another connector carries out in the end has nothing here, though the ledger moves its
// money between the same accounts. A dispute that was won has given back what it took, and so has one of a payment
// that ended with nothing captured.
const PAYMENTS = statement(
  'cli.payments-at-provider',
  `select tenant_id, livemode, id, asset, source_account_id, connector is not null and connector <> $4 as is_elsewhere,
     case when connector = $4 then amount_captured_minor else 0 end as captured,
     case when connector = $4 then amount_refunded_minor else 0 end as refunded, coalesce(d.disputed, 0) as disputed
   from payments left join (
     select tenant_id, livemode, payment_id as id, sum(amount_minor) as disputed from disputes where connector = $4 and status <> 'won'
       and leg not in ('returning', 'returned', 'return_refused', 'waived')
     group by 1, 2, 3) as d using (tenant_id, livemode, id)
   where ${BY_KEY.behind(['$1', '$2', '$3'])}
     and (connector = $4 or (tenant_id, livemode, id) in (select tenant_id, livemode, payment_id from attempts where connector = $4))
   ${BY_KEY.orderBy} limit ${PAGE}`,
);

// What a capture takes and a refund gives back was held before; what disputes move was not.
const SUMS = `sum(t.amount_minor) filter (where t.hold_id is not null) as held, sum(t.amount_minor) filter (where t.hold_id is null) as plain`;
const OF_PAGE = `t.payment_id is not null and (t.tenant_id, t.livemode, t.payment_id) > ($4::uuid, $5::boolean, $6::uuid)
  and (t.tenant_id, t.livemode, t.payment_id) <= ($7::uuid, $8::boolean, $9::uuid)`;
const CLEARING = `unnest($1::uuid[], $2::boolean[], $3::uuid[]) as c (tenant_id, livemode, id)`;
const side = (name: 'debit' | 'credit') => `
  select t.tenant_id, t.livemode, t.payment_id, c.id as clearing, '${name}' as side, ${SUMS}
  from ${CLEARING} join transfers t on t.tenant_id = c.tenant_id and t.livemode = c.livemode and t.${name}_account_id = c.id
  where ${OF_PAGE} group by 1, 2, 3, 4`;
const MOVED = statement('cli.moved-at-clearing', `${side('debit')} union all ${side('credit')}`);

interface KeyRow {
  readonly tenant_id: string;
  readonly livemode: boolean;
  readonly id: string;
}

interface PaymentRow extends KeyRow {
  readonly asset: string;
  readonly source_account_id: string;
  /** Another connector carries it out. */
  readonly is_elsewhere: boolean;
  readonly captured: bigint;
  readonly refunded: bigint;
  /** A sum of bigint is numeric, which comes as digits. */
  readonly disputed: string;
}

interface MovedRow extends Omit<KeyRow, 'id'> {
  readonly payment_id: string;
  readonly clearing: string;
  readonly side: 'debit' | 'credit';
  /** Sums of bigint are numeric, which comes as digits. */
  readonly held: string | null;
  readonly plain: string | null;
}

/** Every payment that the connector was asked for, in pages: what payments says of it, and what the ledger moved for it. */
export async function* ownPages(
  connector: string,
  { payments, ledger }: { readonly payments: Database; readonly ledger: Database },
): AsyncGenerator<readonly OwnPage[], void> {
  let after: KeyRow = { tenant_id: NIL, livemode: false, id: NIL };
  for (;;) {
    const rows = await payments.rows<PaymentRow>(PAYMENTS, [after.tenant_id, after.livemode, after.id, connector]);
    const last = rows.at(-1);
    if (!last) return;
    const moved = await movedFor(ledger, rows, { after, last });
    yield rows.map((row) => pageOf(row, moved));
    after = last;
  }
}

async function movedFor(
  ledger: Database,
  rows: readonly PaymentRow[],
  { after, last }: { readonly after: KeyRow; readonly last: KeyRow },
): Promise<ReadonlyMap<string, MovedRow>> {
  const clearing = [
    ...new Map(rows.map((row) => [`${row.tenant_id}/${row.livemode}/${row.source_account_id}`, row])).values(),
  ];
  const moved = await ledger.rows<MovedRow>(MOVED, [
    clearing.map((row) => row.tenant_id),
    clearing.map((row) => row.livemode),
    clearing.map((row) => row.source_account_id),
    ...[after.tenant_id, after.livemode, after.id],
    ...[last.tenant_id, last.livemode, last.id],
  ]);
  return new Map(moved.map((row) => [movedKey(row, row.payment_id, row.clearing, row.side), row]));
}

function pageOf(row: PaymentRow, moved: ReadonlyMap<string, MovedRow>): OwnPage {
  const out = moved.get(movedKey(row, row.id, row.source_account_id, 'debit'));
  const back = moved.get(movedKey(row, row.id, row.source_account_id, 'credit'));
  const payment = fromUuid('payment', row.id);
  const disputed = BigInt(row.disputed);
  const booked = BigInt(back?.plain ?? 0) - BigInt(out?.plain ?? 0);
  return {
    payment,
    reference: `${fromUuid('tenant', row.tenant_id)}/${row.livemode ? 'live' : 'test'}/${payment}`,
    asset: row.asset,
    payments: { captured: row.captured, refunded: row.refunded, disputed },
    ledger: {
      captured: row.is_elsewhere ? 0n : BigInt(out?.held ?? 0),
      refunded: row.is_elsewhere ? 0n : BigInt(back?.held ?? 0),
      disputed: row.is_elsewhere && disputed === 0n ? 0n : booked,
    },
  };
}

function movedKey(owner: Omit<KeyRow, 'id'>, payment: string, clearing: string, side: 'debit' | 'credit'): string {
  return `${owner.tenant_id}/${owner.livemode}/${payment}/${clearing}/${side}`;
}
