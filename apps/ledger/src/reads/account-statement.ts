import type { AccountKind } from '@payflow/contracts';
import { readPage, type Database, type Transaction } from '@payflow/database';
import { linesAfter, type AccountLine, type LinePlace } from '../database/account-line.repository.js';
import type { Basis } from '../database/balance-sums.js';
import {
  completeUntil,
  findAccountFacts,
  postedAsOf,
  type AccountFacts,
  type OwnedAccount,
} from '../database/balance.repository.js';
import { inOneMoment } from '../database/one-moment.js';
import { balance } from '../domain/account.js';

/** Where a page of a statement has ended, and what the next one goes on from. */
export interface PageEnd {
  readonly place: LinePlace;
  /** The balance after the last line. */
  readonly balance: bigint;
  /** Pages of one statement tell of what had been recorded at the first. */
  readonly known: Date;
}

export interface StatementQuery {
  /** The first instant of the statement, and the one after its last; undefined: all there is. */
  readonly from: Date | undefined;
  readonly to: Date | undefined;
  readonly basis: Basis;
  readonly limit: number;
  readonly after: PageEnd | undefined;
}

/** One page of an account's statement, all of it as of one moment. Undefined where there is no such account. */
export async function accountStatement(
  db: Database,
  account: OwnedAccount,
  query: StatementQuery,
): Promise<object | undefined> {
  const horizon = await completeUntil(db);
  return inOneMoment(db, async (tx) => {
    const facts = await findAccountFacts(tx, account);
    return facts && statementPage(tx, account, { ...query, facts, horizon });
  });
}

async function statementPage(
  tx: Transaction,
  account: OwnedAccount,
  {
    from,
    to,
    basis,
    limit,
    after,
    facts,
    horizon,
  }: StatementQuery & { readonly facts: AccountFacts; readonly horizon: Date },
): Promise<object> {
  // The account's own clock: whatever is recorded on it from now on comes no earlier.
  const known = after?.known ?? facts.lastRecordedAt;
  const [opening, closing, lines] = await Promise.all([
    balanceBefore(tx, account, facts.kind, { at: from ?? '-infinity', basis, known }),
    balanceBefore(tx, account, facts.kind, { at: to ?? 'infinity', basis, known }),
    readPage(limit, (rows) =>
      linesAfter(tx, account, {
        basis,
        after: after?.place ?? { at: from ?? '-infinity', recordedAt: '-infinity', chain: -1, position: -1n },
        to: to ?? 'infinity',
        known,
        limit: rows,
      }),
    ),
  ]);
  const page = running(facts.kind, after?.balance ?? opening, lines.rows);
  const last = lines.last && page.at(-1);
  return {
    object: 'account_statement',
    account: account.id,
    asset: facts.asset,
    kind: facts.kind,
    basis,
    from: from?.toISOString() ?? null,
    to: to?.toISOString() ?? null,
    opening_balance: opening.toString(),
    closing_balance: closing.toString(),
    complete_until: (to && to < horizon ? to : horizon).toISOString(),
    lines: page.map(lineResource),
    next: last ? formatPageEnd({ place: last.line.place, balance: last.balance, known }) : null,
  };
}

interface BalancedLine {
  readonly line: AccountLine;
  readonly balance: bigint;
}

/** Lines with the balance after each, on the account's normal side. */
function running(kind: AccountKind, opening: bigint, lines: readonly AccountLine[]): BalancedLine[] {
  let current = opening;
  return lines.map((line) => {
    const [postedDebits, postedCredits] = line.side === 'debit' ? [line.amount, 0n] : [0n, line.amount];
    current += balance({ kind, postedDebits, postedCredits });
    return { line, balance: current };
  });
}

async function balanceBefore(
  tx: Transaction,
  account: OwnedAccount,
  kind: AccountKind,
  { at, basis, known }: { readonly at: Date | 'infinity' | '-infinity'; readonly basis: Basis; readonly known: Date },
): Promise<bigint> {
  if (at === '-infinity') return 0n;
  // Time is kept in milliseconds: before an instant is as of the one before it.
  const before = at === 'infinity' ? at : new Date(at.getTime() - 1);
  const sums = await postedAsOf(tx, account, { basis, at: before, known });
  return sums ? balance({ kind, ...sums }) : 0n;
}

function lineResource({ line, balance: after }: BalancedLine) {
  return {
    transfer: line.transfer,
    side: line.side,
    amount: line.amount.toString(),
    balance: after.toString(),
    counter_account: line.counterAccount,
    group: line.group,
    hold: line.hold,
    reverses: line.reverses,
    recorded_at: line.recordedAt.toISOString(),
    effective_at: line.effectiveAt.toISOString(),
  };
}

const SEPARATOR = '_';

function formatPageEnd({ place: { at, recordedAt, chain, position }, balance: after, known }: PageEnd): string {
  return [Number(at), Number(recordedAt), chain, position, after, known.getTime()].join(SEPARATOR);
}

/** Reads what `next` of the page before said; undefined when the text is something else. */
export function parsePageEnd(text: string): PageEnd | undefined {
  if (!/^(-?\d{1,20}_){5}-?\d{1,20}$/.test(text)) return undefined;
  const [at, recordedAt, chain, position, after, known] = text.split(SEPARATOR).map(BigInt) as [
    bigint,
    bigint,
    bigint,
    bigint,
    bigint,
    bigint,
  ];
  const place = { at: new Date(Number(at)), recordedAt: new Date(Number(recordedAt)), chain: Number(chain), position };
  return { place, balance: after, known: new Date(Number(known)) };
}
