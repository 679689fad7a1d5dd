import { runService } from '@payflow/service';
import { monitoringConfiguration } from './monitoring.config.js';
import { MonitoringModule } from './monitoring.module.js';

await runService({
  forwardedReads: true,
  configuration: monitoringConfiguration,
  module: (config) => MonitoringModule.with(config),
});
