import {
  OPERATION_KINDS,
  fromUuid,
  newId,
  uuidOf,
  type AnyMessage,
  type MessageData,
  type OperationKind,
  type PaymentCreate,
} from '@payflow/contracts';
import { statement, type Transaction } from '@payflow/database';
import { checkInvariants } from '@payflow/invariants';
import { Messaging, type AnyOutgoing, type Handled } from '@payflow/messaging';
import { createTestDatabase, testBroker, testMessage, type TestDatabase } from '@payflow/testing';
import { invariants, migrations } from '../database/index.js';
import { LedgerVerdictsHandler } from '../handlers/ledger-verdicts.handler.js';
import { PaymentCommandsHandler } from '../handlers/payment-commands.handler.js';
import { PlayedLedger, type LedgerVerdict } from './played-ledger.js';

const DAY_MS = 86_400_000;
const PAYMENT = statement('spec.payment', `select * from payments where id = $1`);
const ATTEMPT = statement(
  'spec.attempt',
  `select a.id, a.action, a.amount_minor::text as amount, a.request, a.connector from attempts a
   join payment_operations o on (o.tenant_id, o.livemode, o.id) = (a.tenant_id, a.livemode, a.operation_id)
   where a.payment_id = $1 and o.status = 'asking' order by a.created_at desc, a.number desc limit 1`,
);
const OPERATIONS = statement(
  'spec.operations',
  `select kind, status, failure_code as code, amount_minor::text as amount from payment_operations where payment_id = $1 order by number`,
);
const TRANSITIONS = statement(
  'spec.transitions',
  `select from_status || ' ' || to_status as move from payment_transitions where payment_id = $1 order by version`,
);

const JOBS = statement(
  'spec.jobs-for-attempt',
  `select t.identifier as name from graphile_worker._private_jobs j join graphile_worker._private_tasks t on t.id = j.task_id
   where j.payload -> 'data' ->> 'attempt' = $1`,
);

/** A message, with its tenant's mark on it. */
type Any = AnyMessage;

export const TENANT = newId('tenant');
export const SOURCE = newId('account');
export const DESTINATION = newId('account');

/** The payments service's handlers on a database of their own; the spec says what ledger and providers answer. */
export class PaymentsUnderTest {
  readonly ledger = new PlayedLedger();
  /** All that was sent, in order. */
  readonly sent: AnyOutgoing[] = [];
  /** Ledger commands that have no verdict yet. */
  readonly asked: AnyOutgoing[] = [];
  readonly commands = new PaymentCommandsHandler();
  private readonly verdicts = new LedgerVerdictsHandler();
  private sequence = 1;

  private constructor(
    readonly db: TestDatabase,
    private readonly messaging: Messaging,
  ) {}

  static async open(): Promise<PaymentsUnderTest> {
    const db = await createTestDatabase('payments', migrations);
    await db.database.rows(statement('spec.partitions', 'select ensure_partitions(1)'));
    // Never started: rows are staged as always, checked against their schemas, and stay in the outbox.
    const messaging = new Messaging({ broker: testBroker('unused'), database: db.database, partitions: 'single' });
    return new PaymentsUnderTest(db, messaging);
  }

  close(): Promise<void> {
    return this.db.drop();
  }

  /** Closes it, and returns what is broken by then of what must always hold. */
  async closeWithBroken(): Promise<string[]> {
    const checked = await checkInvariants(this.db.database, invariants);
    await this.close();
    // Nothing publishes here, so that the outbox's age says nothing.
    const broken = checked.filter(({ invariant, violations }) => violations > 0 && invariant !== 'I19');
    return broken.map(({ invariant, sample }) => `${invariant} ${sample.join('; ')}`);
  }

  /** One batch of commands. Returns what was sent for it. */
  tell(...commands: readonly Any[]): Promise<AnyOutgoing[]> {
    return this.apply((tx) => this.commands.handle(commands as never, tx));
  }

  /** One batch of the ledger's verdicts. */
  hear(...verdicts: readonly LedgerVerdict[]): Promise<AnyOutgoing[]> {
    return this.apply((tx) => this.verdicts.handle(verdicts as never, tx));
  }

