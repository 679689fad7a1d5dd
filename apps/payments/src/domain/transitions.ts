import type { PaymentStatus } from '@payflow/contracts';

/** How a payment stands in this service; `pending` is the gateway's word for what has not come here yet. */
export type PaymentState = Exclude<PaymentStatus, 'pending'>;

/** One way from a state to another (or to itself, with other sums), and what leads there. */
interface Transition {
  readonly from: PaymentState;
  readonly to: PaymentState;
  readonly by: string;
}

/**
 * Every change that a payment's state may make; all others are bugs, and are never written. The picture is made of it
 * (docs/generated/payment-life.md), and the check I16 holds the transition log against it.
 */
export const TRANSITIONS: readonly Transition[] = [
  { from: 'processing', to: 'succeeded', by: 'captured at once' },
  { from: 'processing', to: 'authorized', by: 'the money is set aside' },
  { from: 'processing', to: 'requires_action', by: 'to be confirmed, or the customer has to act' },
  { from: 'processing', to: 'failed', by: 'refused' },
  { from: 'requires_action', to: 'processing', by: 'confirmed, or the customer has acted' },
  { from: 'requires_action', to: 'requires_action', by: 'the customer has to act for another provider' },
  { from: 'requires_action', to: 'authorized', by: 'the customer has acted' },
  { from: 'requires_action', to: 'canceled', by: 'cancellation' },
  { from: 'requires_action', to: 'expired', by: 'expiry' },
  { from: 'authorized', to: 'authorized', by: 'increment' },
  { from: 'authorized', to: 'partially_captured', by: 'capture of a part' },
  { from: 'authorized', to: 'succeeded', by: 'last capture' },
  { from: 'authorized', to: 'canceled', by: 'cancellation' },
  { from: 'authorized', to: 'expired', by: 'expiry' },
  { from: 'partially_captured', to: 'partially_captured', by: 'capture of a part, refund' },
  { from: 'partially_captured', to: 'succeeded', by: 'last capture, cancellation or expiry of the rest' },
  { from: 'succeeded', to: 'succeeded', by: 'refund' },
];

export function isLegal(from: PaymentState, to: PaymentState): boolean {
  return TRANSITIONS.some((transition) => transition.from === from && transition.to === to);
}

/** States that no transition leaves for another. */
export const FINAL_STATES: readonly PaymentState[] = ['succeeded', 'failed', 'canceled', 'expired'];

/** The transitions as a Mermaid state diagram. */
export function transitionDiagram(): string {
  const arrows = TRANSITIONS.map(({ from, to, by }) => `  ${from} --> ${to}: ${by}`);
  const ends = FINAL_STATES.map((state) => `  ${state} --> [*]`);
  return ['stateDiagram-v2', '  [*] --> processing: create', ...arrows, ...ends].join('\n');
}
