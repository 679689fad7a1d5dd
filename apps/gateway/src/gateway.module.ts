import { Module, type DynamicModule, type Provider } from '@nestjs/common';
import { RedisConnection, Wake } from '@payflow/cache';
import type { Database } from '@payflow/database';
import { InvariantsModule } from '@payflow/invariants';
import { Messaging } from '@payflow/messaging';
import { DATABASE, Drain, Health, PlatformModule } from '@payflow/service';
import { Outcomes } from './acceptance/outcomes.js';
import type { Door } from './acceptance/acceptor.js';
import { Bulks } from './acceptance/bulks.js';
import { changing } from './acceptance/changing.js';
import { PaymentBulks } from './acceptance/payment-bulks.js';
import { Writes } from './acceptance/writes.js';
import { GatewayCaches, REDIS_PREFIX } from './cache/gateway-caches.js';
import { KeyUses } from './cache/key-uses.js';
import { entities, invariants, migrations } from './database/index.js';
import { rights } from './database/rights.js';
import type { GatewayConfiguration } from './gateway.config.js';
import { LedgerEventsHandler } from './handlers/ledger-events.handler.js';
import { PaymentEventsHandler } from './handlers/payment-events.handler.js';
import { AccountsController } from './http/ledger/accounts.controller.js';
import { AuditController } from './http/identity/audit.controller.js';
import { AttemptsController } from './http/payments/attempts.controller.js';
import { AssetsController } from './http/ledger/assets.controller.js';
import { BlocksController } from './http/identity/blocks.controller.js';
import { ConversionsController } from './http/ledger/conversions.controller.js';
import { Cursors } from './http/lists/cursor.js';
import { HoldsController } from './http/ledger/holds.controller.js';
import { DryRuns } from './http/writes/dry-run.js';
import { LimitsController, PAYMENTS } from './http/payments/limits.controller.js';
import { LEDGER, LedgerReadsController } from './http/ledger/ledger-reads.controller.js';
import { ProofsController } from './http/ledger/proofs.controller.js';
import { InternalPaymentsController } from './http/payments/internal-payments.controller.js';
import { MonitoringController } from './http/monitoring.controller.js';
import { OwnerClient } from './http/owner/owner-client.js';
import { ownerClient } from './http/owner/owners.js';
import { PeriodsController } from './http/ledger/periods.controller.js';
import { OperationsController } from './http/payments/operations.controller.js';
import { PaymentOperationsController } from './http/payments/payment-operations.controller.js';
import { PaymentExpansions } from './http/payments/payment-expansion.js';
import { PaymentBulksController } from './http/payments/payment-bulks.controller.js';
import { PaymentsController } from './http/payments/payments.controller.js';
import { RequestLogController } from './http/identity/request-log.controller.js';
import { ReviewsController } from './http/payments/reviews.controller.js';
import { RiskRulesController } from './http/payments/risk-rules.controller.js';
import { SearchController } from './http/finding/search.controller.js';
import { TransactionsController } from './http/finding/transactions.controller.js';
import { TransactionTypesController } from './http/ledger/transaction-types.controller.js';
import { TransferBulksController } from './http/ledger/transfer-bulks.controller.js';
import { TransferGroupsController } from './http/ledger/transfer-groups.controller.js';
import { TransfersController } from './http/ledger/transfers.controller.js';
import { identityControllers, identityProviders } from './identity/parts.js';
import { ViewLag } from './http/answers/view-lag.js';
import { Sweeper } from './sweeper.js';
import { watchProviders } from './watch/parts.js';
import { Watch } from './watch/watch.js';
import { testModeControllers, testModeProviders } from './test-mode/parts.js';
import { webhookControllers, webhookProviders } from './webhooks/parts.js';

const WAKE_CHANNEL = `${REDIS_PREFIX}wake`;
/** Groups of writes go two at a time; two groups of messages are read from two partitions each; lists take turns of four. */
const CONNECTIONS = { api: 5, consumers: 4, relay: 1, reports: 4 };
/** All its statements are small; a database that is silent for longer is answered for with 503. */
const STATEMENT_TIMEOUT_MS = 4_000;

/** What payments are held against, and those that a human decides on. */
const LIMITING = [LimitsController, RiskRulesController, ReviewsController];
const PAYMENT_CONTROLLERS = [
  PaymentBulksController,
  PaymentsController,
  PaymentOperationsController,
  OperationsController,
  AttemptsController,
  InternalPaymentsController,
];
/** What has happened, and who did it. */
const LOOKING_BACK = [
  AuditController,
  SearchController,
  TransactionsController,
  MonitoringController,
  RequestLogController,
  BlocksController,
];

