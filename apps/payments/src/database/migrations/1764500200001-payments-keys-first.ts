import { IndexMigration } from '@payflow/database';

/**
 * The numbers of a payment's operations, the tries of an operation, and a payment's steps, by indexes that begin with what tells
 * rows apart. Those that they replace begin with the tenant, as the primary keys do: of a table without statistics, which a new
 * installation's is for its first minute, Postgres took those for a lookup by primary key, and read all rows of the tenant for
 * each. Concurrently: locks nothing that anybody reads or writes.
 */
export class PaymentsKeysFirst1764500200001 extends IndexMigration {
  override readonly indexes = [
    {
      name: 'payment_operations_numbered',
      table: 'payment_operations',
      isUnique: true,
      definition: '(payment_id, tenant_id, livemode, number)',
    },
    {
      name: 'attempts_of_operation',
      table: 'attempts',
      isUnique: true,
      definition: '(operation_id, tenant_id, livemode, action, number)',
    },
    { name: 'ledger_steps_by_payment', table: 'ledger_steps', definition: '(payment_id, tenant_id, livemode)' },
  ];
  override readonly dropped = ['ledger_steps_of_payment'];
}
