import type { ProblemSpec } from './problems.js';

/** Of what is asked of payments. */
export const PAYMENT_PROBLEMS = {
  payment_not_cancelable: {
    status: 409,
    title: 'The payment cannot be called off',
    remedy: 'Read the payment: what was captured is given back by a refund, and what has ended cannot be called off.',
  },
  payment_not_capturable: {
    status: 409,
    title: 'Nothing of the payment can be captured',
    remedy: 'Read the payment: only what is authorized, and not past `authorized_until`, can be captured.',
  },
  payment_not_confirmable: {
    status: 409,
    title: 'The payment does not wait to be confirmed',
    remedy: 'Read the payment: only one that `requires_action` can be confirmed.',
  },
  payment_not_incrementable: {
    status: 409,
    title: 'No more can be set aside for the payment',
    remedy: 'Read the payment: only one that is authorized, and not captured, can be incremented.',
  },
  payment_not_refundable: {
    status: 409,
    title: 'Nothing of the payment can be given back',
    remedy: 'Read the payment: only what was captured can be refunded.',
  },
  payment_not_retryable: {
    status: 409,
    title: 'Only a payment that failed can be tried again',
    remedy: 'Read the payment; where it has not ended, wait for its end.',
  },
  too_many_operations: {
    status: 409,
    title: 'As many operations on the payment wait to end as may',
    remedy: 'Wait until some of them have ended; at most 100 wait.',
    retryable: true,
  },
  capture_exceeds_authorized: {
    status: 422,
    title: 'The amount is more than is set aside and not captured yet',
    remedy: 'Read the payment: `amount_authorized` less `amount_captured` is left; increment it first.',
  },
  refund_exceeds_captured: {
    status: 422,
    title: 'The amount is more than was captured and is not given back yet',
    remedy: 'Read the payment: `amount_captured` less `amount_refunded` and what is being refunded is left.',
  },
  breakdown_exceeds_amount: {
    status: 422,
    title: 'The parts of the breakdown come to more than the amount',
    remedy: 'Send smaller parts, or a greater amount: fixed sums and basis points together must fit into it.',
  },
  template_not_for_payments: {
    status: 422,
    title: "The transaction type's template does not divide this payment",
    remedy:
      "Name a type whose template moves the payment's `$amount`, whole and once, from its `$source` and in its `$asset`, to at most ten accounts beside its `$destination`.",
  },
  card_data_not_accepted: {
    status: 422,
    title: 'The request holds what looks like a card number',
    remedy: 'Send the token that stands for the card. Nothing of the request was kept; see `errors` for the field.',
  },
} as const satisfies Record<string, ProblemSpec>;
