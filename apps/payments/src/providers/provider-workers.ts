import type { Provider } from '@nestjs/common';
import { connectorsOf, type Connector } from '@payflow/connectors';
import type { Database } from '@payflow/database';
import { JobWorker, handled } from '@payflow/jobs';
import { Messaging } from '@payflow/messaging';
import { DATABASE, type ConfigurationOf } from '@payflow/service';
import type { paymentsConfiguration } from '../payments.config.js';
import { AttemptSweeper } from './attempt-sweeper.js';
import { byRoute } from './choice.js';
import { ProviderDesk } from './provider-desk.js';
import { askProvider, inquireProvider, resolveAttempt } from './provider-jobs.js';

type Config = ConfigurationOf<typeof paymentsConfiguration>;

/** Injection token of the connectors that are configured. */
export const CONNECTORS = Symbol('connectors');

/** What asks providers, and what sees to it that none of it is forgotten. */
export function providerWorkers(config: Config): Provider[] {
  return [
    { provide: CONNECTORS, useFactory: () => connectorsOf(config) },
    {
      provide: ProviderDesk,
      inject: [DATABASE, Messaging, CONNECTORS],
      useFactory: (db: Database, { outbox }: Messaging, connectors: readonly Connector[]) =>
        new ProviderDesk({
          db: db.for('relay'),
          outbox,
          connectors,
          choose: byRoute({ connectors, routesFor: () => [], records: () => ({ succeeded: 0, tried: 0 }) }),
          schedule: { delays_ms: config.PROVIDER_INQUIRY_DELAYS, until_ms: config.PROVIDER_INQUIRY_UNTIL },
        }),
    },
    {
      provide: JobWorker,
      inject: [DATABASE, ProviderDesk],
      useFactory: (db: Database, desk: ProviderDesk) =>
        new JobWorker({
          url: config.DATABASE_URL,
          db: db.for('relay'),
          applicationName: 'payflow-payments:jobs',
          jobs: [
            handled(askProvider, (run) => desk.ask(run)),
            handled(inquireProvider, (run) => desk.inquire(run)),
            handled(resolveAttempt, (run) => desk.resolve(run)),
          ],
        }),
    },
    {
      provide: AttemptSweeper,
      inject: [DATABASE],
      useFactory: (db: Database) => new AttemptSweeper(db.for('relay')),
    },
  ];
}
