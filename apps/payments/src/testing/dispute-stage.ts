import {
  fromUuid,
  newId,
  uuidOf,
  type AccountSnapshot,
  type AnyMessage,
  type Message,
  type NoticeKind,
} from '@payflow/contracts';
import { isUniqueViolation, statement, type Database } from '@payflow/database';
import type { AnyOutgoing } from '@payflow/messaging';
import { paymentCommand, testMessage } from '@payflow/testing';
import { LedgerVerdictsHandler } from '../handlers/ledger-verdicts.handler.js';
import { PaymentCommandsHandler } from '../handlers/payment-commands.handler.js';

const DISPUTES = statement(
  'spec.disputes',
  `select d.id, d.status, d.leg, d.leg_try as "legTry", d.leg_reason as "legReason", d.version::integer as version,
     p.amount_disputed_minor::integer as disputed,
     (select count(*) from dispute_legs l where l.dispute_id = d.id and direction = 'out' and l.status = 'posted')::integer as outs,
     (select count(*) from dispute_legs l where l.dispute_id = d.id and direction = 'back' and l.status = 'posted')::integer as backs,
     (select count(*) from dispute_transitions t where t.dispute_id = d.id)::integer as transitions
   from disputes d join payments p on p.tenant_id = d.tenant_id and p.livemode = d.livemode and p.id = d.payment_id
   where d.payment_id = $1 order by d.created_at`,
);
const TAKEN_BY_CARDS = statement('spec.taken-by-cards', `update payments set connector = 'cards' where id = $1`);
const EVIDENCE = statement(
  'spec.dispute-evidence',
  'select outcome, believed from provider_evidence where payment_id = $1 order by received_at, outcome',
);

export interface DisputeShown {
  readonly id: string;
  readonly status: string;
  readonly leg: string;
  readonly legTry: number;
  readonly legReason: string | null;
  readonly version: number;
  readonly disputed: number;
  readonly outs: number;
  readonly backs: number;
  readonly transitions: number;
}

type Transfer = AnyOutgoing & { readonly type: 'payflow.transfer.post.v1'; readonly id: string };

/** The payments service's handlers on a database of their own, with the spec as its ledger and its providers. */
export class DisputeStage {
  readonly #commands = new PaymentCommandsHandler();
  readonly #verdicts = new LedgerVerdictsHandler();

  constructor(private readonly db: Database) {}

  /** A payment that took its money, by cards. */
  async payment(): Promise<Message<'payflow.payment.create.v1'>> {
    const create = await this.internalPayment();
    await this.db.rows(TAKEN_BY_CARDS, [uuidOf('payment', create.data.id)]);
    return create;
  }

  /** A payment from account to account, of which no provider knows. */
  async internalPayment(): Promise<Message<'payflow.payment.create.v1'>> {
    const made = paymentCommand(newId('payment'), 1);
    const expires_at = new Date(Date.now() + 86_400_000).toISOString();
    const create = { ...made, data: { ...made.data, expires_at } };
    const [transfer] = await this.take([create]);
    await this.hear([this.verdict(transfer as Transfer)]);
    return create;
  }

  notice(
    { data: { id } }: Message<'payflow.payment.create.v1'>,
    kind: NoticeKind,
    more: Partial<Message<'payflow.payment.notice.v1'>['data']> = {},
  ): Message<'payflow.payment.notice.v1'> {
    return testMessage('payflow.payment.notice.v1', {
      ...{ id, connector: 'cards', notice: newId('event'), kind, attempt: null, provider_reference: `dsp_${id}` },
      ...{ code: 'fraudulent', amount: '40', occurred_at: new Date().toISOString() },
      ...more,
    });
  }

  /** What is sent when these are handled together, as one batch. */
  async take(batch: readonly AnyMessage[]): Promise<readonly AnyOutgoing[]> {
    try {
      return (await this.db.transaction((tx) => this.#commands.handle(batch as never, tx))).messages;
    } catch (error) {
      // Two at once that the log would have put one after the other: the runner takes them again singly.
      if (isUniqueViolation(error)) return this.take(batch);
      throw error;
    }
  }

  /** Likewise of the ledger's events. */
  async hear(batch: readonly AnyMessage[]): Promise<readonly AnyOutgoing[]> {
    return (await this.db.transaction((tx) => this.#verdicts.handle(batch as never, tx))).messages;
  }

  /** The ledger's word on a transfer: booked, unless a reason is given. */
  verdict({ data, id }: Transfer, reason?: string): AnyMessage {
    const recorded_at = new Date().toISOString();
    const context = { causationId: id };
    if (reason === undefined)
      return testMessage(
        'payflow.transfer.posted.v1',
        {
          ...{ id: data.id, payment: data.payment, amount: data.amount, asset: data.asset, recorded_at },
          debit_account: snapshot(data.debit_account),
          credit_account: snapshot(data.credit_account),
        },
        context,
      );
    const { id: transfer, payment, debit_account, credit_account, amount, asset } = data;
    const facts = { id: transfer, payment, debit_account, credit_account, amount, asset };
    return testMessage('payflow.transfer.rejected.v1', { ...facts, reason, recorded_at }, context);
  }

  async disputes({ data: { id } }: Message<'payflow.payment.create.v1'>): Promise<readonly DisputeShown[]> {
    return (await this.db.rows<DisputeShown & Record<string, unknown>>(DISPUTES, [uuidOf('payment', id)])).map(
      (row) => ({
        ...row,
        id: fromUuid('dispute', row.id),
      }),
    );
  }

  evidence({ data: { id } }: Message<'payflow.payment.create.v1'>) {
    return this.db.rows<{ outcome: string; believed: boolean }>(EVIDENCE, [uuidOf('payment', id)]);
  }
}

/** The commands to the ledger among what was sent. */
export function transfersOf(messages: readonly AnyOutgoing[]): Transfer[] {
  return messages.filter((message): message is Transfer => message.type === 'payflow.transfer.post.v1');
}

function snapshot(id: string): AccountSnapshot {
  const none = { posted_debits: '0', posted_credits: '0', pending_debits: '0', pending_credits: '0' };
  return {
    id,
    asset: 'USD',
    kind: 'liability',
    state: 'open',
    overdraft: 'none',
    overdraft_limit: '0',
    ...none,
    version: 1,
  };
}
