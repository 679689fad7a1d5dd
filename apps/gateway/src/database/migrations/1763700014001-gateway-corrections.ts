import { SqlMigration } from '@payflow/database';

/**
 * Which transfer another one stands in the place of. A new column without a default; its index reads `transfer_views` once
 * while nothing writes it, a second per ten million rows.
 */
export class GatewayCorrections1763700014001 extends SqlMigration {
  readonly sql = `
alter table transfer_views add column corrects_id uuid;
create index transfer_views_by_corrected on transfer_views (tenant_id, livemode, corrects_id) where corrects_id is not null;
`;
}
