import { SqlMigration } from '@payflow/database';

/** Who else gets a part of what a payment captures. A column of the catalogue alone. */
export class PaymentDivisions1764200800001 extends SqlMigration {
  readonly sql = `
-- {"parts": [{"kind", "account", "amount"}], "type"}; null on all others.
alter table payments add column division json;
`;
}
