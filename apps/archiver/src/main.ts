import { runService } from '@payflow/service';
import { archiverConfiguration } from './archiver.config.js';
import { ArchiverModule } from './archiver.module.js';

await runService({ configuration: archiverConfiguration, module: (config) => ArchiverModule.with(config) });
