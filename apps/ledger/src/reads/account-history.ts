import type { Database } from '@payflow/database';
import { readForwardedPage } from '@payflow/invariants';
import {
  linesBefore,
  type HistoryFilter,
  type HistoryLine,
  type LinePlace,
} from '../database/account-line.repository.js';
import { findAccountFacts, type OwnedAccount } from '../database/balance.repository.js';

export interface HistoryQuery {
  readonly filter: HistoryFilter;
  readonly limit: number;
  readonly after: LinePlace | undefined;
}

const NEWEST: LinePlace = { at: 'infinity', recordedAt: 'infinity', chain: 0, position: 0n };

/** One page of an account's transfers, newest first. Undefined where there is no such account. */
export async function accountHistory(
  db: Database,
  account: OwnedAccount,
  { filter, limit, after }: HistoryQuery,
): Promise<object | undefined> {
  if (!(await findAccountFacts(db, account))) return undefined;
  const { data, last } = await readForwardedPage(
    limit,
    (rows) => linesBefore(db, account, { before: after ?? NEWEST, filter, limit: rows }),
    (line) => transferResource(account.id, line),
  );
  return { data, next: last ? formatPlace(last.place) : null };
}

function transferResource(account: string, line: HistoryLine) {
  const [debit, credit] = line.side === 'debit' ? [account, line.counterAccount] : [line.counterAccount, account];
  return {
    id: line.transfer,
    object: 'transfer',
    kind: line.kind,
    status: 'posted',
    debit_account: debit,
    credit_account: credit,
    amount: line.amount.toString(),
    asset: line.asset,
    payment: line.payment,
    group: line.group,
    hold: line.hold,
    reverses: line.reverses,
    type: line.type,
    metadata: line.metadata,
    effective_at: line.effectiveAt.toISOString(),
    recorded_at: line.recordedAt.toISOString(),
  };
}

function formatPlace({ recordedAt, chain, position }: LinePlace): string {
  return [Number(recordedAt), chain, position].join('_');
}

/** Reads what `next` of the page before said; undefined when the text is something else. */
export function parsePlace(text: string): LinePlace | undefined {
  const [, recorded_ms, chain, position] = /^(-?\d{1,15})_(\d{1,2})_(\d{1,19})$/.exec(text) ?? [];
  if (!recorded_ms || !chain || !position) return undefined;
  const recordedAt = new Date(Number(recorded_ms));
  return { at: recordedAt, recordedAt, chain: Number(chain), position: BigInt(position) };
}
