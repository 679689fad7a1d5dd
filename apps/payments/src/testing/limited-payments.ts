import {
  newId,
  type AccountSnapshot,
  type AnyMessage,
  type LimitDefine,
  type MessageData,
  type MessageType,
  type PaymentCreate,
  type ReviewDecide,
  type RiskRuleDefine,
} from '@payflow/contracts';
import { statement, type Transaction } from '@payflow/database';
import { checkInvariants } from '@payflow/invariants';
import { Messaging, type Handled } from '@payflow/messaging';
import { createTestDatabase, testBroker, testMessage, type TestDatabase } from '@payflow/testing';
import { invariants, migrations } from '../database/index.js';
import { LedgerVerdictsHandler } from '../handlers/ledger-verdicts.handler.js';
import { PaymentCommandsHandler } from '../handlers/payment-commands.handler.js';
import { reviewOf } from '../limits/review.repository.js';

const DAY_MS = 86_400_000;
const TRACEPARENT = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
const PARTITIONS = statement('spec.partitions', 'select ensure_partitions(1)');

export type Create = AnyMessage<'payflow.payment.create.v1'>;
type Sent = Handled['messages'][number];

/** The payments service without its topics: one tenant with limits and rules, whose messages stay in the outbox. */
export class LimitedPayments {
  readonly tenant = newId('tenant');
  readonly commands = new PaymentCommandsHandler();
  readonly verdicts = new LedgerVerdictsHandler();

  private constructor(
    readonly db: TestDatabase,
    private readonly messaging: Messaging,
  ) {}

  static async open(poolSize?: number): Promise<LimitedPayments> {
    const db = await createTestDatabase('payments', migrations, poolSize);
    await db.database.rows(PARTITIONS);
    const messaging = new Messaging({ broker: testBroker('unused'), database: db.database, partitions: 'single' });
    return new LimitedPayments(db, messaging);
  }

  close(): Promise<void> {
    return this.db.drop();
  }

  /** Handles a batch in a transaction, as the runner would. */
  async apply(handle: (tx: Transaction) => Promise<Handled>): Promise<Handled> {
    return this.db.database.transaction(async (tx) => {
      const handled = await handle(tx);
      await this.messaging.outbox.stage(tx, handled.messages, () => undefined);
      return handled;
    });
  }

  /** What is sent for a batch of commands. */
  async send(...batch: readonly AnyMessage[]): Promise<readonly Sent[]> {
    return (await this.apply((tx) => this.commands.handle(batch as never, tx))).messages;
  }

  message<T extends MessageType>(type: T, data: MessageData[T], more: Partial<AnyMessage<T>> = {}): AnyMessage<T> {
    return testMessage(type, data, { tenant: this.tenant, livemode: false, traceparent: TRACEPARENT, ...more });
  }

  create(more: Partial<PaymentCreate> = {}): Create {
    const now = Date.now();
    return this.message('payflow.payment.create.v1', {
      id: newId('payment'),
      sequence: 1,
      source: newId('account'),
      destination: newId('account'),
      amount: '100',
      asset: 'USD',
      method: { type: 'internal' },
      capture: 'automatic',
      reference: null,
      metadata: {},
      created_at: new Date(now).toISOString(),
      expires_at: new Date(now + DAY_MS).toISOString(),
      ...more,
    });
  }

  limit(more: Partial<LimitDefine> = {}) {
    return this.message('payflow.limit.define.v1', {
      id: newId('limit'),
      kind: 'per_day',
      scope: 'all',
      customer: null,
      method: null,
      asset: 'USD',
      amount: '1000',
      count: null,
      minutes: null,
      enabled: true,
      if_version: null,
      ...more,
    });
  }

  deletion({ data: { id } }: AnyMessage<'payflow.limit.define.v1'>, ifVersion: number | null = null) {
    return this.message('payflow.limit.delete.v1', { id, if_version: ifVersion });
  }

  rule(more: Partial<RiskRuleDefine> = {}) {
    const id = newId('riskRule');
    const terms = { id, priority: 10, verdict: 'deny', reason: 'not_wanted', conditions: {}, enabled: true } as const;
    return this.message('payflow.risk_rule.define.v1', { ...terms, if_version: null, ...more });
  }

  ruleDeletion({ data: { id } }: AnyMessage<'payflow.risk_rule.define.v1'>, ifVersion: number | null = null) {
    return this.message('payflow.risk_rule.delete.v1', { id, if_version: ifVersion });
  }

  decide({ data: { id } }: Create, decision: ReviewDecide['decision'], reason = 'seen') {
    const data = { id: reviewOf(id), payment: id, decision, reason };
    return this.message('payflow.review.decide.v1', data, { actor: 'key_reviewer' });
  }

  /** What the sweeper says of a review whose payment ran out of time. */
  expiry({ data: { id } }: Create) {
    const data = { id: reviewOf(id), payment: id, decision: 'expire', reason: 'over' } as const;
    return this.message('payflow.review.decide.v1', data, { actor: 'payments/sweeper' });
  }

  /** The ledger's word on a payment, of which it was asked by the message. */
  async hear(asked: Sent | undefined, posted: boolean): Promise<readonly Sent[]> {
    if (asked?.type !== 'payflow.transfer.post.v1') throw new Error(`no transfer was asked for, but ${asked?.type}`);
    const { id, payment, debit_account, credit_account, amount, asset } = asked.data;
    const facts = { id, payment, amount, asset, recorded_at: new Date().toISOString() };
    const accounts = { debit_account, credit_account };
    const cause = { causationId: asked.id as string };
    const verdict = posted
      ? this.message(
          'payflow.transfer.posted.v1',
          { ...facts, debit_account: snapshot(debit_account), credit_account: snapshot(credit_account) },
          cause,
        )
      : this.message('payflow.transfer.rejected.v1', { ...facts, ...accounts, reason: 'insufficient_funds' }, cause);
    return (await this.apply((tx) => this.verdicts.handle([verdict], tx))).messages;
  }

  /** The invariants that do not hold. Nothing publishes here, so that the outbox's age says nothing. */
  async broken(): Promise<string[]> {
    const checked = await checkInvariants(this.db.database, invariants);
    const wrong = checked.filter(({ invariant, violations }) => violations > 0 && invariant !== 'I19');
    return wrong.map(({ invariant, sample }) => `${invariant}: ${sample.join('; ')}`);
  }
}

function snapshot(id: string): AccountSnapshot {
  const counters = { posted_debits: '0', posted_credits: '0', pending_debits: '0', pending_credits: '0' };
  const terms = { kind: 'liability', state: 'open', overdraft: 'none', overdraft_limit: '0' } as const;
  return { id, asset: 'USD', ...terms, ...counters, version: 1 };
}
