import { runService } from '@payflow/service';
import { gatewayService } from './gateway.service.js';

await runService(gatewayService());
