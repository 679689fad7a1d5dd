import {
  MESSAGES,
  PARTITIONS,
  SUBSCRIPTIONS,
  deadLetterTopic,
  newId,
  partitionOf,
  type AnyMessage,
  type Group,
  type MessageData,
  type MessageType,
} from '@payflow/contracts';
import { SqlMigration, statement, type Database, type Rights, type Transaction } from '@payflow/database';
import {
  Messaging,
  MESSAGING_RIGHTS,
  MessagingGuards1763700013000,
  MessagingPartitions1764100040001,
  MessagingTables1763700000000,
  DeadLettersSettled1764700000121,
  SetAsideInOrder1764700000201,
  OutboxInOrder1764700000101,
  encodeRecord,
  kafkajsBroker,
  type BrokerOptions,
  type Handled,
  type RecordToSend,
  type SubscriptionHandlers,
} from '@payflow/messaging';
import { createTestDatabase, type TestDatabase } from './database.js';
import { testBroker } from './servers.js';
import { createTestTopics, uniqueSuffix } from './topics.js';
import { until } from './until.js';

const PROFILE = 'single';

/** What the kit's handler leaves behind: one row per message applied, in the order of application; nothing keeps doubles out but the runner. */
class EffectsTable1763700002000 extends SqlMigration {
  readonly sql = `
create table effects (
  id bigint generated always as identity primary key,
  event_id text not null,
  record_key text not null,
  type text not null,
  sequence integer,
  writer text not null
);`;
}

const KNOWN = statement('kit.known-effects', 'select event_id from effects where event_id = any ($1::text[])');
const INSERT = statement(
  'kit.insert-effects',
  `insert into effects (event_id, record_key, type, sequence, writer)
   select m.*, $5 from unnest($1::text[], $2::text[], $3::text[], $4::integer[]) as m`,
);
const EFFECTS = statement(
  'kit.effects',
  `select event_id as "eventId", record_key as "key", type, sequence, writer from effects order by id`,
);
const SENT = statement(
  'kit.sent',
  `select m -> 'message' ->> 'type' as type, m -> 'message' ->> 'id' as id, m -> 'message' ->> 'causationId' as "causationId",
     m -> 'value' as data, xact_id::text as xact
   from outbox, json_array_elements(messages::json) as m where topic not like 'dlq.%' order by created_at, id`,
);
const UNPUBLISHED = statement('kit.unpublished', 'select from outbox where published_at is null');
const POSITIONS = statement(
  'kit.positions',
  `select partition, epoch, next_offset as "nextOffset", stopped_reason as "stoppedReason" from positions
   where consumer_group = $1 order by partition`,
);

export interface Effect {
  readonly eventId: string;
  readonly key: string;
  readonly type: string;
  readonly sequence: number | null;
  readonly writer: string;
}

/** A message that was sent. */
export interface Sent {
  readonly type: string;
  readonly id: string;
  readonly causationId: string;
  readonly data: Readonly<Record<string, unknown>>;
  /** The transaction that wrote it. */
  readonly xact: string;
}

export interface PositionRow {
  readonly partition: number;
  readonly epoch: bigint;
  readonly nextOffset: bigint;
  readonly stoppedReason: string | null;
}

/** What stands in for a service: a reader of one group, with a database, topics and broker names of its own. */
export class ReaderKit {
  private readonly started: Messaging[] = [];
  static readonly migrations = [
    MessagingTables1763700000000,
    EffectsTable1763700002000,
    MessagingGuards1763700013000,
    MessagingPartitions1764100040001,
    OutboxInOrder1764700000101,
    DeadLettersSettled1764700000121,
    SetAsideInOrder1764700000201,
    // Specs share a kit's tables and forget what was in them.
    { ...MESSAGING_RIGHTS, positions: { update: 'all', delete: true }, effects: { delete: true } } satisfies Rights,
  ];
  readonly topic: string;

  private constructor(
    readonly group: Group,
    readonly broker: BrokerOptions,
    readonly tables: TestDatabase,
  ) {
    this.topic = SUBSCRIPTIONS[group].topic;
  }

