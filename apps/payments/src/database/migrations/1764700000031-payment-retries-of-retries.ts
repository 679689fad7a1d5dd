import { SqlMigration } from '@payflow/database';

/**
 * The one place of all retries that go back to the same payment, where retries of retries had places of their own. Reads `payments`
 * once for the retries that are there; locks nothing that is in use.
 */
export class PaymentRetriesOfRetries1764700000031 extends SqlMigration {
  readonly sql = `
with recursive up as (
  select tenant_id, livemode, id, retry_of_id as root_id, status, created_at from payments where retry_of_id is not null
  union all
  select u.tenant_id, u.livemode, u.id, p.retry_of_id, u.status, u.created_at
  from up u join payments p on p.tenant_id = u.tenant_id and p.livemode = u.livemode and p.id = u.root_id
  where p.retry_of_id is not null)
insert into payment_retries
select distinct on (tenant_id, livemode, root_id) tenant_id, livemode, root_id, id
from up u
where not exists (
  select from payments p
  where p.tenant_id = u.tenant_id and p.livemode = u.livemode and p.id = u.root_id and p.retry_of_id is not null)
order by tenant_id, livemode, root_id, status in ('failed', 'canceled', 'expired'), created_at desc
on conflict (tenant_id, livemode, payment_id) do update set retry_id = excluded.retry_id;`;
}
