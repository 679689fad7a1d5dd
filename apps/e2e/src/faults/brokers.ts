import { uniqueSuffix, until } from '@payflow/testing';
import { expectBooksInOrder } from '../books/books.js';
import { Load } from '../house/payments.js';
import { Random } from '../house/random.js';
import { scratchDir } from '../house/scratch.js';
import { sharedServers, startCluster } from '../house/servers.js';
import { table, withStage, type Run, type Scenario } from './scenario.js';

const CONCURRENCY = 32;
const KILLS = 5;
/** Payments that must end while a broker is dead, and again once it is back, before the next one dies. */
const PROGRESS = 150;
const PROGRESS_WITHIN_MS = 60_000;

/** Three brokers, two in sync: one dies five times under load. */
async function run({ short, say }: Run): Promise<void> {
  const random = new Random();
  say(`seed ${random.seed}`);
  const { cluster, stop } = await startCluster(scratchDir(`brokers_${uniqueSuffix()}`));
  try {
    await withStage(
      { name: 'brokers', servers: { ...sharedServers(), kafka: cluster.url }, disposable: true },
      async ({ house, merchant }) => {
        const load = new Load(merchant, { concurrency: CONCURRENCY, random });
        const progress = async (what: string) => {
          const before = load.final;
          await until(
            `payments end ${what}`,
            () => {
              load.check();
              return load.final >= before + PROGRESS;
            },
            PROGRESS_WITHIN_MS,
          );
        };
        await progress('before anything dies');
        const rows: Record<string, string | number>[] = [];
        for (let kill = 1; kill <= (short ? 1 : KILLS); kill++) {
          const id = cluster.ids[random.below(cluster.ids.length)] ?? 1;
          const [final, unknown] = [load.final, load.unknown];
          await cluster.broker(id).kill();
          await progress(`while broker ${id} is dead`);
          await cluster.restart(id);
          await progress(`once broker ${id} is back`);
          rows.push({
            kill,
            broker: id,
            'ended meanwhile': load.final - final,
            'unknown meanwhile': load.unknown - unknown,
          });
        }
        const sent = await load.finish();
        await expectBooksInOrder(house, sent);
        await house.verify();
        say(table(rows));
        say(`${sent.length} payments: none lost, none doubled, outbox minus inbox empty`);
      },
    );
  } finally {
    await stop();
  }
}

export const brokers: Scenario = {
  name: 'brokers',
  summary: 'three brokers, one killed with -9 five times under load (S5)',
  run,
};
