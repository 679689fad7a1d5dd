import { fromUuid } from '@payflow/contracts';
import { keyset, pagesOf, statement, type Database } from '@payflow/database';
import { SETTLED_S, statesAgree } from '@payflow/invariants';
import { lasting } from './on-its-way.js';

const PAGE = 5_000;

const BY_KEY = keyset('asc', 'tenant_id', 'livemode', 'id');
const VIEWS = statement(
  'cli.acknowledged-payments',
  `select tenant_id, livemode, id, status from payment_views
   where ${BY_KEY.behind(['$1', '$2', '$3'])} and created_at < now() - interval '${SETTLED_S} seconds'
   ${BY_KEY.orderBy} limit ${PAGE}`,
);

const STATES = statement(
  'cli.payment-states',
  `select tenant_id, livemode, id, status from payments where (tenant_id, livemode, id) in (select * from unnest($1::uuid[], $2::boolean[], $3::uuid[]))`,
);

const VIEWS_AGAIN = statement(
  'cli.acknowledged-payments-again',
  `select tenant_id, livemode, id, status from payment_views where (tenant_id, livemode, id) in (select * from unnest($1::uuid[], $2::boolean[], $3::uuid[]))`,
);

interface StateRow {
  readonly tenant_id: string;
  readonly livemode: boolean;
  readonly id: string;
  readonly status: string;
}

const NIL = '00000000-0000-0000-0000-000000000000';

interface Disagreement extends StateRow {
  /** What payments says. */
  readonly kept: string | null;
}

/**
 * Payments that the gateway acknowledged and the payments service does not have, or knows to have ended otherwise (I11). The two are
 * asked one after the other, and one hears from the other: what has only just changed is looked at again.
 */
export async function acknowledgedWithoutPayment(gateway: Database, payments: Database): Promise<string[]> {
  const found: Disagreement[] = [];
  const pages = pagesOf<StateRow>((after = { tenant_id: NIL, livemode: false, id: NIL, status: '' }) =>
    gateway.rows<StateRow>(VIEWS, [after.tenant_id, after.livemode, after.id]),
  );
  for await (const views of pages) found.push(...(await disagreeing(views, payments)));
  // So many are not on their way at one time.
  const left =
    found.length > PAGE
      ? found
      : await lasting(found, async (those) =>
          disagreeing(await gateway.rows<StateRow>(VIEWS_AGAIN, columnsOf(those)), payments),
        );
  return left.map(({ id, status, kept }) => `${fromUuid('payment', id)} (${status} here, ${kept ?? 'absent'} there)`);
}

async function disagreeing(views: readonly StateRow[], payments: Database): Promise<Disagreement[]> {
  const states = await payments.rows<StateRow>(STATES, columnsOf(views));
  const byKey = new Map(states.map((row) => [keyOf(row), row.status]));
  return views
    .map((view) => ({ ...view, kept: byKey.get(keyOf(view)) ?? null }))
    .filter(({ status, kept }) => !statesAgree(status, kept));
}

function columnsOf(rows: readonly StateRow[]): [string[], boolean[], string[]] {
  return [rows.map((row) => row.tenant_id), rows.map((row) => row.livemode), rows.map((row) => row.id)];
}

function keyOf({ tenant_id, livemode, id }: StateRow): string {
  return `${tenant_id}/${livemode}/${id}`;
}
