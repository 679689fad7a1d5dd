import { SqlMigration } from '@payflow/database';

/**
 * Which payment a failed one was tried again as: one at a time. Makes a small table, and reads `payments` once for the retries that
 * are there; locks nothing that is in use.
 */
export class PaymentRetries1764700000023 extends SqlMigration {
  readonly sql = `
create table payment_retries (
  tenant_id uuid not null,
  livemode boolean not null,
  payment_id uuid not null,
  retry_id uuid not null,
  primary key (tenant_id, livemode, payment_id));

insert into payment_retries
select distinct on (tenant_id, livemode, retry_of_id) tenant_id, livemode, retry_of_id, id
from payments where retry_of_id is not null
order by tenant_id, livemode, retry_of_id, status in ('failed', 'canceled'), created_at desc;`;
}
