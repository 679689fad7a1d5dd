import { uuidOf } from '@payflow/contracts';
import { statement, type Database } from '@payflow/database';
import type { TransferView } from '../domain/transfer.js';
import { tenantUuid, type Owner, seenBy } from './keys.js';
import { rowsWithin, wholeOf, type RowWithin, type Within } from './rows-within.js';
import { TRANSFER_SHOWN, transferOfRow, type TransferRow } from './transfer-view.repository.js';

// A page of payments with the newest transfers of each, in one read.
const FIND = statement(
  'transfer-views.find-of-payments',
  rowsWithin(
    `select ${TRANSFER_SHOWN} from transfer_views where tenant_id = $1 and livemode = $2 and payment_id = p.parent`,
  ),
);

/**
 * The newest transfers of an owner's payments that went by steps, of as many payments as fit a page. That of a payment done at once
 * is no row here.
 */
export async function findTransfersOf(
  db: Database,
  { tenant, livemode }: Owner,
  payments: readonly string[],
): Promise<Within<TransferView>> {
  const uuids = payments.map((id) => uuidOf('payment', id));
  const rows = await seenBy(db, { tenant }).rows<TransferRow & RowWithin>(FIND, [tenantUuid(tenant), livemode, uuids]);
  return { views: rows.map(transferOfRow), whole: wholeOf(payments, rows) };
}
