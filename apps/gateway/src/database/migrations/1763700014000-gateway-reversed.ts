import { SqlMigration } from '@payflow/database';

/**
 * What was moved back of a transfer is read from its reversals. The index reads `transfer_views` once while nothing writes it,
 * a second per ten million rows; the columns change without a rewrite.
 */
export class GatewayReversed1763700014000 extends SqlMigration {
  readonly sql = `
create index transfer_views_by_reversed on transfer_views (tenant_id, livemode, reverses_id) where reverses_id is not null;
alter table transfer_views drop column reversed_minor, add column payment_id uuid;
`;
}