  /** Has the ledger answer what it was asked, until it is asked nothing more. Returns what was sent on the way. */
  async settle(refuse?: (command: AnyOutgoing) => string | undefined): Promise<AnyOutgoing[]> {
    const told: AnyOutgoing[] = [];
    while (this.asked.length > 0) {
      const verdicts = this.asked.splice(0).map((command) => this.ledger.answer(command, refuse?.(command)));
      told.push(...(await this.hear(...verdicts)));
    }
    return told;
  }

  /** One batch of one command, and all that its handler hands back. Nothing is kept of what it would send. */
  handled(command: Any): Promise<Handled> {
    return this.db.database.transaction((tx) => this.commands.handle([command] as never, tx));
  }

  /** The same of a verdict. */
  heard(verdict: LedgerVerdict): Promise<Handled> {
    return this.db.database.transaction((tx) => this.verdicts.handle([verdict] as never, tx));
  }

  /** As the worker notes it, log and all: where the attempts stand that a condition is true of. */
  noted(status: string, where: string, more = ''): Promise<void> {
    return this.db.tamper(
      `with found as (select * from attempts where ${where}),
       moved as (
         update attempts a set status = '${status}', version = a.version + 1 ${more} from found f
         where (a.tenant_id, a.livemode, a.id) = (f.tenant_id, f.livemode, f.id)
         returning a.tenant_id, a.livemode, a.id, a.version, f.status as from_status)
       insert into attempt_transitions (tenant_id, livemode, attempt_id, version, from_status, to_status, actor, reason, trace_id)
       select tenant_id, livemode, id, version, from_status, '${status}', 'spec', 'noted', repeat('a', 32) from moved`,
    );
  }

  async apply(handle: (tx: Transaction) => Promise<Handled>): Promise<AnyOutgoing[]> {
    const { messages } = await this.db.database.transaction(async (tx) => {
      const handled = await handle(tx);
      await this.messaging.outbox.stage(tx, handled.messages, () => undefined);
      return handled;
    });
    this.sent.push(...messages);
    this.asked.push(...messages.filter(({ type, resent }) => !resent && isLedgerCommand(type)));
    return [...messages];
  }

  create(change: Partial<PaymentCreate> = {}): AnyMessage<'payflow.payment.create.v1'> {
    const now = Date.now();
    return this.message('payflow.payment.create.v1', {
      id: newId('payment'),
      sequence: 1,
      source: SOURCE,
      destination: DESTINATION,
      amount: '1000',
      asset: 'USD',
      method: { type: 'internal' },
      capture: 'manual',
      reference: null,
      metadata: {},
      created_at: new Date(now).toISOString(),
      expires_at: new Date(now + DAY_MS).toISOString(),
      ...change,
    });
  }

  /**
   * A card payment whose customer has acted while it was being called off: the provider's word on its authorization, and that it
   * refuses the cancellation. Neither is told yet.
   */
  async actedWhileCalledOff(
    capture: PaymentCreate['capture'],
    more: object = {},
  ): Promise<{ readonly approval: AnyMessage; readonly refusal: AnyMessage }> {
    const create = this.create({ capture, method: { type: 'card', token: 'tok_visa' } });
    const { id } = create.data;
    await this.tell(create);
    await this.settle();
    const act = await this.answer(id, 'requires_action');
    await this.tell(act);
    await this.tell(this.wish(id, 'cancellation'));
    const refusal = await this.answer(id, 'declined', { code: 'payment_not_cancelable' });
    const approved = { ...(act.data as object), outcome: 'approved', url: null, ...more };
    return { refusal, approval: this.message('payflow.payment.answer.v1', approved as never) };
  }

