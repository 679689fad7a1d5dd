import { Column, Entity, PrimaryColumn } from 'typeorm';

/** A key of the HTTP API. The key itself is not kept, only its hash. */
@Entity('api_keys')
export class ApiKeyEntity {
  @PrimaryColumn('uuid', { name: 'tenant_id' })
  tenantId!: string;

  @PrimaryColumn('boolean')
  livemode!: boolean;

  @PrimaryColumn('uuid')
  id!: string;

  @Column('bytea', { name: 'key_hash' })
  keyHash!: Buffer;

  @Column('text')
  name!: string;

  @Column('text', { array: true })
  scopes!: string[];

  @Column('text', { array: true, name: 'allowed_addresses', default: [] })
  allowedAddresses!: string[];

  @Column('text', { name: 'api_version' })
  apiVersion!: string;

  @Column('timestamptz', { name: 'expires_at', nullable: true })
  expiresAt!: Date | null;

  @Column('timestamptz', { name: 'revoked_at', nullable: true })
  revokedAt!: Date | null;
}
