import { Module, type DynamicModule } from '@nestjs/common';
import { InvariantsModule } from '@payflow/invariants';
import { PlatformModule, type ConfigurationOf } from '@payflow/service';
import type { archiverConfiguration } from './archiver.config.js';
import { invariants, migrations } from './database/index.js';
import { rights } from './database/rights.js';
import { EventsHandler } from './handlers/events.handler.js';

/** Two topics are read, from two partitions each, in batches that nobody waits for. */
const CONNECTIONS = { api: 1, consumers: 3, relay: 1, reports: 1 };

/** payments.events, ledger.events → the archive. */
@Module({})
export class ArchiverModule {
  static with(config: ConfigurationOf<typeof archiverConfiguration>): DynamicModule {
    return {
      module: ArchiverModule,
      imports: [
        PlatformModule.with({
          service: 'archiver',
          config,
          rights,
          migrations,
          connections: CONNECTIONS,
          kafka: 'required',
        }),
        InvariantsModule.with({ invariants, secret: config.PAYFLOW_INTERNAL_SECRET }),
      ],
      controllers: [EventsHandler],
    };
  }
}