  /** What a client asks of a payment, by the kind of the operation. */
  wish(payment: string, kind: OperationKind, more: object = {}): AnyMessage {
    const facts = {
      id: payment,
      sequence: ++this.sequence,
      operation: newId(OPERATION_KINDS[kind]),
      created_at: new Date().toISOString(),
    };
    const message = (type: AnyMessage['type'], data: object) => this.message(type, data as never);
    switch (kind) {
      case 'confirmation':
        return message('payflow.payment.confirm.v1', { ...facts, capture: null, ...more });
      case 'increment':
        return message('payflow.payment.increment.v1', { ...facts, amount: '100', ...more });
      case 'capture':
        return message('payflow.payment.capture.v1', { ...facts, amount: null, final: true, metadata: {}, ...more });
      case 'cancellation':
        return message('payflow.payment.cancel.v1', { ...facts, reason: null, ...more });
      case 'refund':
        return message('payflow.payment.refund.v1', { ...facts, amount: null, reason: null, metadata: {}, ...more });
      default:
        return kind satisfies never;
    }
  }

  expire(payment: string): AnyMessage {
    return this.message('payflow.payment.expire.v1', { id: payment });
  }

  /** The provider's word on the youngest attempt that is asked for the payment. */
  async answer(payment: string, outcome: 'approved' | 'declined' | 'requires_action' | 'not_sent', more: object = {}) {
    const attempt = await this.attempt(payment);
    return this.message('payflow.payment.answer.v1', {
      id: payment,
      attempt: fromUuid('attempt', attempt?.['id'] as string),
      outcome,
      code: outcome === 'declined' ? 'card_declined' : null,
      connector: outcome === 'not_sent' ? null : 'cards',
      provider_reference: outcome === 'approved' || outcome === 'requires_action' ? 'auth_1' : null,
      url: outcome === 'requires_action' ? 'https://acquirer.example/act' : null,
      ...more,
    });
  }

  async attempt(payment: string): Promise<Record<string, unknown> | undefined> {
    return (await this.db.database.rows(ATTEMPT, [uuidOf('payment', payment)]))[0];
  }

  /** What the worker is to do for an attempt. */
  async jobs(attempt: string): Promise<unknown[]> {
    return (await this.db.database.rows(JOBS, [attempt])).map(({ name }) => name);
  }

  async row(payment: string): Promise<Record<string, unknown>> {
    return (await this.db.database.rows(PAYMENT, [uuidOf('payment', payment)]))[0] as Record<string, unknown>;
  }

  async operations(payment: string): Promise<string[]> {
    const rows = await this.db.database.rows(OPERATIONS, [uuidOf('payment', payment)]);
    return rows.map(({ kind, status, code, amount }) => [kind, amount, status, code].filter((one) => one).join(' '));
  }

  async transitions(payment: string): Promise<unknown[]> {
    return (await this.db.database.rows(TRANSITIONS, [uuidOf('payment', payment)])).map(({ move }) => move);
  }

  /** A payment that has got so far that it can be captured. */
  async authorized(change: Partial<PaymentCreate> = {}): Promise<string> {
    const create = this.create(change);
    await this.tell(create);
    await this.settle();
    if (create.data.method.type === 'card') await this.tell(await this.answer(create.data.id, 'approved'));
    return create.data.id;
  }

  message<T extends AnyMessage['type']>(type: T, data: MessageData[T]): AnyMessage<T> {
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    return testMessage(type, data, { tenant: TENANT, traceparent } as Partial<AnyMessage<T>>);
  }
}

/** What matters of the messages that were sent: types, and how the payment stands in each. */
export function told(messages: readonly AnyOutgoing[]): string[] {
  return messages.map(({ type, data }) => {
    const { status, failure, payment } = data as { status?: string; failure?: { code: string }; payment?: unknown };
    const name = type.replace('payflow.', '').replace('.v1', '');
    const of = typeof payment === 'object' && payment !== null ? ` of ${(payment as { status: string }).status}` : '';
    const how = name === 'payment.updated' ? ` ${status}` : '';
    return `${name}${how}${failure ? ` ${failure.code}` : ''}${of}`;
  });
}

function isLedgerCommand(type: string): boolean {
  return /^payflow\.(transfer\.post|group\.post|hold\.(place|post|void))\.v1$/.test(type);
}
