import {
  OPERATION_KINDS,
  type AccountSnapshot,
  type AnyMessage,
  type OperationEnded,
  type OperationKind,
  type PaymentCreate,
  type PaymentSnapshot,
} from '@payflow/contracts';
import type { Verdict } from './house-books.js';

/** What is asked of a payment that is there. */
export type Wish = AnyMessage<
  | 'payflow.payment.confirm.v1'
  | 'payflow.payment.increment.v1'
  | 'payflow.payment.capture.v1'
  | 'payflow.payment.cancel.v1'
  | 'payflow.payment.refund.v1'
>;

type Change = Partial<PaymentSnapshot>;
/** What a wish comes to: how the payment changes, or why it does not. */
type Decision = Change | string;

const KINDS: Readonly<Record<Wish['type'], OperationKind>> = {
  'payflow.payment.confirm.v1': 'confirmation',
  'payflow.payment.increment.v1': 'increment',
  'payflow.payment.capture.v1': 'capture',
  'payflow.payment.cancel.v1': 'cancellation',
  'payflow.payment.refund.v1': 'refund',
};
const AUTHORIZED_UNTIL = '2999-01-01T00:00:00.000Z';
const DECLINING = 'tok_decline_';

/** As much of payments as the gateway can tell apart: sums, versions, states, and a refusal of each kind. */
export class HousePayments {
  readonly #payments = new Map<string, PaymentSnapshot>();