  /** `broker`: another than the run's own, for tests that kill it. */
  static async open(group: Group, broker: BrokerOptions = testBroker(uniqueSuffix())): Promise<ReaderKit> {
    const tables = await createTestDatabase(SUBSCRIPTIONS[group].service, ReaderKit.migrations);
    await createTestTopics(broker, [SUBSCRIPTIONS[group].topic, deadLetterTopic(group)]);
    return new ReaderKit(group, broker, tables);
  }

  /** For a service's own handlers, on its own tables; all topics are there. */
  static async of(group: Group, migrations: Parameters<typeof createTestDatabase>[1]): Promise<ReaderKit> {
    const broker = testBroker(uniqueSuffix());
    const tables = await createTestDatabase(SUBSCRIPTIONS[group].service, migrations);
    await createTestTopics(broker);
    return new ReaderKit(group, broker, tables);
  }

  get db(): Database {
    return this.tables.database;
  }

  /** Starts one more process's worth of the service; resolves when it has joined. */
  async start(handlers: Partial<SubscriptionHandlers> = {}, database = this.db): Promise<Messaging> {
    const messaging = this.messaging(database);
    await messaging.start();
    await this.subscribe(messaging, handlers);
    return messaging;
  }

  /** Resolves when the messaging has joined the group. */
  subscribe(messaging: Messaging, handlers: Partial<SubscriptionHandlers> = {}): Promise<void> {
    const { mark } = SUBSCRIPTIONS[this.group];
    const handle = mark === 'effect' ? markingHandler('a') : effectHandler('a');
    return messaging.subscribe(this.group, { handle, ...handlers });
  }

  /** A messaging that is closed with the kit, not started. */
  messaging(database = this.db): Messaging {
    const messaging = new Messaging({ broker: this.broker, database, partitions: PROFILE });
    this.started.push(messaging);
    return messaging;
  }

  async stop(messaging: Messaging): Promise<void> {
    this.started.splice(this.started.indexOf(messaging), 1);
    await messaging.close();
  }

  /** Sends records to one partition of the group's topic, past any outbox. */
  async sendTo(partition: number, records: readonly RecordToSend[]): Promise<void> {
    const producer = await kafkajsBroker(this.broker).producer();
    try {
      await producer.send(this.topic, partition, records);
    } finally {
      await producer.close();
    }
  }

  /** Sends messages to the partitions of their keys, in order. */
  async send(messages: readonly AnyMessage[]): Promise<void> {
    for (let partition = 0; partition < PARTITIONS[PROFILE]; partition++) {
      const own = messages.filter(({ key }) => partitionOf(key, PARTITIONS[PROFILE]) === partition);
      if (own.length > 0) await this.sendTo(partition, own.map(recordOf));
    }
  }

  effects(): Promise<Effect[]> {
    return this.db.rows<Effect & Record<string, unknown>>(EFFECTS);
  }

  /** Waits until so many effects are there, and returns them all. */
  async effectsWhen(count: number, deadline_ms?: number): Promise<Effect[]> {
    let found: Effect[] = [];
    await until(`${count} effects`, async () => (found = await this.effects()).length >= count, deadline_ms);
    return found;
  }

  /** All that the reader has sent, once the broker has acknowledged it; dead letters left out. */
  async sent(): Promise<Sent[]> {
    await until('the outbox is drained', async () => (await this.db.rows(UNPUBLISHED)).length === 0);
    return this.db.rows<Sent & Record<string, unknown>>(SENT);
  }

  positions(): Promise<PositionRow[]> {
    return this.db.rows<PositionRow & Record<string, unknown>>(POSITIONS, [this.group]);
  }

  /** Waits until everything in the topic lies behind the positions. */
  async untilRead(deadline_ms?: number): Promise<void> {
    const admin = await kafkajsBroker(this.broker).admin();
    let seen = 'nothing seen';
    try {
      await until(
        () => `the topic is read to its end (${seen})`,
        async () => {
          const rows = new Map((await this.positions()).map((row) => [row.partition, row]));
          // Of a broker that is gone the rest of the cluster hears in its own time.
          const ends = await admin.offsets(this.topic).catch((error: unknown) => {
            seen = String(error);
            return [];
          });
          if (ends.length === 0) return false;
          seen = ends.map(({ partition, high }) => readTo(partition, high, rows.get(partition))).join('; ');
          return ends.every(({ partition, high }) => Number(rows.get(partition)?.nextOffset) === high);
        },
        deadline_ms,
      );
    } finally {
      await admin.close();
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.started.splice(0).map((messaging) => messaging.close()));
    await this.tables.drop();
  }
}

