import type { AccountKind } from '@payflow/contracts';
import { readPage, type Database, type Transaction } from '@payflow/database';
import { linesAfter, type AccountLine, type Known, type LinePlace } from '../database/account-line.repository.js';
import type { Basis } from '../database/balance-sums.js';
import {
  completeUntil,
  findAccountFacts,
  postedAsOf,
  type AccountFacts,
  type OwnedAccount,
} from '../database/balance.repository.js';
import { CHAINS } from '../database/chain.js';
import { chainEnds } from '../database/chain-head.repository.js';
import { inOneMoment } from '../database/one-moment.js';
import { balance } from '../domain/account.js';

/** Where a page of a statement has ended, and what the next one goes on from. */
export interface PageEnd {
  readonly place: LinePlace;
  /** The balance after the last line. */
  readonly balance: bigint;
  /** What all pages of the statement say of it. */
  readonly whole: Whole;
}

/** Pages of one statement tell of what had been recorded at the first. */
interface Whole {
  readonly known: Known;
  /** Up to when nothing could be added any more, at the first: of what came later no page tells. */
  readonly horizon: Date;
  readonly opening: bigint;
  readonly closing: bigint;
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
  const horizon = query.after?.whole.horizon ?? (await completeUntil(db));
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
  const whole = after?.whole ?? (await wholeOf(tx, account, { from, to, basis, facts, horizon }));
  const { known, opening, closing } = whole;
  const lines = await readPage(limit, (rows) =>
    linesAfter(tx, account, {
      basis,
      after: after?.place ?? { at: from ?? '-infinity', recordedAt: '-infinity', chain: -1, position: -1n },
      to: to ?? 'infinity',
      known,
      limit: rows,
    }),
  );
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
    next: last ? formatPageEnd({ place: last.line.place, balance: last.balance, whole }) : null,
  };
}

async function wholeOf(
  tx: Transaction,
  account: OwnedAccount,
  {
    from,
    to,
    basis,
    facts,
    horizon,
  }: Pick<StatementQuery, 'from' | 'to' | 'basis'> & { readonly facts: AccountFacts; readonly horizon: Date },
): Promise<Whole> {
  // The account's own clock: whatever is recorded on it from now on comes no earlier.
  const at = facts.lastRecordedAt;
  const [chains, opening, closing] = await Promise.all([
    chainEnds(tx),
    balanceBefore(tx, account, facts.kind, { at: from ?? '-infinity', basis, known: at }),
    balanceBefore(tx, account, facts.kind, { at: to ?? 'infinity', basis, known: at }),
  ]);
  return { known: { at, chains }, horizon, opening, closing };
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

function formatPageEnd({ place: { at, recordedAt, chain, position }, balance: after, whole }: PageEnd): string {
  const { known, horizon, opening, closing } = whole;
  const instants = [known.at.getTime(), horizon.getTime()];
  const numbers = [Number(at), Number(recordedAt), chain, position, after, opening, closing, ...instants];
  return [...numbers, ...known.chains].join(SEPARATOR);
}

const PAGE_END = new RegExp(`^(-?\\d{1,20}_){${8 + CHAINS}}-?\\d{1,20}$`);

/** Reads what `next` of the page before said; undefined when the text is something else. */
export function parsePageEnd(text: string): PageEnd | undefined {
  if (!PAGE_END.test(text)) return undefined;
  const [at, recordedAt, chain, position, after, opening, closing, known, horizon, ...chains] = text
    .split(SEPARATOR)
    .map(BigInt) as [bigint, bigint, bigint, bigint, bigint, bigint, bigint, bigint, bigint, ...bigint[]];
  const place = { at: new Date(Number(at)), recordedAt: new Date(Number(recordedAt)), chain: Number(chain), position };
  const whole = {
    known: { at: new Date(Number(known)), chains },
    horizon: new Date(Number(horizon)),
    opening,
    closing,
  };
  return { place, balance: after, whole };
}
