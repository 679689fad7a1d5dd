import { setTimeout as delay } from 'node:timers/promises';
import type { Database } from '@payflow/database';
import PQueue from 'p-queue';
import { ownPages, type Figures, type OwnPage } from './our-books.js';

/** What a provider says it moved in one currency. */
export interface ProviderPage extends Figures {
  readonly asset: string;
}

/** Asks a provider for its books: all of them, or what it knows a merchant reference by. */
export type AskBooks = (merchantReference: string | null) => Promise<readonly ProviderPage[]>;

const FIGURES = ['captured', 'refunded', 'disputed'] as const satisfies readonly (keyof Figures)[];

/** One figure in one currency, by everyone who knows it. */
export interface Line {
  readonly asset: string;
  readonly figure: (typeof FIGURES)[number];
  readonly outside: bigint;
  readonly payments: bigint;
  readonly ledger: bigint;
  readonly isEqual: boolean;
}

/** A payment of which they say different things. */
export interface Difference {
  readonly payment: string;
  readonly lines: readonly Line[];
}

export interface Reconciliation {
  readonly connector: string;
  readonly lines: readonly Line[];
  /** The first of the payments that differ, and how many there are. */
  readonly differences: readonly Difference[];
  readonly differing: number;
}

export interface Books {
  readonly payments: Database;
  readonly ledger: Database;
  readonly ask: AskBooks;
}

/** Of which payments the provider's own page is read: of none, of all as soon as anything differs, or of all. */
export type Pages = 'none' | 'differing' | 'all';

export interface Look {
  readonly pages: Pages;
  /** Where all are read, what differs is looked at again after this, ms: nobody has seen yet that it stays. */
  readonly again_ms?: number;
}

const NAMED_MAX = 50;
/** More than so many are not on their way at one time. */
const LOOKED_TWICE_MAX = 10_000;
/** A question for each payment, as long as something differs: as many at one time as a provider may be expected to bear. */
const ASKED_AT_ONCE = 20;
const NOTHING: Figures = { captured: 0n, refunded: 0n, disputed: 0n };

/**
 * Holds what a provider says it moved against what payments says of it and against what the ledger moved on the clearing
 * accounts, by currency. Which payments differ is looked for only where something does; what the provider took of one and not of
 * another is seen only with all of its pages. With none of them `differing` counts where our own two differ.
 */
export async function reconcile(
  connector: string,
  books: Books,
  { pages, again_ms = 0 }: Look = { pages: 'differing' },
): Promise<Reconciliation> {
  const sums = await sumsOf(connector, books);
  if (pages === 'none' || (isEqual(sums) && pages === 'differing')) return { connector, ...sums, differences: [] };
  const found = await differencesOf(connector, books);
  const { size } = found.payments;
  if (pages !== 'all' || size > LOOKED_TWICE_MAX || (isEqual(sums) && size === 0)) return told(connector, sums, found);
  await delay(again_ms);
  const again = isEqual(sums) ? sums : await sumsOf(connector, books);
  return told(connector, again, await differencesOf(connector, books, found.payments));
}

/** Whether nothing differs by all that was looked at. */
export function isEqual({ lines, differing }: Pick<Reconciliation, 'lines' | 'differing'>): boolean {
  return differing === 0 && lines.every((line) => line.isEqual);
}

function told(connector: string, { lines }: Sums, { payments, differences }: Differing): Reconciliation {
  return { connector, lines, differences, differing: payments.size };
}

/** What each says in all, and in how many payments our own two differ. */
type Sums = Pick<Reconciliation, 'lines' | 'differing'>;

async function sumsOf(connector: string, { ask, ...ours }: Books): Promise<Sums> {
  const outside = new Map((await ask(null)).map((page) => [page.asset, page as Figures]));
  const [payments, ledger] = [new Map<string, Figures>(), new Map<string, Figures>()];
  let differing = 0;
  for await (const own of ownPages(connector, ours)) {
    for (const page of own) {
      add(payments, page.asset, page.payments);
      add(ledger, page.asset, page.ledger);
      if (!sameFigures(page)) differing += 1;
    }
  }
  const assets = [...new Set([...outside.keys(), ...payments.keys()])].sort();
  const lines = assets.flatMap((asset) => linesOf(asset, outside.get(asset), payments.get(asset), ledger.get(asset)));
  return { lines, differing };
}

interface Differing {
  readonly differences: readonly Difference[];
  readonly payments: ReadonlySet<string>;
}

/** Payments that differ by the provider's pages: of all, or of some. */
async function differencesOf(connector: string, { ask, ...ours }: Books, of?: ReadonlySet<string>): Promise<Differing> {
  const queue = new PQueue({ concurrency: ASKED_AT_ONCE });
  const differences: Difference[] = [];
  const payments = new Set<string>();
  for await (const pages of ownPages(connector, ours)) {
    await queue.addAll(
      pages
        .filter(({ payment }) => of?.has(payment) ?? true)
        .map((page) => async () => {
          const lines = await linesOfPayment(page, ask);
          if (lines.every(({ isEqual }) => isEqual)) return;
          payments.add(page.payment);
          if (differences.length < NAMED_MAX) differences.push({ payment: page.payment, lines });
        }),
    );
  }
  return { differences, payments };
}

async function linesOfPayment(
  { reference, asset, payments, ledger }: OwnPage,
  ask: AskBooks,
): Promise<readonly Line[]> {
  const outside = await ask(reference);
  return [
    ...linesOf(
      asset,
      outside.find((page) => page.asset === asset),
      payments,
      ledger,
    ),
    // It must not have moved another currency for it either.
    ...outside
      .filter((page) => page.asset !== asset)
      .flatMap((page) => linesOf(page.asset, page, undefined, undefined)),
  ];
}

function linesOf(
  asset: string,
  outside: Figures = NOTHING,
  payments: Figures = NOTHING,
  ledger: Figures = NOTHING,
): Line[] {
  return FIGURES.map((figure) => {
    const said = { outside: outside[figure], payments: payments[figure], ledger: ledger[figure] };
    return { asset, figure, ...said, isEqual: said.outside === said.payments && said.outside === said.ledger };
  });
}

function sameFigures({ payments, ledger }: OwnPage): boolean {
  return FIGURES.every((figure) => payments[figure] === ledger[figure]);
}

function add(sums: Map<string, Figures>, asset: string, page: Figures): void {
  const { captured, refunded, disputed } = sums.get(asset) ?? NOTHING;
  sums.set(asset, {
    captured: captured + page.captured,
    refunded: refunded + page.refunded,
    disputed: disputed + page.disputed,
  });
}
