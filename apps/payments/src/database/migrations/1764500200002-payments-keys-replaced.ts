import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Drops what `PaymentsKeysFirst` has replaced. Locks each table for the moment of the drop, and waits for nobody longer than 5 s. */
export class PaymentsKeysReplaced1764500200002 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      set local lock_timeout = '5s';
      alter table payment_operations drop constraint if exists payment_operations_tenant_id_livemode_payment_id_number_key;
      alter table attempts drop constraint if exists attempts_tenant_id_livemode_operation_id_action_number_key`);
  }

  async down(): Promise<void> {
    throw new Error('migrations go forward only');
  }
}
