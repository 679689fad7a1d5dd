import { Module, type DynamicModule } from '@nestjs/common';
import type { Database } from '@payflow/database';
import { InvariantsModule } from '@payflow/invariants';
import { Messaging } from '@payflow/messaging';
import { DATABASE, PlatformModule, REPORTS, StartUp, type ConfigurationOf } from '@payflow/service';
import { invariants, migrations } from './database/index.js';
import { rights } from './database/rights.js';
import { BOOKS_URL, LedgerCommandsHandler } from './handlers/ledger-commands.handler.js';
import { AccountReadsController } from './http/account-reads.controller.js';
import { PeriodsController } from './http/periods.controller.js';
import { DryRunController } from './http/dry-run.controller.js';
import { ProofController } from './http/proof.controller.js';
import { TransferReadsController } from './http/transfer-reads.controller.js';
import { TrialBalanceController } from './http/trial-balance.controller.js';
import { HoldSweeper } from './hold-sweeper.js';
import { PeriodCloser } from './period-closer.js';
import { SigningKey } from './proof/signing-key.js';
import { refuseIdsBegunAnew } from './refuse-anew.js';
import { Sealer } from './sealer.js';
import { SnapshotRollup } from './snapshot-rollup.js';
import type { ledgerConfiguration } from './ledger.config.js';

/** Two partitions are read at once; what closes, seals and reports reads much. */
export const CONNECTIONS = { api: 2, consumers: 3, relay: 1, reports: 4 };

/** Made before anything is booked. */
const IDS_GO_ON = Symbol('transaction ids go on');

/** ledger.commands → ledger.events: the books. */
@Module({})
export class LedgerModule {
  /** `checked`: what is looked at while it runs. */
  static with(config: ConfigurationOf<typeof ledgerConfiguration>, checked = invariants): DynamicModule {
    return {
      module: LedgerModule,
      imports: [
        PlatformModule.with({
          service: 'ledger',
          config,
          rights,
          migrations,
          connections: CONNECTIONS,
          kafka: 'required',
        }),
        InvariantsModule.with({ invariants: checked, secret: config.PAYFLOW_INTERNAL_SECRET }),
      ],
      controllers: [
        LedgerCommandsHandler,
        AccountReadsController,
        TransferReadsController,
        TrialBalanceController,
        ProofController,
        DryRunController,
        PeriodsController,
      ],
      providers: [
        { provide: BOOKS_URL, useValue: config.DATABASE_URL },
        {
          provide: IDS_GO_ON,
          inject: [DATABASE, StartUp],
          useFactory: (db: Database, startUp: StartUp) =>
            // Not beside the others: those fail on pools that it has closed, and theirs would be the error that is told.
            startUp.part('transaction ids', () => refuseIdsBegunAnew(db)),
        },
        {
          provide: HoldSweeper,
          inject: [DATABASE, Messaging],
          useFactory: (db: Database, messaging: Messaging) => new HoldSweeper(db.for('relay'), messaging),
        },
        {
          provide: SnapshotRollup,
          inject: [DATABASE],
          useFactory: (db: Database) => new SnapshotRollup(db.for('reports')),
        },
        {
          provide: PeriodCloser,
          inject: [DATABASE, Messaging, REPORTS],
          useFactory: (...parts: ConstructorParameters<typeof PeriodCloser>) => new PeriodCloser(...parts),
        },
        {
          provide: Sealer,
          inject: [DATABASE, Messaging],
          useFactory: (database: Database, messaging: Messaging) =>
            new Sealer(database.for('reports'), messaging, new SigningKey(config.PAYFLOW_LEDGER_SIGNING_KEY)),
        },
      ],
    };
  }
}
