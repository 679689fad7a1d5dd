import { ownUuid, uuidOf, type AccountSnapshot, type OperationKind } from '@payflow/contracts';
import type { Capabilities, ProviderAction, ProviderRequest } from '@payflow/connectors';
import type { Payment } from './payment.js';
import { isLegal, type PaymentState } from './transitions.js';

/** What clients ask for, and what the service asks of itself. */
export type Kind = OperationKind | 'authorization' | 'expiry';

/** `queued` waits for its turn; the last two are final; the others say what is waited for. */
export type OperationStatus = 'queued' | 'reserving' | 'asking' | 'settling' | 'releasing' | 'succeeded' | 'failed';

export interface Operation {
  /** UUID; of the authorization as {@link authorizationUuid} makes it. */
  readonly id: string;
  readonly kind: Kind;
  /** Its place among those of the payment. */
  readonly number: number;
  readonly status: OperationStatus;
  /** Minor units; null where it has none, or where it is decided when it begins. */
  readonly amount: bigint | null;
  /** Of a capture: gives back the rest. Of a confirmation: false where the money is only to be set aside. */
  readonly final: boolean;
  /** Why it failed, or will have failed when what it reserved is free again. */
  readonly failureCode: string | null;
  readonly reason: string | null;
  readonly metadata: Readonly<Record<string, string>>;
  /** The message that asked for it. */
  readonly commandId: string;
  readonly actor: string;
  readonly traceId: string | null;
  /** The message that brought the provider's word. */
  readonly answerId: string | null;
  /** The ledger refused what it never should: a human has to say. */
  readonly needsAttention: boolean;
  readonly createdAt: string;
}

export type StepCommand =
  | 'payflow.transfer.post.v1'
  | 'payflow.hold.place.v1'
  | 'payflow.hold.post.v1'
  | 'payflow.hold.void.v1'
  | 'payflow.group.post.v1';

/** Names of the steps whose holds take money from the payer, and of those that give money back. */
export const TAKES = 'reserve';
export const GIVES_BACK = 'reserve:refund';

/** One command to the ledger. */
export interface Step {
  readonly operation: string;
  readonly name: string;
  readonly commandId: string;
  readonly type: StepCommand;
  /** The data as it was sent, to be sent again byte for byte. */
  readonly command: string;
  readonly status: 'asked' | 'done' | 'refused';
  /** Public ids. */
  readonly hold: string | null;
  readonly transfer: string | null;
  readonly amount: bigint;
  /** Of a hold's own step: how much of it is still held. */
  readonly left: bigint | null;
  readonly reason: string | null;
  readonly verdictId: string | null;
  /** The accounts as the verdict on a hold's own step told them. */
  readonly accounts: readonly AccountSnapshot[];
}

/** What is to be asked of a provider. */
export interface Attempt {
  readonly id: string;
  readonly operation: string;
  readonly action: ProviderAction;
  readonly amount: bigint | null;
  readonly request: Partial<Pick<ProviderRequest, 'card' | 'reference' | 'final'>>;
  readonly connector: string | null;
}

/** Something that others have to hear, or that has to be written down; `cause` is the id of the message that led to it. */
export type News = { readonly cause: string } & (
  | {
      readonly kind: 'payment';
      readonly from: PaymentState;
      readonly payment: Payment;
      readonly reason: string;
      readonly accounts: readonly AccountSnapshot[];
    }
  | {
      readonly kind: 'operation';
      readonly operation: Operation;
      readonly payment: Payment;
      readonly accounts: readonly AccountSnapshot[];
      readonly at: string;
    }
  | { readonly kind: 'step'; readonly step: Step; readonly again: boolean }
  | { readonly kind: 'transfer'; readonly payment: Payment }
  | { readonly kind: 'attempt'; readonly attempt: Attempt }
  /**
   * `isOnlyOfUnknown`: not where the answer is on its way, or a customer has to act. `isOfTheEnd`: nobody will hear that answer any
   * more, and what it says has to be known all the same.
   */
  | {
      readonly kind: 'inquiry';
      readonly operation: string;
      readonly isOnlyOfUnknown?: true;
      readonly isOfTheEnd?: true;
    }
  /** `step`: what the ledger refused; null where an answer was discarded. */
  | { readonly kind: 'attention'; readonly operation: Operation; readonly step: Step | null }
  /** A provider has said that it took the money of a payment that ends without it. */
  | { readonly kind: 'taken'; readonly operation: Operation }
  /** What was captured is all with the destination. */
  | { readonly kind: 'undivided'; readonly step: Step }
);
type NewsBody = News extends infer N ? (N extends News ? Omit<N, 'cause'> : never) : never;

