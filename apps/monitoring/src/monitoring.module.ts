import { Inject, Injectable, Module, type DynamicModule, type OnApplicationBootstrap } from '@nestjs/common';
import type { Database } from '@payflow/database';
import { CheckResults, DatabaseReports, InvariantsModule } from '@payflow/invariants';
import { Messaging } from '@payflow/messaging';
import { DATABASE, Drain, Health, PlatformModule } from '@payflow/service';
import { invariants } from './database/invariants.js';
import { rights } from './database/rights.js';
import { PaymentEventsHandler } from './handlers/payment-events.handler.js';
import { MonitoringController } from './http/monitoring.controller.js';
import type { MonitoringConfiguration } from './monitoring.config.js';
import { SelfReader } from './sampling/self-reader.js';
import { ServiceReader } from './sampling/service-reader.js';
import { Watch } from './watch.js';

/** Starts the watch when the service is up and ends it in its drain. */
@Injectable()
class Watching implements OnApplicationBootstrap {
  constructor(
    @Inject(Watch) private readonly watch: Watch,
    @Inject(Drain) drain: Drain,
  ) {
    drain.on('flush', 'watch', () => watch.stop());
  }

  async onApplicationBootstrap(): Promise<void> {
    await this.watch.start();
  }
}

/** payments.events → throughput; every service's own word and the broker's offsets → the picture of the installation. */
@Module({})
export class MonitoringModule {
  static with(config: MonitoringConfiguration): DynamicModule {
    return {
      module: MonitoringModule,
      imports: [
        // Monitoring must tell that Kafka is away, so it stays up without.
        PlatformModule.with({ service: 'monitoring', config, rights, kafka: 'degraded' }),
        InvariantsModule.with({ invariants, secret: config.PAYFLOW_INTERNAL_SECRET }),
      ],
      controllers: [PaymentEventsHandler, MonitoringController],
      providers: [
        {
          provide: Watch,
          inject: [DATABASE, Messaging, CheckResults, Health, DatabaseReports],
          useFactory: (
            database: Database,
            messaging: Messaging,
            results: CheckResults,
            health: Health,
            reports: DatabaseReports,
          ) =>
            new Watch({
              database,
              messaging,
              results,
              readers: readers(config, new SelfReader(database, health, results, reports)),
              partitions: config.PAYFLOW_PARTITIONS,
            }),
        },
        Watching,
      ],
    };
  }
}

function readers(config: MonitoringConfiguration, self: SelfReader) {
  const secret = config.PAYFLOW_INTERNAL_SECRET;
  return [
    new ServiceReader('gateway', config.PAYFLOW_INTERNAL_GATEWAY_URL, secret),
    new ServiceReader('payments', config.PAYFLOW_INTERNAL_PAYMENTS_URL, secret),
    new ServiceReader('ledger', config.PAYFLOW_INTERNAL_LEDGER_URL, secret),
    new ServiceReader('archiver', config.PAYFLOW_INTERNAL_ARCHIVER_URL, secret),
    self,
  ];
}
