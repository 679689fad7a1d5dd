import { setTimeout as delay } from 'node:timers/promises';
import { readerUrl, withDatabases } from '../installation.js';
import { printTable } from '../output.js';
import { openProvider } from '../reconciliation/provider.js';
import { isEqual, reconcile, type Line, type Pages, type Reconciliation } from '../reconciliation/reconcile.js';

export interface ProviderOptions {
  readonly json?: boolean;
  readonly connector?: string;
  /** For how long the sums are looked at, and what is on its way has to arrive, s. */
  readonly within?: number;
  /** Reads the provider's page of every payment, also where nothing differs. */
  readonly each?: boolean;
}

const LOOK_AGAIN_MS = 500;
/** After which a payment that differs is looked at once more, where no longer time was given. */
const LOOK_TWICE_MS = 1_000;

/** Holds a provider's books against ours. Exits with 1 while they differ. */
export async function verifyProvider({
  json,
  connector = 'cards',
  within = 0,
  each = false,
}: ProviderOptions): Promise<void> {
  const provider = openProvider(connector, process.env);
  try {
    const found = await withDatabases(['payments', 'ledger'], readerUrl, async (dbs) => {
      const [payments, ledger] = [dbs.get('payments'), dbs.get('ledger')];
      if (!payments || !ledger) throw new TypeError('a database is missing');
      const books = { payments, ledger, ask: provider.ask };
      const look = (pages: Pages) =>
        reconcile(connector, books, { pages, again_ms: Math.max(LOOK_TWICE_MS, within * 1_000) });
      const last = within > 0 ? await lastWithin(within * 1_000, () => look('none')) : undefined;
      // What was equal has been: by the time that the pages are read, something else may be on its way.
      return last && isEqual(last) && !each ? last : look(each ? 'all' : 'differing');
    });
    if (json) process.stdout.write(`${JSON.stringify(found, digits)}\n`);
    else print(found);
    if (!isEqual(found)) process.exitCode = 1;
  } finally {
    await provider.close();
  }
}

/**
 * Looks for so long, also at what is equal: a second charge may come later. In a running system some is on its way at any moment,
 * so that whatever begins to differ, be it with the last look, has as long to be equal again. Returns the last look.
 */
async function lastWithin(limit_ms: number, look: () => Promise<Reconciliation>): Promise<Reconciliation> {
  const end = performance.now() + limit_ms;
  let differsSince: number | undefined;
  for (;;) {
    const startedAt = performance.now();
    const found = await look();
    const now = performance.now();
    differsSince = isEqual(found) ? undefined : (differsSince ?? startedAt);
    if (now >= (differsSince === undefined ? end : differsSince + limit_ms)) return found;
    // Of the time, our databases and the provider have at least the half to themselves.
    await delay(Math.max(LOOK_AGAIN_MS, now - startedAt));
  }
}

function print({ connector, lines, differences, differing }: Reconciliation): void {
  printTable(lines.map(shown), `${connector} and we have moved nothing`);
  if (differing === 0) return;
  process.stdout.write(
    `\n${differing} payments differ${differing > differences.length ? `; the first ${differences.length}` : ''}:\n`,
  );
  printTable(
    differences.flatMap(({ payment, lines: its }) =>
      its.filter((line) => !line.isEqual).map((line) => ({ payment, ...shown(line) })),
    ),
    '',
  );
}

function shown({ asset, figure, outside, payments, ledger, isEqual }: Line) {
  return {
    '': isEqual ? 'ok' : 'DIFFERS',
    asset,
    figure,
    outside,
    payments,
    ledger,
    'outside - ledger': outside - ledger,
  };
}

/** Sums may be more than a JSON number holds. */
function digits(_name: string, value: unknown): unknown {
  return typeof value === 'bigint' ? value.toString() : value;
}
