import { Inject, Injectable, Module, type DynamicModule, type OnApplicationBootstrap } from '@nestjs/common';
import type { Service } from '@payflow/contracts';
import type { Database } from '@payflow/database';
import { CheckResults, DatabaseReports, InvariantsModule } from '@payflow/invariants';
import { Messaging } from '@payflow/messaging';
import { DATABASE, Drain, Health, PlatformModule } from '@payflow/service';
import { invariants, migrations } from './database/index.js';
import { rights } from './database/rights.js';
import { PaymentEventsHandler } from './handlers/payment-events.handler.js';
import { MonitoringController } from './http/monitoring.controller.js';
import type { MonitoringConfiguration } from './monitoring.config.js';
import { SelfReader } from './sampling/self-reader.js';
import { Acknowledged } from './sampling/acknowledged.js';
import { InternalClient } from './sampling/internal-client.js';
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

export const CONNECTIONS = { api: 1, consumers: 1, relay: 1, reports: 1 };

/** payments.events → throughput; every service's own word and the broker's offsets → the picture of the installation. */
@Module({})
export class MonitoringModule {
  static with(config: MonitoringConfiguration): DynamicModule {
    return {
      module: MonitoringModule,
      imports: [
        // Monitoring must tell that Kafka is away, so it stays up without.
        PlatformModule.with({
          service: 'monitoring',
          config,
          rights,
          migrations,
          connections: CONNECTIONS,
          kafka: 'degraded',
        }),
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
          ) => watch(config, { database, messaging, results, health, reports }),
        },
        Watching,
      ],
    };
  }
}

type Other = Exclude<Service, 'monitoring'>;

interface Parts {
  readonly database: Database;
  readonly messaging: Messaging;
  readonly results: CheckResults;
  readonly health: Health;
  readonly reports: DatabaseReports;
}

function watch(config: MonitoringConfiguration, { database, messaging, results, health, reports }: Parts): Watch {
  const others = clients(config);
  return new Watch({
    database: database.for('reports'),
    messaging,
    results,
    readers: [
      ...Object.values(others).map((client) => new ServiceReader(client)),
      new SelfReader(database, health, results, reports),
    ],
    acknowledged: new Acknowledged(others.gateway, others.payments),
    partitions: config.PAYFLOW_PARTITIONS,
  });
}

/** How monitoring reaches each of the others. */
function clients(config: MonitoringConfiguration): Readonly<Record<Other, InternalClient>> {
  const client = (service: Other, base: string) => new InternalClient(service, base, config.PAYFLOW_INTERNAL_SECRET);
  return {
    gateway: client('gateway', config.PAYFLOW_INTERNAL_GATEWAY_URL),
    payments: client('payments', config.PAYFLOW_INTERNAL_PAYMENTS_URL),
    ledger: client('ledger', config.PAYFLOW_INTERNAL_LEDGER_URL),
    archiver: client('archiver', config.PAYFLOW_INTERNAL_ARCHIVER_URL),
  };
}
