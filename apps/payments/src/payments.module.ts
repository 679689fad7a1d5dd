import { Module, type DynamicModule } from '@nestjs/common';
import type { Database } from '@payflow/database';
import { InvariantsModule } from '@payflow/invariants';
import { Messaging } from '@payflow/messaging';
import { DATABASE, PlatformModule, type ConfigurationOf } from '@payflow/service';
import { invariants, migrations } from './database/index.js';
import { rights } from './database/rights.js';
import { DisputeSweeper } from './dispute-sweeper.js';
import { LedgerVerdictsHandler } from './handlers/ledger-verdicts.handler.js';
import { PaymentCommandsHandler } from './handlers/payment-commands.handler.js';
import { AttemptReadsController } from './http/attempt-reads.controller.js';
import { InternalPaymentsController } from './http/internal-payments.controller.js';
import { LimitReadsController } from './limits/limit-reads.controller.js';
import { ReviewWatch } from './limits/review-watch.js';
import type { paymentsConfiguration } from './payments.config.js';
import { providerWorkers } from './providers/provider-workers.js';
import { Sweeper } from './sweeper.js';

/** Two groups of messages are read, from two partitions each; no request is answered but for internal ones. Jobs use the way out. */
const CONNECTIONS = { api: 1, consumers: 5, relay: 3, reports: 1 };

/** payments.commands → ledger.commands; ledger.events → payments.events. */
@Module({})
export class PaymentsModule {
  static with(config: ConfigurationOf<typeof paymentsConfiguration>): DynamicModule {
    return {
      module: PaymentsModule,
      imports: [
        PlatformModule.with({
          service: 'payments',
          config,
          rights,
          migrations,
          connections: CONNECTIONS,
          kafka: 'required',
        }),
        InvariantsModule.with({ invariants, secret: config.PAYFLOW_INTERNAL_SECRET }),
      ],
      controllers: [
        PaymentCommandsHandler,
        LedgerVerdictsHandler,
        InternalPaymentsController,
        LimitReadsController,
        AttemptReadsController,
      ],
      providers: [
        {
          provide: DisputeSweeper,
          inject: [DATABASE, Messaging],
          useFactory: (db: Database, messaging: Messaging) => new DisputeSweeper(db.for('relay'), messaging),
        },
        {
          provide: Sweeper,
          inject: [DATABASE, Messaging],
          useFactory: (db: Database, messaging: Messaging) => new Sweeper(db.for('relay'), messaging),
        },
        {
          provide: ReviewWatch,
          inject: [DATABASE],
          useFactory: (db: Database) => new ReviewWatch(db.for('relay'), config.PAYFLOW_REVIEW_ALARM),
        },
        ...providerWorkers(config),
      ],
    };
  }
}
