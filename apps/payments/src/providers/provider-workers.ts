import type { Provider } from '@nestjs/common';
import { connectorsOf, type Connector } from '@payflow/connectors';
import type { Database } from '@payflow/database';
import { JobWorker, handled } from '@payflow/jobs';
import { Messaging } from '@payflow/messaging';
import { DATABASE, Drain, type ConfigurationOf } from '@payflow/service';
import type { paymentsConfiguration } from '../payments.config.js';
import { Router } from '../routing/router.js';
import { AttemptSweeper } from './attempt-sweeper.js';
import { DisputeJanitor } from './dispute-janitor.js';
import { ProviderDesk } from './provider-desk.js';
import { askingJob, inquiringJob, resolveAttempt, retellAnswer } from './provider-jobs.js';

type Config = ConfigurationOf<typeof paymentsConfiguration>;

/** Injection token of the connectors that are configured. */
export const CONNECTORS = Symbol('connectors');

/** What asks providers, and what sees to it that none of it is forgotten. */
export function providerWorkers(config: Config): Provider[] {
  return [
    { provide: CONNECTORS, inject: [Drain], useFactory: (drain: Drain) => openConnectors(config, drain) },
    {
      provide: Router,
      inject: [DATABASE, CONNECTORS],
      // Asked from within the worker's transactions: over connections that those do not hold.
      useFactory: (db: Database, connectors: readonly Connector[]) => new Router(db.for('api'), connectors),
    },
    {
      provide: ProviderDesk,
      inject: [DATABASE, Messaging, CONNECTORS, Router],
      useFactory: (db: Database, { outbox }: Messaging, connectors: readonly Connector[], router: Router) =>
        new ProviderDesk({
          db: db.for('relay'),
          outbox,
          connectors,
          choose: (attempt) => router.choose(attempt),
          schedule: { delays_ms: config.PROVIDER_INQUIRY_DELAYS, until_ms: config.PROVIDER_INQUIRY_UNTIL },
        }),
    },
    {
      provide: JobWorker,
      inject: [DATABASE, ProviderDesk, CONNECTORS],
      useFactory: (db: Database, desk: ProviderDesk, connectors: readonly Connector[]) =>
        new JobWorker({
          url: config.DATABASE_URL,
          db: db.for('relay'),
          applicationName: 'payflow-payments:jobs',
          jobs: [
            handled(askingJob(connectors), (run) => desk.ask(run)),
            handled(inquiringJob(connectors), (run) => desk.inquire(run)),
            handled(resolveAttempt, (run) => desk.resolve(run)),
            handled(retellAnswer, (run) => desk.retell(run)),
          ],
        }),
    },
    {
      provide: DisputeJanitor,
      inject: [DATABASE, Messaging, CONNECTORS],
      useFactory: (db: Database, { outbox }: Messaging, connectors: readonly Connector[]) =>
        new DisputeJanitor(db.for('relay'), outbox, connectors),
    },
    {
      provide: AttemptSweeper,
      inject: [DATABASE],
      useFactory: (db: Database) => new AttemptSweeper(db.for('relay')),
    },
  ];
}

/** Their connections are given back when what calls them has come to its end. */
function openConnectors(config: Config, drain: Drain): readonly Connector[] {
  const connectors = connectorsOf(config);
  for (const connector of connectors) drain.on('pools', `connector.${connector.name}`, () => connector.close());
  return connectors;
}
