import type { TransactionTypeDefined } from '@payflow/contracts';
import { joinJson, keyset, statement, type Database, type Transaction } from '@payflow/database';
import { keyOf, ownerColumns, tenantUuid, type Owner, type ResourceKey, seenBy } from './keys.js';

/** A type as an event told of it, and whose it is. */
export interface OwnedType extends Owner {
  readonly type: TransactionTypeDefined;
}

const COLUMNS = 'name, version, debit, credit, template, defined_at';

// Sorted, because two partitions' batches may bring the same types.
const APPLY = statement(
  'transaction-type-views.apply',
  `insert into transaction_type_views as v (tenant_id, livemode, ${COLUMNS})
   select tenant_id, livemode, name, version, terms -> 'debit', terms -> 'credit', terms -> 'template', defined_at
   from unnest($1::uuid[], $2::boolean[], $3::text[], $4::bigint[], string_to_array($5, chr(30))::json[], $6::timestamptz[])
     as t (tenant_id, livemode, name, version, terms, defined_at)
   order by tenant_id, livemode, name
   on conflict (tenant_id, livemode, name) do update set version = excluded.version, debit = excluded.debit,
     credit = excluded.credit, template = excluded.template, defined_at = excluded.defined_at
   where v.version < excluded.version`,
);

const FIND = statement(
  'transaction-type-views.find',
  `select ${COLUMNS} from transaction_type_views where tenant_id = $1 and livemode = $2 and name = $3`,
);

const BY_NAME = keyset('asc', 'name');
const LIST = statement(
  'transaction-type-views.list',
  `select ${COLUMNS} from transaction_type_views
   where tenant_id = $1 and livemode = $2 and ${BY_NAME.behind(['$3'])} ${BY_NAME.orderBy} limit $4`,
);

interface TypeRow {
  name: string;
  version: bigint;
  debit: TransactionTypeDefined['debit'];
  credit: TransactionTypeDefined['credit'];
  template: TransactionTypeDefined['template'];
  defined_at: Date;
}

/** Brings types to the newest of the given versions; older ones change nothing. */
export async function applyTypes(tx: Transaction, all: readonly OwnedType[]): Promise<void> {
  if (all.length === 0) return;
  const newest = new Map<string, OwnedType>();
  for (const one of all) {
    const key = keyOf({ ...one, id: one.type.id });
    const known = newest.get(key);
    if (!known || known.type.version < one.type.version) newest.set(key, one);
  }
  const types = [...newest.values()];
  await tx.count(APPLY, [
    ...ownerColumns(types),
    types.map(({ type }) => type.id),
    types.map(({ type }) => type.version),
    joinJson(types.map(({ type: { debit, credit, template } }) => JSON.stringify({ debit, credit, template }))),
    types.map(({ type }) => type.defined_at),
  ]);
}

export async function findType(
  db: Database,
  { tenant, livemode, id }: ResourceKey,
): Promise<TransactionTypeDefined | undefined> {
  const [row] = await seenBy(db, { tenant }).rows<TypeRow>(FIND, [tenantUuid(tenant), livemode, id]);
  return row && toType(row);
}

/** The owner's types after a name, by name. */
export async function listTypes(
  db: Database,
  { tenant, livemode }: Owner,
  after: string,
  limit: number,
): Promise<TransactionTypeDefined[]> {
  return (await seenBy(db, { tenant }).rows<TypeRow>(LIST, [tenantUuid(tenant), livemode, after, limit])).map(toType);
}

function toType({ name, version, defined_at, ...terms }: TypeRow): TransactionTypeDefined {
  return { id: name, ...terms, version: Number(version), defined_at: defined_at.toISOString() };
}
