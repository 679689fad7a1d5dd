import { setTimeout as delay } from 'node:timers/promises';
import { readerUrl, withDatabases } from '../installation.js';
import { printTable } from '../output.js';
import { openProvider } from '../reconciliation/provider.js';
import { reconcile, type Line, type Pages, type Reconciliation } from '../reconciliation/reconcile.js';

export interface ProviderOptions {
  readonly json?: boolean;
  readonly connector?: string;
  /** How long what is on its way has to arrive, s. */
  readonly within?: number;
  /** Reads the provider's page of every payment, also where nothing differs. */
  readonly each?: boolean;
}

const LOOK_AGAIN_MS = 500;

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
      const look = (pages: Pages) => reconcile(connector, { payments, ledger, ask: provider.ask }, pages);
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

/** Looks again while they differ and there is time: in a running system some is on its way at any moment. Returns the last look. */
async function lastWithin(limit_ms: number, look: () => Promise<Reconciliation>): Promise<Reconciliation> {
  const deadline = performance.now() + limit_ms;
  for (;;) {
    const found = await look();
    if (isEqual(found) || performance.now() >= deadline) return found;
    await delay(LOOK_AGAIN_MS);
  }
}

function isEqual({ lines, differing }: Reconciliation): boolean {
  return differing === 0 && lines.every((line) => line.isEqual);
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
