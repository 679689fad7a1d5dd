import {
  MESSAGES,
  newId,
  partitionOf,
  PARTITIONS,
  type AnyMessage,
  type MessageData,
  type MessageType,
  type PaymentCreate,
  type Topic,
} from '@payflow/contracts';
import { statement, type Database } from '@payflow/database';
import { encodeRecord, kafkajsBroker, type BrokerOptions, type RecordToSend } from '@payflow/messaging';

import { HouseBooks, type Verdict } from './house-books.js';
import { HousePolicies } from './house-policies.js';
import { HousePayments, isWish, type Wish } from './house-payments.js';

type Producer = Awaited<ReturnType<ReturnType<typeof kafkajsBroker>['producer']>>;
/** What the spec itself answers, as providers make it wait for. */
type Unanswered = 'payflow.dispute.submit_evidence.v1' | 'payflow.payment.notice.v1';
type Command = AnyMessage<
  | 'payflow.payment.create.v1'
  | Wish['type']
  | 'payflow.account.open.v1'
  | 'payflow.account.update.v1'
  | 'payflow.asset.define.v1'
  | 'payflow.group.post.v1'
  | 'payflow.conversion.post.v1'
  | 'payflow.transfer.reverse.v1'
  | 'payflow.transfer.correct.v1'
  | 'payflow.transfer.update.v1'
  | 'payflow.hold.place.v1'
  | 'payflow.hold.post.v1'
  | 'payflow.hold.void.v1'
  | 'payflow.period.close.v1'
  | 'payflow.transaction_type.define.v1'
  | Unanswered
  | 'payflow.limit.define.v1'
  | 'payflow.limit.delete.v1'
  | 'payflow.risk_rule.define.v1'
  | 'payflow.risk_rule.delete.v1'
  | 'payflow.review.decide.v1'
  | 'payflow.payments_clock.set.v1'
  | 'payflow.ledger_clock.set.v1'
>;
/** What an event takes over from the command that it answers; one without an id answers none. */
type Cause = Pick<Command, 'tenant' | 'livemode' | 'traceparent'> & { readonly id?: string };

const UNANSWERED: ReadonlySet<string> = new Set<Unanswered>([
  'payflow.dispute.submit_evidence.v1',
  'payflow.payment.notice.v1',
]);
const isUnanswered = (command: Command): command is Extract<Command, { type: Unanswered }> =>
  UNANSWERED.has(command.type);

const POLL_MS = 10;
/** The broker takes a megabyte in one request. */
const RECORDS_PER_SEND = 500;
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
  readonly policies = new HousePolicies();
  readonly #books = new HouseBooks();
  readonly #payments = new HousePayments();
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

  /** Accounts whose debits are refused. */
  get empty(): Set<string> {
    return this.#books.empty;
  }

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
    cause: Cause,
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
      causationId: cause.id ?? id,
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
      for (let at = 0; at < records.length; at += RECORDS_PER_SEND)
        await this.#producer?.send(topic, Number(partition), records.slice(at, at + RECORDS_PER_SEND));
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
    if (isUnanswered(command)) return;
    if (command.type === 'payflow.payment.create.v1') return this.#pay(command, command.data);
    if (isWish(command)) return this.#tell(this.#payments.decide(command), command);
    const { type, data } = this.#decide(command);
    await this.publish(type, data, command);
  }

  #decide(command: Exclude<Command, { type: 'payflow.payment.create.v1' | Wish['type'] | Unanswered }>): Verdict {
    switch (command.type) {
      case 'payflow.account.open.v1':
        return this.#books.open(command.data);
      case 'payflow.account.update.v1':
        return this.#books.update(command.data);
      case 'payflow.asset.define.v1':
        return this.#books.define(command, command.data);
      case 'payflow.group.post.v1':
        return this.#books.post(command.data);
      case 'payflow.conversion.post.v1':
        return this.#books.convert(command.data);
      case 'payflow.transfer.reverse.v1':
        return this.#books.reverse(command.data);
      case 'payflow.transfer.correct.v1':
        return this.#books.correct(command.data);
      case 'payflow.transfer.update.v1':
        return this.#books.annotate(command.data);
      case 'payflow.hold.place.v1':
        return this.#books.place(command.data);
      case 'payflow.hold.post.v1':
        return this.#books.postHold(command.data);
      case 'payflow.hold.void.v1':
        return this.#books.voidHold(command.data);
      case 'payflow.period.close.v1':
        return this.#books.closePeriod(command.data);
      case 'payflow.transaction_type.define.v1':
        return this.#books.defineType(command.data);
      case 'payflow.limit.define.v1':
        return this.policies.limit(command.data);
      case 'payflow.limit.delete.v1':
        return this.policies.deleteLimit(command.data);
      case 'payflow.risk_rule.define.v1':
        return this.policies.rule(command.data);
      case 'payflow.risk_rule.delete.v1':
        return this.policies.deleteRule(command.data);
      case 'payflow.review.decide.v1':
        return this.policies.decide(command.data);
      case 'payflow.payments_clock.set.v1':
        return { type: 'payflow.payments_clock.moved.v1', data: command.data };
      case 'payflow.ledger_clock.set.v1':
        return { type: 'payflow.ledger_clock.moved.v1', data: command.data };
      default:
        return command satisfies never;
    }
  }

  async #pay(cause: Command, payment: PaymentCreate): Promise<void> {
    const { source, destination, amount } = payment;
    const move = () => (this.empty.has(source) ? undefined : this.#books.pay(source, destination, amount));
    await this.#tell(this.#payments.create(payment, move), cause);
  }

  async #tell(verdicts: readonly Verdict[], cause: Command): Promise<void> {
    for (const { type, data } of verdicts) await this.publish(type, data, cause);
  }
}
