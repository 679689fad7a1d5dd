import { METRICS } from '@payflow/contracts';
import { until } from '@payflow/testing';
import { expectBooksInOrder } from '../books/books.js';
import { Load, type SentPayment } from '../house/payments.js';
import { Random } from '../house/random.js';
import type { ServiceProcess } from '../house/service-process.js';
import { withStage, type Run, type Scenario } from './scenario.js';

const CONCURRENCY = 16;
const SHARED_WITHIN_MS = 30_000;
const FLOWING_PAYMENTS = 50;
const APPLIED = `${METRICS.consumerMessages}{group="ledger.commands",outcome="applied"} `;

/** The ledger as two processes that share its partitions. One is killed under load, comes back, and then the other. */
async function run({ short, say }: Run): Promise<void> {
  const random = new Random();
  say(`seed ${random.seed}`);
  await withStage({ name: 'two_ledgers' }, async ({ house, merchant }) => {
    const all: SentPayment[] = [];
    const first = house.service('ledger');
    const second = await house.anotherProcess('ledger');
    await second.start();
    const both = [first, second];
    for (const victim of short ? [first] : [first, second, first, second]) {
      const load = new Load(merchant, { concurrency: CONCURRENCY, random });
      await bothWork(both, load);
      await victim.kill();
      const before = load.final;
      await until('payments flow through the one that is left', () => {
        load.check();
        return load.final >= before + FLOWING_PAYMENTS;
      });
      await victim.start();
      await bothWork(both, load);
      all.push(...(await load.finish()));
      await expectBooksInOrder(house, all);
      say(`${victim.name} killed under load: ${load.sent.length} payments, none lost, none doubled`);
    }
    await house.verify();
  });
}

/** Payments flow, and each of the processes books some of them. */
async function bothWork(processes: readonly ServiceProcess[], load: Load): Promise<void> {
  const before = await Promise.all(processes.map(appliedBy));
  await until(
    'both ledgers book payments',
    async () => {
      load.check();
      const now = await Promise.all(processes.map(appliedBy));
      return now.every((applied, at) => applied > (before[at] ?? 0));
    },
    SHARED_WITHIN_MS,
  );
}

/** Commands that the process has applied since it was started, as it tells on /metrics. */
async function appliedBy(process: ServiceProcess): Promise<number> {
  const { body } = await process.probe('/metrics');
  const line = body.split('\n').find((each) => each.startsWith(APPLIED));
  return Number(line?.slice(APPLIED.length) ?? 0);
}

export const twoLedgers: Scenario = {
  name: 'two-ledgers',
  summary: 'the ledger as two processes, one killed under load: nothing lost, nothing doubled (L6)',
  run,
};
