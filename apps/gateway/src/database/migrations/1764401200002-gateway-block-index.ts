import { IndexMigration } from '@payflow/database';

/** An organisation's blocks, newest first. Made concurrently: nobody waits. */
export class GatewayBlockIndex1764401200002 extends IndexMigration {
  readonly name = 'GatewayBlockIndex1764401200002';
  override readonly indexes = [
    { name: 'access_blocks_by_organisation', table: 'access_blocks', definition: '(tenant_id, id)' },
  ];
}