  /** `move` books what is taken at once, and tells how it left the accounts; undefined where the source has too little. */
  create(create: PaymentCreate, move: () => readonly AccountSnapshot[] | undefined): Verdict[] {
    const { id, source, destination, amount, asset, method, reference, metadata, created_at } = create;
    const { confirm, capture, customer, retry_of, breakdown, type } = create;
    const moved = confirm === false || capture !== 'automatic' ? [] : move();
    const base: PaymentSnapshot = {
      ...{ id, source, destination, amount, asset, method, reference, metadata, created_at },
      status: 'processing',
      amount_captured: '0',
      amount_refunded: '0',
      failure: null,
      version: 0,
      updated_at: created_at,
      accounts: moved ?? [],
      ...(capture === 'automatic' ? {} : { capture }),
      ...(customer === undefined ? {} : { customer }),
      ...(retry_of === undefined ? {} : { retry_of }),
      ...(breakdown === undefined ? {} : { breakdown }),
      ...(type === undefined ? {} : { type }),
    };
    if (!moved) return [this.#changed(base, { status: 'failed', failure: { code: 'insufficient_funds' } })];
    if (confirm === false)
      return [this.#changed(base, { status: 'requires_action', next_action: { type: 'confirm' } })];
    return [this.#changed(base, begun(base))];
  }

  /** The payment's change, and the end of what was asked. Nothing where the payment is not known. */
  decide(wish: Wish): Verdict[] {
    const payment = this.#payments.get(wish.data.id);
    if (!payment) return [];
    const decision = decided(payment, wish);
    if (typeof decision === 'string') return [ended(payment, wish, decision)];
    const changed = this.#changed(payment, decision);
    const after = changed.data as PaymentSnapshot;
    // What is begun may end at once, with the wish that began it.
    return [changed, ended(after, wish, after.failure?.code ?? null, payment)];
  }

  #changed(payment: PaymentSnapshot, change: Change): Verdict {
    const before: Record<string, unknown> = { ...payment };
    delete before['next_action'];
    const data = {
      ...(before as unknown as PaymentSnapshot),
      ...change,
      version: payment.version + 1,
      updated_at: new Date().toISOString(),
    };
    this.#payments.set(data.id, data);
    const status = data.status === payment.status ? 'updated' : data.status;
    return { type: `payflow.payment.${status}.v1`, data } as Verdict;
  }
}

function begun(payment: PaymentSnapshot): Change {
  const { method, amount, capture = 'automatic' } = payment;
  const token = method.type === 'card' ? method.token : '';
  if (token.startsWith(DECLINING))
    return { status: 'failed', failure: { code: token.slice(DECLINING.length) }, accounts: [] };
  if (token === 'tok_action')
    return { status: 'requires_action', next_action: { type: 'redirect', url: 'https://acquirer.example/3ds' } };
  if (capture === 'automatic') return { status: 'succeeded', amount_captured: amount };
  return { status: 'authorized', amount_authorized: amount, authorized_until: AUTHORIZED_UNTIL };
}

function decided(payment: PaymentSnapshot, wish: Wish): Decision {
  const left = BigInt(payment.amount_authorized ?? '0') - BigInt(payment.amount_captured);
  const isAuthorized = payment.status === 'authorized' || payment.status === 'partially_captured';
  switch (wish.type) {
    case 'payflow.payment.confirm.v1': {
      if (payment.status !== 'requires_action') return 'payment_not_confirmable';
      const { capture = payment.capture } = wish.data.capture ? { capture: wish.data.capture } : {};
      return { ...(capture ? { capture } : {}), ...begun({ ...payment, ...(capture ? { capture } : {}) }) };
    }
    case 'payflow.payment.increment.v1':
      if (payment.status !== 'authorized') return 'payment_not_incrementable';
      return { amount_authorized: (BigInt(payment.amount_authorized ?? '0') + BigInt(wish.data.amount)).toString() };
    case 'payflow.payment.capture.v1': {
      if (!isAuthorized) return 'payment_not_capturable';
      const amount = BigInt(wish.data.amount ?? left);
      if (amount > left) return 'capture_exceeds_authorized';
      const isLast = payment.capture === 'manual' || wish.data.final || amount === left;
      const amount_captured = (BigInt(payment.amount_captured) + amount).toString();
      return { status: isLast ? 'succeeded' : 'partially_captured', amount_captured };
    }
    case 'payflow.payment.cancel.v1':
      if (payment.status === 'partially_captured') return { status: 'succeeded' };
      return isAuthorized || payment.status === 'requires_action' ? { status: 'canceled' } : 'payment_not_cancelable';
    case 'payflow.payment.refund.v1': {
      const free = BigInt(payment.amount_captured) - BigInt(payment.amount_refunded);
      if (payment.amount_captured === '0') return 'payment_not_refundable';
      const amount = BigInt(wish.data.amount ?? free);
      if (amount > free || free === 0n) return 'refund_exceeds_captured';
      return { amount_refunded: (BigInt(payment.amount_refunded) + amount).toString() };
    }
    default:
      return wish satisfies never;
  }
}

function ended(
  payment: PaymentSnapshot,
  wish: Wish,
  failure: string | null,
  before: PaymentSnapshot = payment,
): Verdict {
  const kind = KINDS[wish.type];
  const { operation: id, created_at } = wish.data;
  const { amount = null, reason = null, metadata = {} } = wish.data as Partial<OperationEnded>;
  const moved = { refund: 'amount_refunded', capture: 'amount_captured' } as const;
  const sum = kind === 'refund' || kind === 'capture' ? moved[kind] : undefined;
  const all = sum && failure === null ? (BigInt(payment[sum]) - BigInt(before[sum])).toString() : null;
  const status = failure === null ? 'succeeded' : 'failed';
  const data: OperationEnded = {
    id,
    kind,
    status,
    amount: amount ?? all,
    failure: failure === null ? null : { code: failure },
    reason,
    metadata,
    command: wish.id,
    payment,
    version: 1,
    created_at,
    updated_at: new Date().toISOString(),
  };
  return { type: `payflow.${kind}.${status}.v1`, data } as Verdict;
}

export function isWish(message: { readonly type: string }): message is Wish {
  return Object.hasOwn(KINDS, message.type) && KINDS[message.type as Wish['type']] in OPERATION_KINDS;
}
