import { SqlMigration } from '@payflow/database';

/**
 * Numbers each tenant's units, so that no two definitions can both be the last that there is room for. Rewrites `units`, of
 * which a tenant has a thousand at most, while nothing else uses it. What was defined beyond that, before this, stays.
 */
export class LedgerUnitNumbers1764100060002 extends SqlMigration {
  readonly sql = `
alter table units add column number smallint;
alter table units disable trigger units_append_only;
update units u set number = n.number
from (select tenant_id, livemode, code, row_number() over (partition by tenant_id, livemode order by created_at, code) as number from units) n
where u.tenant_id = n.tenant_id and u.livemode = n.livemode and u.code = n.code;
alter table units enable trigger units_append_only;
alter table units alter column number set not null;
alter table units add constraint units_number_key unique (tenant_id, livemode, number);
alter table units add constraint units_number_check check (number between 1 and 1000) not valid;
`;
}
