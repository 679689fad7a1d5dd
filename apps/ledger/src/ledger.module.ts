import { Module, type DynamicModule } from '@nestjs/common';
import { PlatformModule, type ConfigurationOf } from '@payflow/service';
import { LedgerCommandsHandler } from './handlers/ledger-commands.handler.js';
import type { ledgerConfiguration } from './ledger.config.js';

/** ledger.commands → ledger.events: the books. */
@Module({})
export class LedgerModule {
  static with(config: ConfigurationOf<typeof ledgerConfiguration>): DynamicModule {
    return {
      module: LedgerModule,
      imports: [PlatformModule.with({ service: 'ledger', config, kafka: 'required' })],
      controllers: [LedgerCommandsHandler],
    };
  }
}
