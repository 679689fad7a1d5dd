import {
  MESSAGES,
  newId,
  partitionOf,
  PARTITIONS,
  type AccountOpen,
  type AccountSnapshot,
  type AnyMessage,
  type MessageData,
  type MessageType,
  type PaymentCreate,
  type Topic,
} from '@payflow/contracts';
import { statement, type Database } from '@payflow/database';
import { encodeRecord, kafkajsBroker, type BrokerOptions, type RecordToSend } from '@payflow/messaging';

type Producer = Awaited<ReturnType<ReturnType<typeof kafkajsBroker>['producer']>>;
type Command = AnyMessage<'payflow.payment.create.v1' | 'payflow.account.open.v1'>;

const POLL_MS = 10;
const READ = statement(
  'house.read-outbox',
  `select id, messages::text as messages from outbox where id <> all ($1::uuid[]) order by created_at, id`,
);

/**
 * The rest of the house, as far as the gateway can tell: takes the commands that the gateway has made durable and
 * answers on the topics as payments and the ledger do. It reads them from the outbox, where a command is or is not.
 */
export class House {
  /** What came, in order. */
  readonly commands: Command[] = [];
  /** False: commands pile up and nothing is answered. */
  answering = true;
  /** Accounts whose debits are refused. */
  readonly empty = new Set<string>();
  readonly #accounts = new Map<string, AccountSnapshot>();
  readonly #seen: string[] = [];
  readonly #outgoing = new Map<string, RecordToSend[]>();
  #gathering = false;
  #waiting: Command[] = [];
  #loop: Promise<void> | undefined;
  #stopped = false;
  #producer: Producer | undefined;

  constructor(
    private readonly db: Database,
    private readonly broker: BrokerOptions,
  ) {}

  async start(): Promise<void> {
    this.#producer = await kafkajsBroker(this.broker).producer();
    this.#loop = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#loop;
    await this.#producer?.close();
  }

  /** Publishes an event as its owner would. */
  async publish<T extends MessageType>(
    type: T,
    data: MessageData[T],
    cause: Pick<Command, 'tenant' | 'livemode' | 'traceparent'>,
    id = newId('event'),
  ): Promise<void> {
    const spec = MESSAGES[type] as { topic: Topic; key(data: MessageData[T]): string };
    const key = spec.key(data);
    const { tenant, livemode, traceparent } = cause;
    const context = {
      tenant,
      livemode,
      traceparent,
      tracestate: undefined,
      causationId: id,
      correlationId: id,
      actor: 'house',
      time: new Date().toISOString(),
    };
    const subject = (data as { id: string }).id;
    const record = encodeRecord({ id, type, subject, key, aggregateVersion: 1, ...context }, JSON.stringify(data));
    const target = `${spec.topic}/${partitionOf(key, PARTITIONS.single)}`;
    this.#outgoing.set(target, [...(this.#outgoing.get(target) ?? []), record]);
    // While commands are being answered, their events wait to go together.
    if (!this.#gathering) await this.#flush();
  }

  async #flush(): Promise<void> {
    const outgoing = [...this.#outgoing];
    this.#outgoing.clear();
    for (const [target, records] of outgoing) {
      const [topic = '', partition = ''] = target.split('/');
      await this.#producer?.send(topic, Number(partition), records);
    }
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      await this.#collect().catch(() => undefined);
      if (this.answering) await this.#answerAll();
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }

  async #collect(): Promise<void> {
    const rows = await this.db.rows<{ id: string; messages: string }>(READ, [this.#seen]);
    for (const { id, messages } of rows) {
      this.#seen.push(id);
      const commands = (JSON.parse(messages) as { message: Command; value: unknown }[]).map(
        ({ message, value }) => ({ ...message, data: value }) as Command,
      );
      this.commands.push(...commands);
      this.#waiting.push(...commands);
    }
  }

  async #answerAll(): Promise<void> {
    this.#gathering = true;
    for (const command of this.#waiting.splice(0)) await this.#answer(command);
    this.#gathering = false;
    await this.#flush();
  }

  async #answer(command: Command): Promise<void> {
    if (command.type === 'payflow.account.open.v1') await this.#open(command, command.data);
    else await this.#pay(command, command.data);
  }

  async #open(cause: Command, { id, asset, overdraft, path, metadata, created_at }: AccountOpen): Promise<void> {
    const snapshot = {
      id,
      asset,
      overdraft,
      posted_debits: '0',
      posted_credits: '0',
      pending_debits: '0',
      pending_credits: '0',
      version: 1,
    };
    this.#accounts.set(id, snapshot);
    await this.publish('payflow.account.opened.v1', { ...snapshot, path, metadata, created_at }, cause);
  }

  async #pay(cause: Command, payment: PaymentCreate): Promise<void> {
    const { id, source, destination, amount, asset, method, reference, metadata, created_at } = payment;
    const failed = this.empty.has(source);
    const facts = {
      id,
      source,
      destination,
      amount,
      asset,
      method,
      reference,
      metadata,
      created_at,
      amount_refunded: '0',
      version: 1,
    };
    const updated_at = new Date().toISOString();
    if (failed) {
      const failure = { code: 'insufficient_funds' };
      await this.publish(
        'payflow.payment.failed.v1',
        { ...facts, status: 'failed', amount_captured: '0', failure, updated_at, accounts: [] },
        cause,
      );
      return;
    }
    const accounts = [this.#move(source, amount, 'posted_debits'), this.#move(destination, amount, 'posted_credits')];
    await this.publish(
      'payflow.payment.succeeded.v1',
      { ...facts, status: 'succeeded', amount_captured: amount, failure: null, updated_at, accounts },
      cause,
    );
  }

  #move(id: string, amount: string, counter: 'posted_debits' | 'posted_credits'): AccountSnapshot {
    const known = this.#accounts.get(id) as AccountSnapshot;
    const moved = {
      ...known,
      [counter]: (BigInt(known[counter]) + BigInt(amount)).toString(),
      version: known.version + 1,
    };
    this.#accounts.set(id, moved);
    return moved;
  }
}
