import { SqlMigration } from '@payflow/database';

const WALLED = ['account_views', 'payment_views'];

/** Beside every table whose lists can be asked for by metadata, its rows of the tenant that the connection speaks for: see `isUnproven`. */
export class GatewayWalledLists1764400300005 extends SqlMigration {
  readonly sql = WALLED.map(
    (table) => `
create view tenant_${table} as select * from ${table}
where tenant_id = (select nullif(nullif(current_setting('payflow.tenant', true), '*'), '')::uuid);

do $$ begin
  execute format('grant select on tenant_${table} to %I', current_database());
end $$;
`,
  ).join('');
}
