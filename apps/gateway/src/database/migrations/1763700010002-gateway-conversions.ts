import { SqlMigration } from '@payflow/database';

/**
 * The rate of a conversion, on its group and on both its transfers. Adds columns without rewriting a table; each table is
 * locked for a moment.
 */
export class GatewayConversions1763700010002 extends SqlMigration {
  readonly sql = `
-- Minor units of the second transfer's asset for minor units of the first's. Null on all that is no conversion.
alter table transfer_group_views add column rate_numerator bigint, add column rate_denominator bigint;
alter table transfer_views add column rate_numerator bigint, add column rate_denominator bigint;
`;
}
