import { IndexMigration } from '@payflow/database';

/** Payments of a test space by when they end, for a clock that is ahead. Concurrently: locks nothing that anybody reads or writes. */
export class PaymentTestExpiries1764400800052 extends IndexMigration {
  override readonly indexes = [
    {
      name: 'payments_of_test_authorized_until',
      table: 'payments',
      definition: `(tenant_id, authorized_until) where status in ('authorized', 'partially_captured') and not livemode`,
    },
    {
      name: 'payments_of_test_to_act_on',
      table: 'payments',
      definition: `(tenant_id, expires_at) where status = 'requires_action' and not livemode`,
    },
  ];
}