/** HTTP → payments.commands, ledger.commands; payments.events, ledger.events → the read model and the waiting requests. */
@Module({})
export class GatewayModule {
  static with(config: GatewayConfiguration): DynamicModule {
    return {
      module: GatewayModule,
      // Without Kafka the gateway goes on accepting: commands wait in the outbox, requests get 202.
      imports: [
        PlatformModule.with({
          service: 'gateway',
          config,
          entities,
          rights,
          migrations,
          connections: CONNECTIONS,
          kafka: 'degraded',
          refusesWithoutDatabase: true,
          statementTimeout_ms: STATEMENT_TIMEOUT_MS,
        }),
        InvariantsModule.with({ invariants, secret: config.PAYFLOW_INTERNAL_SECRET }),
      ],
      controllers: [
        ...PAYMENT_CONTROLLERS,
        AccountsController,
        TransferBulksController,
        TransfersController,
        TransferGroupsController,
        ConversionsController,
        HoldsController,
        AssetsController,
        LedgerReadsController,
        ProofsController,
        PeriodsController,
        TransactionTypesController,
        ...LIMITING,
        ...LOOKING_BACK,
        ...identityControllers,
        ...webhookControllers,
        ...testModeControllers,
        PaymentEventsHandler,
        LedgerEventsHandler,
      ],
      providers: [
        {
          provide: RedisConnection,
          inject: [Health, Drain],
          useFactory: (health: Health, drain: Drain) => redis(config, health, drain),
        },
        {
          provide: Wake,
          inject: [RedisConnection, Drain],
          useFactory: (connection: RedisConnection, drain: Drain) => wake(config, connection, drain),
        },
        ...caching(config),
        ...watchProviders(config),
        { provide: ViewLag, inject: [Messaging, RedisConnection, Drain], useFactory: viewLag },
        { provide: Outcomes, inject: [DATABASE, Wake, Drain], useFactory: outcomes },
        ...writing(config),
        DryRuns,
        ...identityProviders(config),
        ...webhookProviders(config),
        ...testModeProviders,
        PaymentExpansions,
        { provide: Cursors, useFactory: () => new Cursors(config.PAYFLOW_INTERNAL_SECRET) },
        ...reading(config),
        {
          provide: Sweeper,
          inject: [DATABASE, Messaging],
          useFactory: (db: Database, messaging: Messaging) => new Sweeper(db.for('relay'), messaging),
        },
      ],
      exports: [GatewayCaches, KeyUses, Watch],
    };
  }
}

/** Both ways through the door: what is accepted with others, and what is large enough to be accepted alone. */
function writing({ PAYFLOW_PARTITIONS: partitions }: GatewayConfiguration): Provider[] {
  const inject = [DATABASE, Messaging, Outcomes, GatewayCaches];
  const through =
    <W>(Way: new (door: Door, ends: Outcomes) => W) =>
    (db: Database, messaging: Messaging, ends: Outcomes, { all }: GatewayCaches) =>
      new Way({ db, messaging, partitions, changing: changing(all) }, ends);
  return [
    { provide: Writes, inject, useFactory: through(Writes) },
    { provide: Bulks, inject, useFactory: through(Bulks) },
    {
      provide: PaymentBulks,
      inject: [DATABASE, Outcomes, Writes],
      useFactory: (db: Database, ends: Outcomes, writes: Writes) => new PaymentBulks(db, ends, writes),
    },
  ];
}

/** Clients of the owners that reads are forwarded to. */
function reading(config: GatewayConfiguration): Provider[] {
  const client = (owner: 'ledger' | 'monitoring' | 'payments') => ({
    inject: [Drain],
    useFactory: (drain: Drain) => ownerClient(owner, config, drain),
  });
  return [
    { provide: OwnerClient, ...client('monitoring') },
    { provide: LEDGER, ...client('ledger') },
    { provide: PAYMENTS, ...client('payments') },
  ];
}

/** What is kept of the views, and what is noted of who reads them. */
function caching(config: GatewayConfiguration): Provider[] {
  return [
    {
      provide: GatewayCaches,
      inject: [DATABASE, RedisConnection, Drain],
      useFactory: (db: Database, connection: RedisConnection, drain: Drain) => caches(config, db, connection, drain),
    },
    { provide: KeyUses, inject: [DATABASE, Drain], useFactory: keyUses },
  ];
}

function redis(config: GatewayConfiguration, health: Health, drain: Drain): RedisConnection {
  const connection = new RedisConnection(config.REDIS_URL, 'payflow-gateway', config.REDIS_POOL_SIZE);
  connection.open();
  health.register({ name: 'redis', level: 'degraded', run: () => connection.ping() });
  drain.on('pools', 'redis', () => connection.close());
  return connection;
}

function wake(config: GatewayConfiguration, connection: RedisConnection, drain: Drain): Wake {
  const channel = new Wake(connection, config.REDIS_URL, WAKE_CHANNEL);
  channel.open();
  drain.on('pools', 'wake', () => channel.close());
  return channel;
}

function caches(config: GatewayConfiguration, db: Database, connection: RedisConnection, drain: Drain): GatewayCaches {
  const made = new GatewayCaches(db, connection, config.REDIS_URL);
  made.all.open();
  drain.on('flush', 'caches', () => made.all.noteHottest());
  drain.on('pools', 'caches', () => made.all.close());
  return made;
}

function keyUses(db: Database, drain: Drain): KeyUses {
  const uses = new KeyUses(db);
  uses.open();
  drain.on('flush', 'key uses', () => uses.close());
  return uses;
}

function viewLag(messaging: Messaging, connection: RedisConnection, drain: Drain): ViewLag {
  const lag = new ViewLag(messaging, connection, REDIS_PREFIX);
  lag.open();
  drain.on('flush', 'view lag', () => lag.close());
  return lag;
}

function outcomes(db: Database, channel: Wake, drain: Drain): Outcomes {
  const ends = new Outcomes(db, channel);
  drain.on('requests', 'waits', () => ends.endWaits());
  drain.on('flush', 'waits', () => ends.close());
  return ends;
}
