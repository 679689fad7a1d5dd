import type { FieldProblem } from '@payflow/service';
import type { TransferStatus } from './transfer.js';

/** Each item for itself; all or none; or those before the first that is refused. */
export const BULK_MODES = ['independent', 'atomic', 'stop_on_first'] as const;
export type BulkMode = (typeof BULK_MODES)[number];

/** Why an item was refused at the door. */
export interface ItemProblem extends ItemError {
  /** Its place, from 0. */
  readonly index: number;
}

/** The problem of one item. Pointers lead into the item. */
export interface ItemError {
  readonly code: string;
  readonly detail?: string;
  readonly errors?: readonly FieldProblem[];
}

/** A bulk as the gateway keeps it. */
export interface BulkView {
  readonly tenant: string;
  readonly livemode: boolean;
  readonly id: string;
  readonly mode: BulkMode;
  /** A place per item: its transfer, or null where none was ever made. */
  readonly transfers: readonly (string | null)[];
  /** In the order of their places. */
  readonly problems: readonly ItemProblem[];
  /** The item that ended a bulk which stops on the first refusal. */
  readonly stoppedAt: number | null;
  readonly createdAt: string;
}

/** A transfer as far as a result tells of it. `code` is the problem that its refusal stands for. */
export interface ItemTransfer {
  readonly status: TransferStatus;
  readonly amount: string;
  readonly code: string | null;
  /** The item that its refusal is about, where it was asked for together with others; null where none is. */
  readonly leg: number | null;
}

/** What became of one item. `invalid` was refused at the door, `skipped` was not tried. */
export interface BulkResult {
  readonly index: number;
  readonly id: string | null;
  readonly status: TransferStatus | 'invalid' | 'skipped';
  /** What moved, or is asked to. */
  readonly amount: string | null;
  readonly error: ItemError | null;
}

/** The results of the items from `first` on, given their transfers, which are undefined where they are not there. */
export function bulkResults(
  { problems, stoppedAt }: Pick<BulkView, 'problems' | 'stoppedAt'>,
  { first, ids }: { readonly first: number; readonly ids: readonly (string | null)[] },
  transfers: readonly (ItemTransfer | undefined)[],
): BulkResult[] {
  const wrong = new Map(problems.map((problem) => [problem.index, problem]));
  return transfers.map((transfer, at): BulkResult => {
    const index = first + at;
    const problem = wrong.get(index);
    if (problem) return { index, id: null, status: 'invalid', amount: null, error: errorOf(problem) };
    if (!transfer || (stoppedAt !== null && index > stoppedAt))
      return { index, id: null, status: 'skipped', amount: null, error: null };
    const { status, amount, code, leg } = transfer;
    const error = code === null ? null : { code, ...becauseOf(leg, index) };
    return { index, id: ids[at] ?? null, status, amount, error };
  });
}

/** Of a bulk that is booked whole or not at all, all items have the reason of the one that was refused. */
function becauseOf(leg: number | null, index: number): Pick<ItemError, 'detail'> {
  return leg === null || leg === index ? {} : { detail: `Item ${leg} was refused, and all others with it.` };
}

function errorOf({ code, detail, errors }: ItemProblem): ItemError {
  return { code, ...(detail === undefined ? {} : { detail }), ...(errors ? { errors } : {}) };
}

/** The bulk of the HTTP API, but for its results. */
export function bulkResource(view: BulkView, results: readonly BulkResult[]) {
  const counts = { total: results.length, pending: 0, posted: 0, failed: 0, skipped: 0, invalid: 0 };
  for (const { status } of results) counts[status]++;
  return {
    id: view.id,
    object: 'transfer_bulk',
    mode: view.mode,
    status: counts.pending > 0 ? 'pending' : 'completed',
    counts,
    livemode: view.livemode,
    created_at: view.createdAt,
  };
}
