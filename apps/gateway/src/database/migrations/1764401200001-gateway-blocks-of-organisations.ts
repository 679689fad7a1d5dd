import { SqlMigration } from '@payflow/database';

/**
 * Whose credential a block is on: two columns, added at once. Locks `access_blocks` for a moment. Blocks that stand already stay
 * the installation's alone, and end within days.
 */
export class GatewayBlocksOfOrganisations1764401200001 extends SqlMigration {
  readonly sql = `
alter table access_blocks
  -- Of an address nobody's: all zeros.
  add column tenant_id uuid not null default '00000000-0000-0000-0000-000000000000',
  -- A key's; null of an address and of a user, who are of no mode.
  add column livemode boolean;
-- A wall for what is an organisation's now.
select raise_walls();
`;
}