/** A payment with all of it that has not ended, and what has come of it so far. */
export interface Life {
  readonly payment: Payment;
  readonly operations: readonly Operation[];
  readonly steps: readonly Step[];
  /** The number that its youngest operation has. */
  readonly lastNumber: number;
  readonly news: readonly News[];
}

/** What of a connector's capabilities the life of a payment depends on. */
export type Terms = Pick<Capabilities, 'overcapture_percent' | 'authorizationValid_ms' | 'multipleCaptures'>;

/** What comes from outside the domain: the message at hand, the time, ids of messages, and what connectors can do. */
export interface Moment {
  readonly cause: { readonly id: string; readonly actor: string; readonly traceId: string | null };
  /** RFC 3339, UTC, ms: the database's clock, read after the locks. */
  readonly now: string;
  /** What time it is for the payment's organisation, by which its expiries are judged: `now`, or what a test clock says. */
  readonly ownNow: string;
  /** So many milliseconds after {@link ownNow}; or after an instant before that, which is told by the clock of `now`. */
  readonly later: (by_ms: number, since?: string) => string;
  /** By when a provider had set the money aside, by the clock of `now`; where its answer says so. */
  readonly authorizedAt?: string | undefined;
  readonly newEventId: () => string;
  readonly termsOf: (connector: string | null) => Terms;
}

export function lifeOf(payment: Payment): Life {
  return { payment, operations: [], steps: [], lastNumber: 0, news: [] };
}

export function isOpen({ status }: Operation): boolean {
  return status !== 'succeeded' && status !== 'failed';
}

/** The id of a payment's first operation: always the same, so that there is one, and none that a client can give to something else. */
export function authorizationUuid(payment: string): string {
  return ownUuid(uuidOf('payment', payment), 'authorization');
}

/** Refunds run beside all others; of those one at a time may move the payment's state. */
export function isExclusive({ kind }: Pick<Operation, 'kind'>): boolean {
  return kind !== 'refund';
}

export function operationOf(life: Life, id: string | undefined | null): Operation | undefined {
  return life.operations.find((operation) => operation.id === id);
}

/** What takes money from the payer and is still held, oldest first: the ids of commands are in the order of their time. */
export function heldByPayment({ steps }: Life): (Step & { readonly hold: string; readonly left: bigint })[] {
  return steps
    .filter((step) => step.name === TAKES && (step.left ?? 0n) > 0n)
    .map((step) => ({ ...step, hold: step.hold as string, left: step.left as bigint }))
    .sort((a, b) => (a.commandId < b.commandId ? -1 : 1));
}

/** True where somebody outside decides beside the ledger. */
export function isOutside({ method }: Payment): boolean {
  return method.type !== 'internal';
}

export function withPayment(life: Life, change: Partial<Payment>): Life {
  return { ...life, payment: { ...life.payment, ...change } };
}

export function withOperation(life: Life, operation: Operation): Life {
  const others = life.operations.filter(({ id }) => id !== operation.id);
  return {
    ...life,
    operations: [...others, operation].sort((a, b) => a.number - b.number),
    lastNumber: life.lastNumber < operation.number ? operation.number : life.lastNumber,
  };
}

export function withStep(life: Life, step: Step): Life {
  const isSame = (other: Step) => other.operation === step.operation && other.name === step.name;
  return { ...life, steps: [...life.steps.filter((other) => !isSame(other)), step] };
}

export function tell(life: Life, news: NewsBody, { cause }: Moment): Life {
  return { ...life, news: [...life.news, { ...news, cause: cause.id }] };
}

/** The payment takes a state, or stays in it with other sums: one version more, told and logged. An illegal one is a bug. */
export function moved(
  life: Life,
  to: PaymentState,
  change: Partial<Payment>,
  { reason, accounts }: { readonly reason: string; readonly accounts: readonly AccountSnapshot[] },
  moment: Moment,
): Life {
  const from = life.payment.status;
  if (!isLegal(from, to)) throw new TypeError(`a payment cannot go from ${from} to ${to}`);
  const next = withPayment(life, {
    ...change,
    status: to,
    version: life.payment.version + 1,
    updatedAt: moment.now,
  });
  return tell(next, { kind: 'payment', from, payment: next.payment, reason, accounts }, moment);
}
