import { SqlMigration, WALLS } from '@payflow/database';

/**
 * Walls between tenants: a policy on every table that says whose its rows are. Each table is locked for as long as its entry in the
 * catalogue takes to change; no row is read. The view is for what no policy lets an index answer (`METADATA_LISTS`): its owner is
 * bound by none, and its text names the tenant that the connection speaks for.
 */
export class GatewayWalls1764400200001 extends SqlMigration {
  readonly sql = `
${WALLS}
select raise_walls();

create view tenant_transfer_views as select * from transfer_views
where tenant_id = (select nullif(nullif(current_setting('payflow.tenant', true), '*'), '')::uuid);

do $$ begin
  execute format('grant select on tenant_transfer_views to %I', current_database());
end $$;
`;
}
