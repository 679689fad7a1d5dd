import { uuidOf } from '@payflow/contracts';
import { statement, type Database } from '@payflow/database';
import { isConversion, type ConversionView } from '../domain/conversion.js';
import { keyColumns, keyOf, rowKeyOf, type Owner, seenBy } from './keys.js';
import { accountUuid, compare, CREATED_CONDITIONS, ListStatements, type Page } from './list-statement.js';
import { GROUP_COLUMNS, groupOfRow, type GroupRow } from './transfer-group-view.repository.js';
import { TRANSFER_SHOWN, transferOfRow, type TransferRow } from './transfer-view.repository.js';

/** Which conversions a list shows; instants are RFC 3339. */
export interface ConversionFilter {
  /** Any of its four. */
  readonly account?: string;
  readonly status?: string;
  readonly createdGte?: string;
  readonly createdGt?: string;
  readonly createdLte?: string;
  readonly createdLt?: string;
}

const withAccount = (side: string) => (parameter: string) => `id in (
  select group_id from transfer_views t where t.tenant_id = $1 and t.livemode = $2 and t.rate_numerator is not null
    and t.${side}_account_id = ${parameter})`;

// An account is of one asset, so it has one place among the four.
export const CONVERSION_LISTS = new ListStatements<ConversionFilter>(
  'transfer_group_views',
  GROUP_COLUMNS,
  {
    account: { letter: 'b', sql: [withAccount('debit'), withAccount('credit')], value: accountUuid },
    status: compare('s', 'status'),
    ...CREATED_CONDITIONS,
  },
  ['rate_numerator is not null'],
);

const FIND_TRANSFERS = statement(
  'transfer-views.find-of-groups',
  `select ${TRANSFER_SHOWN} from transfer_views
   where (tenant_id, livemode, group_id) in (select * from unnest($1::uuid[], $2::boolean[], $3::uuid[]))
   order by position`,
);

/** Up to `limit` conversions of the owner that pass the filter, newest first, after the position. */
export async function listConversions(
  db: Database,
  owner: Owner,
  page: Page<ConversionFilter>,
): Promise<ConversionView[]> {
  const mine = seenBy(db, owner);
  const groups = (await mine.rows<GroupRow>(...CONVERSION_LISTS.of(owner, page, (id) => uuidOf('group', id)))).map(
    groupOfRow,
  );
  if (groups.length === 0) return [];
  const rows = await mine.rows<TransferRow>(FIND_TRANSFERS, keyColumns('group', groups));
  const transfers = new Map<string, TransferRow[]>();
  for (const row of rows) {
    const key = rowKeyOf('group', { ...row, id: row.group_id as string });
    transfers.set(key, [...(transfers.get(key) ?? []), row]);
  }
  return groups.flatMap((group) => {
    const view = { ...group, transfers: (transfers.get(keyOf(group)) ?? []).map(transferOfRow) };
    return isConversion(view) ? [view] : [];
  });
}
