import { Column, DataSource, Entity, PrimaryColumn, VersionColumn } from 'typeorm';

/** What a careful team writes first: an ORM transaction per transfer, rows locked one by one. The yardstick, not the product. */
@Entity('plain_accounts')
export class PlainAccount {
  @PrimaryColumn('uuid') id!: string;
  @Column('bigint') posted_debits!: string;
  @Column('bigint') posted_credits!: string;
  @VersionColumn() version!: number;
}

@Entity('plain_transfers')
export class PlainTransfer {
  @PrimaryColumn('uuid') id!: string;
  @Column('uuid') debit_account_id!: string;
  @Column('uuid') credit_account_id!: string;
  @Column('bigint') amount_minor!: string;
}

@Entity('plain_outbox')
export class PlainOutboxRow {
  @PrimaryColumn('uuid') id!: string;
  @Column('jsonb') message!: object;
}

export interface PlainTransferRequest {
  readonly id: string;
  readonly debit: string;
  readonly credit: string;
  readonly amount: bigint;
}

/** Opens the yardstick's own tables in the bench database. */
export async function openPlainPoster(url: string, poolSize: number): Promise<DataSource> {
  const source = new DataSource({
    type: 'postgres',
    url,
    entities: [PlainAccount, PlainTransfer, PlainOutboxRow],
    extra: { max: poolSize },
  });
  return source.initialize();
}

export const PLAIN_TABLES = `
create table plain_accounts (id uuid primary key, posted_debits bigint not null, posted_credits bigint not null, version integer not null);
create table plain_transfers (id uuid primary key, debit_account_id uuid not null, credit_account_id uuid not null, amount_minor bigint not null check (amount_minor > 0));
create table plain_outbox (id uuid primary key, message jsonb not null);
`;

/** One transfer, one transaction. */
export async function postPlainly(
  source: DataSource,
  { id, debit, credit, amount }: PlainTransferRequest,
): Promise<void> {
  await source.transaction(async (manager) => {
    const [first, second] = [debit, credit].sort() as [string, string];
    const accounts = new Map<string, PlainAccount>();
    for (const accountId of [first, second]) {
      accounts.set(
        accountId,
        await manager.findOneOrFail(PlainAccount, { where: { id: accountId }, lock: { mode: 'pessimistic_write' } }),
      );
    }
    const from = accounts.get(debit) as PlainAccount;
    const to = accounts.get(credit) as PlainAccount;
    if (BigInt(from.posted_credits) - BigInt(from.posted_debits) < amount) return;
    from.posted_debits = (BigInt(from.posted_debits) + amount).toString();
    to.posted_credits = (BigInt(to.posted_credits) + amount).toString();
    await manager.save([from, to]);
    await manager.insert(PlainTransfer, {
      id,
      debit_account_id: debit,
      credit_account_id: credit,
      amount_minor: amount.toString(),
    });
    await manager.insert(PlainOutboxRow, {
      id,
      message: { type: 'transfer.posted', id, debit, credit, amount: amount.toString() },
    });
  });
}
