import { SqlMigration } from '@payflow/database';

/**
 * The version of the API that a key is pinned to. A constant default rewrites nothing; the table, which is small,
 * is locked while the check looks through it. There was one version before, so all keys were made with it; and so are those that an older process makes until the roll-out has
 * ended.
 */
export class GatewayKeyVersions1764700000161 extends SqlMigration {
  readonly sql = `
alter table api_keys add column api_version text not null default '2026-11-20' check (api_version ~ '^\\d{4}-\\d\\d-\\d\\d$');
`;
}
