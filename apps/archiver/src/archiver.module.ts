import { Module, type DynamicModule } from '@nestjs/common';
import { InvariantsModule } from '@payflow/invariants';
import { PlatformModule, type ConfigurationOf } from '@payflow/service';
import type { archiverConfiguration } from './archiver.config.js';
import { invariants } from './database/invariants.js';
import { rights } from './database/rights.js';
import { EventsHandler } from './handlers/events.handler.js';

/** payments.events, ledger.events → the archive. */
@Module({})
export class ArchiverModule {
  static with(config: ConfigurationOf<typeof archiverConfiguration>): DynamicModule {
    return {
      module: ArchiverModule,
      imports: [
        PlatformModule.with({ service: 'archiver', config, rights, kafka: 'required' }),
        InvariantsModule.with({ invariants, secret: config.PAYFLOW_INTERNAL_SECRET }),
      ],
      controllers: [EventsHandler],
    };
  }
}
