import { runService } from '@payflow/service';
import { ledgerConfiguration } from './ledger.config.js';
import { LedgerModule } from './ledger.module.js';

await runService({
  forwardedReads: true,
  configuration: ledgerConfiguration,
  module: (config) => LedgerModule.with(config),
});
