import { Module, type DynamicModule } from '@nestjs/common';
import type { Database } from '@payflow/database';
import { InvariantsModule } from '@payflow/invariants';
import { Messaging } from '@payflow/messaging';
import { DATABASE, Drain, PlatformModule, type ConfigurationOf } from '@payflow/service';
import { invariants } from './database/invariants.js';
import { rights } from './database/rights.js';
import { LedgerCommandsHandler } from './handlers/ledger-commands.handler.js';
import { AccountReadsController } from './http/account-reads.controller.js';
import { PeriodsController } from './http/periods.controller.js';
import { DryRunController } from './http/dry-run.controller.js';
import { ProofController } from './http/proof.controller.js';
import { TransferReadsController } from './http/transfer-reads.controller.js';
import { TrialBalanceController } from './http/trial-balance.controller.js';
import { HoldSweeper } from './hold-sweeper.js';
import { PeriodCloser } from './period-closer.js';
import { LONG_READS, openLongReads } from './reads/long-reads.js';
import { SigningKey } from './proof/signing-key.js';
import { Sealer } from './sealer.js';
import { SnapshotRollup } from './snapshot-rollup.js';
import type { ledgerConfiguration } from './ledger.config.js';

/** ledger.commands → ledger.events: the books. */
@Module({})
export class LedgerModule {
  static with(config: ConfigurationOf<typeof ledgerConfiguration>): DynamicModule {
    return {
      module: LedgerModule,
      imports: [
        PlatformModule.with({ service: 'ledger', config, rights, kafka: 'required' }),
        InvariantsModule.with({ invariants, secret: config.PAYFLOW_INTERNAL_SECRET }),
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
        { provide: LONG_READS, inject: [Drain], useFactory: (drain: Drain) => openLongReads(config, drain) },
        {
          provide: HoldSweeper,
          inject: [DATABASE, Messaging],
          useFactory: (...parts: ConstructorParameters<typeof HoldSweeper>) => new HoldSweeper(...parts),
        },
        {
          provide: SnapshotRollup,
          inject: [DATABASE],
          useFactory: (database: Database) => new SnapshotRollup(database),
        },
        {
          provide: PeriodCloser,
          inject: [DATABASE, Messaging, LONG_READS],
          useFactory: (...parts: ConstructorParameters<typeof PeriodCloser>) => new PeriodCloser(...parts),
        },
        {
          provide: Sealer,
          inject: [DATABASE, Messaging],
          useFactory: (database: Database, messaging: Messaging) =>
            new Sealer(database, messaging, new SigningKey(config.PAYFLOW_LEDGER_SIGNING_KEY)),
        },
      ],
    };
  }
}
