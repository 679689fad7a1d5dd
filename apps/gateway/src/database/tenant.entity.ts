import { Column, Entity, PrimaryColumn } from 'typeorm';

/** An organisation: everything else belongs to one. */
@Entity('tenants')
export class TenantEntity {
  @PrimaryColumn('uuid')
  id!: string;

  @Column('text')
  name!: string;
}
