import { fromUuid } from '@payflow/contracts';
import { keyset, pagesOf, statement, type Database } from '@payflow/database';
import { SETTLED_S, statesAgree } from '@payflow/invariants';

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

interface StateRow {
  readonly tenant_id: string;
  readonly livemode: boolean;
  readonly id: string;
  readonly status: string;
}

const NIL = '00000000-0000-0000-0000-000000000000';

/** Payments that the gateway acknowledged and the payments service does not have, or knows to have ended otherwise (I11). */
export async function acknowledgedWithoutPayment(gateway: Database, payments: Database): Promise<string[]> {
  const offending: string[] = [];
  const pages = pagesOf<StateRow>((after = { tenant_id: NIL, livemode: false, id: NIL, status: '' }) =>
    gateway.rows<StateRow>(VIEWS, [after.tenant_id, after.livemode, after.id]),
  );
  for await (const views of pages) {
    const states = await payments.rows<StateRow>(STATES, [
      views.map((v) => v.tenant_id),
      views.map((v) => v.livemode),
      views.map((v) => v.id),
    ]);
    const byKey = new Map(states.map((row) => [keyOf(row), row.status]));
    for (const view of views) {
      const status = byKey.get(keyOf(view)) ?? null;
      if (!statesAgree(view.status, status))
        offending.push(`${fromUuid('payment', view.id)} (${view.status} here, ${status ?? 'absent'} there)`);
    }
  }
  return offending;
}

function keyOf({ tenant_id, livemode, id }: StateRow): string {
  return `${tenant_id}/${livemode}/${id}`;
}
