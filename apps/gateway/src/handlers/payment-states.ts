import { OPERATION_KINDS, type AnyMessage, type PaymentSnapshot } from '@payflow/contracts';
import { keyOf, type ResourceKey } from '../database/keys.js';
import type { ToldPayment } from '../database/payment-view.repository.js';
import { traceIdOf } from './answered.js';

/** A payment at another state, or with other sums. */
export type PaymentEvent = AnyMessage<
  | 'payflow.payment.succeeded.v1'
  | 'payflow.payment.failed.v1'
  | 'payflow.payment.requires_action.v1'
  | 'payflow.payment.authorized.v1'
  | 'payflow.payment.partially_captured.v1'
  | 'payflow.payment.canceled.v1'
  | 'payflow.payment.expired.v1'
  | 'payflow.payment.updated.v1'
>;

/** The end of something that was asked of a payment, with the payment as it left it. */
export type OperationEvent = AnyMessage<`payflow.${keyof typeof OPERATION_KINDS}.${'succeeded' | 'failed'}.v1`>;

/** A payment as one event told of it. */
export interface PaymentState extends ToldPayment {
  readonly data: PaymentSnapshot;
}

export function isOperationEvent(event: PaymentEvent | OperationEvent): event is OperationEvent {
  return 'payment' in event.data;
}

export function stateOf(event: PaymentEvent | OperationEvent): PaymentState {
  const { tenant, livemode } = event;
  return {
    tenant,
    livemode,
    data: isOperationEvent(event) ? event.data.payment : event.data,
    traceId: traceIdOf(event),
  };
}

export function paymentKeyOf({ tenant, livemode, data: { id } }: PaymentState): ResourceKey {
  return { tenant, livemode, id };
}

/** The state of each payment that stands last: one statement must not meet a payment twice. */
export function newestOfEach(states: readonly PaymentState[]): PaymentState[] {
  return [...ofEach(states, (known, version) => known < version).values()];
}

/** By payment, the first state in which it rests: what its creation is answered with. */
export function firstRestOfEach(states: readonly PaymentState[]): Map<string, PaymentState> {
  const resting = states.filter(({ data }) => data.status !== 'processing');
  return ofEach(resting, (known, version) => version < known);
}

function ofEach(
  states: readonly PaymentState[],
  isBetter: (known: number, version: number) => boolean,
): Map<string, PaymentState> {
  const best = new Map<string, PaymentState>();
  for (const state of states) {
    const key = keyOf(paymentKeyOf(state));
    const known = best.get(key);
    if (!known || isBetter(known.data.version, state.data.version)) best.set(key, state);
  }
  return best;
}
