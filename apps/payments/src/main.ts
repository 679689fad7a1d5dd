import { runService } from '@payflow/service';
import { paymentsConfiguration } from './payments.config.js';
import { PaymentsModule } from './payments.module.js';

await runService({
  forwardedReads: true,
  configuration: paymentsConfiguration,
  module: (config) => PaymentsModule.with(config),
});
