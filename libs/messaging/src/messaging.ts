import { setTimeout as delay } from 'node:timers/promises';
import { PARTITIONS, type Group } from '@payflow/contracts';
import type { Database } from '@payflow/database';
import { logger } from '@payflow/telemetry';
import { kafkajsBroker } from './broker/kafkajs/client.js';
import type { Broker, BrokerAdmin, BrokerOptions } from './broker/port.js';
import { Outbox } from './outbox/outbox.js';
import { Publisher } from './outbox/publisher.js';
import { Relay } from './outbox/relay.js';
import type { SubscriptionHandlers } from './runner/handler.js';
import { Housekeeping } from './housekeeping.js';
import { Subscription } from './runner/subscription.js';
import { Suspects } from './runner/suspects.js';

const log = logger('messaging');

export interface MessagingOptions {
  /** How to reach it, or one that is being reached already. */
  readonly broker: BrokerOptions | Broker;
  readonly database: Database;
  /** How many partitions each topic has; the same for every process of the installation. */
  readonly partitions: keyof typeof PARTITIONS;
}

const CLOSE_DEADLINE_MS = 3_000;
const ADMIN_CLOSE_MS = 500;
/** Distinct from a crash: the supervisor sees that the watchdog ended the process. */
const EXIT_NO_PROGRESS = 70;

/** A service's way in and out: its outbox with lanes and relay, and its subscriptions. */
export class Messaging {
  readonly outbox: Outbox;
  private readonly broker: Broker;
  private readonly publisher: Publisher;
  private readonly relay: Relay;
  private readonly housekeeping: Housekeeping;
  private readonly subscriptions: Subscription[] = [];
  private readonly suspects = new Suspects();
  private adminClient: Promise<BrokerAdmin> | undefined;

  constructor(private readonly options: MessagingOptions) {
    // What goes out is not held up by what comes in, nor the other way round.
    const database = options.database.for('relay');
    this.broker = 'producer' in options.broker ? options.broker : kafkajsBroker(options.broker);
    this.publisher = new Publisher(this.broker, database);
    this.outbox = new Outbox(database, this.publisher, PARTITIONS[options.partitions]);
    this.relay = new Relay(database, this.publisher);
    this.housekeeping = new Housekeeping(database);
  }

  /** Makes the coming days' partitions and starts the way out. Does not wait for the broker. */
  async start(): Promise<void> {
    await this.housekeeping.start();
    this.publisher.start();
    this.relay.start();
  }

  /**
   * Starts one consumer group. Resolves when the broker has let it join, however long that takes, or at the close. Throws at once where
   * the subscription cannot be made: nobody waits for a join at the start.
   */
  subscribe(group: Group, handlers: SubscriptionHandlers): Promise<void> {
    const { database, partitions } = this.options;
    const subscription = new Subscription(group, handlers, {
      db: database.for('consumers'),
      broker: this.broker,
      outbox: this.outbox,
      partitions: PARTITIONS[partitions],
      admin: () => this.admin(),
      suspects: this.suspects,
      onDead: (error) => {
        log.fatal({ err: error, group }, 'ending the process: the consumer cannot go on');
        process.exit(EXIT_NO_PROGRESS);
      },
    });
    this.subscriptions.push(subscription);
    return subscription.start();
  }

  /** For readiness: can the service send, and does every consumer run? */
  get health(): { readonly producing: boolean; readonly consuming: boolean } {
    return { producing: this.publisher.connected, consuming: this.subscriptions.every(({ ready }) => ready) };
  }

  /** How far this process is behind with what it reads, ms: 0 where it has applied all that it knows of. */
  lag_ms(now_ms: number): number {
    return Math.max(0, ...this.subscriptions.map((subscription) => subscription.lag_ms(now_ms)));
  }

  /** Stops taking batches, finishes those begun, publishes and marks what is on its way. */
  async close(): Promise<void> {
    // Told first: its last statement ends while the consumers do.
    const housekeeping = this.housekeeping.close();
    await Promise.all(this.subscriptions.map((subscription) => subscription.stop()));
    await Promise.all([this.relay.close(), this.publisher.close(CLOSE_DEADLINE_MS), housekeeping]);
    const admin = this.adminClient?.then((client) => client.close()).catch(() => undefined);
    await Promise.race([admin, delay(ADMIN_CLOSE_MS, undefined, { ref: false })]);
  }

  /** One administrative connection, made when first needed and made anew after a failure. */
  admin(): Promise<BrokerAdmin> {
    this.adminClient ??= this.broker.admin().catch((error: unknown) => {
      this.adminClient = undefined;
      throw error;
    });
    return this.adminClient;
  }
}
