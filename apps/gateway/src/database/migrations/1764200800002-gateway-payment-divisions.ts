import { SqlMigration } from '@payflow/database';

/** Who else gets a part of what a payment captures, as it is shown. A column of the catalogue alone. */
export class GatewayPaymentDivisions1764200800002 extends SqlMigration {
  readonly sql = `
-- {"breakdown": [{"kind", "account", "amount"}], "type"}; null on all others.
alter table payment_views add column division json;
`;
}
