import { fromUuid, ID_PREFIXES, toUuid, type IdKind } from '@payflow/contracts';
import { statement, type Database } from '@payflow/database';
import { FINDABLE, type Findable, type FindableType, type Found, type Match } from '../domain/found.js';
import { IS_THERE } from './content-views.js';
import { seenBy, tenantUuid, type Owner } from './keys.js';

/** A reference may be many payments': the newest of them are shown, and the list of payments has all. */
const OF_ONE_TEXT_MAX = 50;

const NOTHING = { status: 'null::text', amount: 'null::bigint', asset: 'null::text', payment: 'null::uuid' };

interface Branch {
  readonly match: Match;
  readonly table: string;
  /** A name in quotes, or an expression that gives one. */
  readonly type: string;
  readonly where: string;
  readonly columns?: Partial<typeof NOTHING>;
  readonly id?: string;
  readonly name?: string;
  readonly reply?: string;
  readonly createdAt?: string;
}

const KNOWN = `tenant_id = $1 and livemode = $2`;
const withAmount = { status: 'status', amount: 'amount_minor', asset: 'asset' };
const byId = (kind: IdKind, table: string, type: Findable, columns: Branch['columns'] = {}): Branch => ({
  ...{ match: 'id' as const, table, type: `'${type}'`, columns },
  where: `$4 = '${kind}' and id = $3::uuid`,
});

const unlessDeleted = (branch: Branch): Branch => ({ ...branch, where: `${branch.where} and ${IS_THERE}` });

// What a key stands for is called by other names where it has no resource of that name.
const TYPE_OF_KEY = `case resource_kind when 'group' then 'transfer_group' when 'bulk' then 'transfer_bulk' else resource_kind end`;

const BRANCHES: readonly Branch[] = [
  byId('payment', 'payment_views', 'payment', withAmount),
  // A payment that is done at once has one transfer, of its own UUID, which is no row of ours.
  {
    ...byId('transfer', 'payment_views', 'payment', withAmount),
    where: `$4 = 'transfer' and id = $3::uuid and status = 'succeeded'`,
  },
  // So has a refund of such a one, and what a dispute moved and gave back is named by it.
  {
    ...byId('transfer', 'payment_operation_views', 'refund', { ...withAmount, payment: 'payment_id' }),
    where: `$4 = 'transfer' and id = $3::uuid and kind = 'refund' and status = 'succeeded'`,
  },
  ...['transfer_id', 'return_transfer_id'].map((column) => ({
    ...byId('transfer', 'dispute_views', 'dispute', { ...withAmount, payment: 'payment_id' }),
    where: `$4 = 'transfer' and ${column} = $3::uuid`,
  })),
  byId('account', 'account_views', 'account', { status: 'status', asset: 'asset' }),
  byId('transfer', 'transfer_views', 'transfer', { ...withAmount, payment: 'payment_id' }),
  byId('group', 'transfer_group_views', 'transfer_group', { status: 'status' }),
  byId('hold', 'hold_views', 'hold', { ...withAmount, payment: 'payment_id' }),
  {
    ...byId('refund', 'payment_operation_views', 'refund', { ...withAmount, payment: 'payment_id' }),
    type: 'kind',
    where: `id = $3::uuid and kind = $4`,
  },
  byId('dispute', 'dispute_views', 'dispute', { ...withAmount, payment: 'payment_id' }),
  unlessDeleted(byId('limit', 'limit_views', 'limit', { status: 'label' })),
  unlessDeleted(byId('riskRule', 'risk_rule_views', 'risk_rule', { status: 'label' })),
  byId('review', 'review_views', 'review', { status: 'label' }),
  byId('bulk', 'transfer_bulk_views', 'transfer_bulk'),
  { match: 'reference', table: 'payment_views', type: `'payment'`, columns: withAmount, where: 'reference = $5' },
  {
    ...{ match: 'provider_reference', table: 'dispute_views', type: `'dispute'` },
    columns: { ...withAmount, payment: 'payment_id' },
    where: 'provider_reference = $5',
  },
  {
    ...{ match: 'path', table: 'account_views', type: `'account'`, where: 'path = $5' },
    columns: { status: 'status', asset: 'asset' },
  },
  {
    ...{ match: 'name', table: 'transaction_type_views', type: `'transaction_type'`, where: 'name = $5' },
    ...{ id: 'null::uuid', name: 'name', createdAt: 'defined_at' },
  },
  {
    ...{ match: 'idempotency_key', table: 'idempotency_records', type: TYPE_OF_KEY, where: 'idempotency_key = $5' },
    ...{ id: 'resource_id', reply: 'reply_status::integer' },
  },
];

function branchSql({
  match,
  table,
  type,
  where,
  columns,
  id = 'id',
  name,
  reply,
  createdAt = 'created_at',
}: Branch): string {
  const { status, amount, asset, payment } = { ...NOTHING, ...columns };
  const shown = `'${match}' as matched, ${type} as type, ${id} as id, ${name ?? 'null::text'} as name, ${payment} as payment_id,
    ${status} as status, ${amount} as amount_minor, ${asset} as asset, ${reply ?? 'null::integer'} as reply_status, ${createdAt} as created_at`;
  const newest =
    match === 'reference' || match === 'provider_reference' ? `order by created_at desc limit ${OF_ONE_TEXT_MAX}` : '';
  return `(select ${shown} from ${table} where ${KNOWN} and ${where} ${newest})`;
}

// Each branch is one look into one index; what the text cannot be is not looked for.
const SEARCH = statement(
  'search.find',
  `select f.* from (${BRANCHES.map(branchSql).join('\n union all ')}) as f where f.type = any ($6::text[])
   order by created_at desc, matched, id limit ${OF_ONE_TEXT_MAX}`,
);

interface FoundRow {
  matched: Match;
  type: Findable;
  id: string | null;
  name: string | null;
  payment_id: string | null;
  status: string | null;
  amount_minor: bigint | null;
  asset: string | null;
  reply_status: number | null;
  created_at: Date;
}

/** What of the owner's has this id, reference, path, name or idempotency key, of the types that the caller may be told of. */
export async function search(db: Database, owner: Owner, text: string, types: readonly Findable[]): Promise<Found[]> {
  const { kind, uuid } = idOf(text);
  const rows = await seenBy(db, owner).rows<FoundRow>(SEARCH, [
    tenantUuid(owner.tenant),
    owner.livemode,
    uuid,
    kind,
    text,
    types,
  ]);
  return rows.map(foundOfRow);
}

/** The kind and the UUID of what is an id; nulls for any other text. */
function idOf(text: string): { readonly kind: IdKind | null; readonly uuid: string | null } {
  const prefix = text.slice(0, text.indexOf('_'));
  const kind = (Object.keys(ID_PREFIXES) as IdKind[]).find((one) => ID_PREFIXES[one] === prefix);
  const uuid = kind === undefined ? undefined : toUuid(kind, text);
  return uuid === undefined || kind === undefined ? { kind: null, uuid: null } : { kind, uuid };
}

function foundOfRow(row: FoundRow): Found {
  const { ids } = FINDABLE[row.type] as FindableType;
  return {
    matched: row.matched,
    type: row.type,
    id: row.name ?? (ids && row.id ? fromUuid(ids, row.id) : null),
    payment: row.payment_id && fromUuid('payment', row.payment_id),
    status: row.status,
    amount: row.amount_minor === null ? null : row.amount_minor.toString(),
    asset: row.asset,
    replyStatus: row.reply_status,
    createdAt: row.created_at.toISOString(),
  };
}