function readTo(partition: number, high: number, row?: PositionRow): string {
  return `partition ${partition}: ${row?.nextOffset ?? 'no'} of ${high}, ${row?.stoppedReason ?? 'not stopped'}`;
}

/** Writes one effect per message, naming the writer. `before` runs first, and may fail as a broken handler would. */
export function effectHandler(
  writer: string,
  before: (messages: readonly AnyMessage[], tx: Transaction) => Promise<void> | void = () => undefined,
): SubscriptionHandlers['handle'] {
  return async (messages, tx): Promise<Handled> => {
    await before(messages, tx);
    return writeEffects(writer, messages, tx);
  };
}

/** For readers whose mark is their effect: what is there already is not written again, and is named as repeated. */
export function markingHandler(writer: string): SubscriptionHandlers['handle'] {
  return async (messages, tx): Promise<Handled> => {
    const known = await tx.rows<{ event_id: string }>(KNOWN, [messages.map(({ id }) => id)]);
    const repeated = known.map(({ event_id }) => event_id);
    await writeEffects(
      writer,
      messages.filter(({ id }) => !repeated.includes(id)),
      tx,
    );
    return { messages: [], repeated };
  };
}

async function writeEffects(writer: string, messages: readonly AnyMessage[], tx: Transaction): Promise<Handled> {
  await tx.count(INSERT, [
    messages.map(({ id }) => id),
    messages.map(({ key }) => key),
    messages.map(({ type }) => type),
    messages.map(({ data }) => (data as { sequence?: number }).sequence ?? null),
    writer,
  ]);
  return { messages: [] };
}

/** The record of a message, as its publisher would send it. */
export function recordOf(message: AnyMessage): RecordToSend {
  return encodeRecord(message, JSON.stringify(message.data));
}

/** A message as it would come from the log, of one tenant and in test mode. */
export function testMessage<T extends MessageType>(
  type: T,
  data: MessageData[T],
  context: Partial<AnyMessage<T>> = {},
): AnyMessage<T> {
  const id = newId('event');
  const key = (MESSAGES[type] as { key(data: unknown): string }).key(data);
  return {
    id,
    type,
    data,
    key,
    subject: key,
    tenant: TENANT,
    livemode: false,
    aggregateVersion: 1,
    causationId: id,
    correlationId: id,
    actor: 'spec',
    time: new Date().toISOString(),
    traceparent: undefined,
    tracestate: undefined,
    ...context,
  } as unknown as AnyMessage<T>;
}

const TENANT = newId('tenant');

/** A ledger command that any reader of `ledger.commands.v1` accepts. */
export function openAccount(account = newId('account')): AnyMessage<'payflow.account.open.v1'> {
  const created_at = new Date().toISOString();
  return testMessage('payflow.account.open.v1', {
    id: account,
    path: null,
    asset: 'USD',
    kind: 'liability',
    overdraft: 'none',
    overdraft_limit: '0',
    metadata: {},
    created_at,
  });
}

/** A ledger event that every reader of `ledger.events.v1` with accounts accepts. */
export function accountRejected(account = newId('account')): AnyMessage<'payflow.account.rejected.v1'> {
  return testMessage('payflow.account.rejected.v1', {
    id: account,
    reason: 'account_exists',
    recorded_at: new Date().toISOString(),
  });
}

/** What the payments service says to itself of a payment: it may come to nothing. */
export function paymentSweep(payment = newId('payment')): AnyMessage<'payflow.payment.sweep.v1'> {
  return testMessage('payflow.payment.sweep.v1', { id: payment });
}

/** A command of a payment at its place in the payment's sequence. */
export function paymentCommand(payment: string, sequence: number): AnyMessage<'payflow.payment.create.v1'> {
  const created_at = new Date().toISOString();
  return testMessage('payflow.payment.create.v1', {
    id: payment,
    sequence,
    source: newId('account'),
    destination: newId('account'),
    amount: '100',
    asset: 'USD',
    method: { type: 'internal' },
    capture: 'automatic',
    reference: null,
    metadata: {},
    created_at,
    expires_at: created_at,
  });
}
