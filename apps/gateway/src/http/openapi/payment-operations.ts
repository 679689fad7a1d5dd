import type { ProblemCode } from '@payflow/contracts';
import { OPERATION_FILTERS, OPERATIONS_OF_PAYMENT_FILTERS } from '../lists/list-filters.js';
import { CHANGE_PROBLEMS, LIST_PROBLEMS, ONE_PROBLEMS, WRITE_PROBLEMS, type Operation } from './operation.js';

/** What can come of anything that is asked of a payment: from the door, from payments, from the ledger, from a provider. */
const ASK_PROBLEMS = [
  ...CHANGE_PROBLEMS,
  'invalid_id',
  'not_found',
  'version_differs',
  'card_data_not_accepted',
  'declined',
  'insufficient_funds',
  'account_closed',
  'account_frozen',
  'balance_overflow',
  'operation_refused',
  'too_many_operations',
] as const satisfies readonly ProblemCode[];

const asked = (
  id: string,
  path: string,
  summary: string,
  body: string,
  problems: readonly ProblemCode[],
): Operation => ({
  id,
  method: 'post',
  path: `/api/v1/payments/{id}/${path}`,
  summary,
  scope: 'payments:write',
  body,
  answer: 'Payment',
  status: 200,
  conditional: true,
  problems: [...ASK_PROBLEMS, ...problems],
});

const listed = (id: string, path: string, summary: string, filters: object, ofOne: boolean): Operation => ({
  id,
  method: 'get',
  path,
  summary,
  scope: 'payments:read',
  query: [...Object.keys(filters), 'limit', 'cursor'],
  answer: id.endsWith('Refunds') ? 'RefundList' : 'CaptureList',
  status: 200,
  ...(ofOne ? { computed: true as const } : {}),
  problems: ofOne ? ['invalid_id', 'not_found', ...LIST_PROBLEMS] : LIST_PROBLEMS,
});

const bulk = (id: string, path: string, summary: string, body: string): Operation => ({
  id,
  method: 'post',
  path: `/api/v1/payments/${path}`,
  summary: `${summary} At most 1,000, each with the answer it would have had alone; JSON, or \`application/x-ndjson\` in, and by \`Accept\` out.`,
  scope: 'payments:write',
  body,
  answer: 'PaymentBulk',
  forms: ['application/x-ndjson'],
  bodyForms: ['application/x-ndjson'],
  withoutPlace: true,
  status: 200,
  problems: [...CHANGE_PROBLEMS, 'card_data_not_accepted'],
});

/** What can be asked of a payment that is there, and what is shown of it. */
export const PAYMENT_OPERATIONS: readonly Operation[] = [
  bulk('createPaymentBulk', 'bulk', 'Make many payments.', 'PaymentBulkRequest'),
  bulk('cancelPaymentBulk', 'bulk_cancel', 'Call many payments off.', 'CancelBulkRequest'),
  bulk('refundPaymentBulk', 'bulk_refund', 'Give back of many payments.', 'RefundBulkRequest'),
  asked(
    'confirmPayment',
    'confirm',
    'Begin a payment, or go on with it after the customer has acted.',
    'ConfirmRequest',
    ['payment_not_confirmable'],
  ),
  asked('authorizePayment', 'authorize', 'Begin a payment, and only set its money aside.', 'ConfirmRequest', [
    'payment_not_confirmable',
  ]),
  asked('incrementPayment', 'increment', 'Set more money aside for an authorized payment.', 'IncrementRequest', [
    'id_reused',
    'amount_not_positive',
    'payment_not_incrementable',
  ]),
  asked('capturePayment', 'capture', 'Take all or a part of what is set aside.', 'CaptureRequest', [
    'id_reused',
    'amount_not_positive',
    'payment_not_capturable',
    'capture_exceeds_authorized',
  ]),
  asked(
    'cancelPayment',
    'cancel',
    'Call a payment off: give back what is set aside and not captured.',
    'CancelRequest',
    ['payment_not_cancelable'],
  ),
  {
    ...asked('refundPayment', 'refunds', 'Give back all or a part of what was captured.', 'RefundRequest', [
      'id_reused',
      'amount_not_positive',
      'payment_disputed',
      'payment_not_refundable',
      'refund_exceeds_captured',
    ]),
    answer: 'Refund',
    status: 201,
  },
  {
    id: 'retryPayment',
    method: 'post',
    path: '/api/v1/payments/{id}/retry',
    summary: 'Try a payment that failed again: a new payment of the same content, by another method if one is named.',
    scope: 'payments:write',
    body: 'RetryRequest',
    answer: 'Payment',
    status: 201,
    conditional: true,
    problems: [
      ...WRITE_PROBLEMS,
      'invalid_id',
      'not_found',
      'card_data_not_accepted',
      'declined',
      'payment_not_retryable',
      'account_not_found',
      'assets_differ',
      'version_differs',
    ],
  },
  listed(
    'listPaymentRefunds',
    '/api/v1/payments/{id}/refunds',
    'List the refunds of one payment, newest first.',
    OPERATIONS_OF_PAYMENT_FILTERS,
    true,
  ),
  listed(
    'listPaymentCaptures',
    '/api/v1/payments/{id}/captures',
    'List the captures of one payment, newest first.',
    OPERATIONS_OF_PAYMENT_FILTERS,
    true,
  ),
  listed('listRefunds', '/api/v1/refunds', 'List refunds, newest first.', OPERATION_FILTERS, false),
  {
    id: 'getRefund',
    method: 'get',
    path: '/api/v1/refunds/{id}',
    summary: 'Read one refund.',
    scope: 'payments:read',
    answer: 'Refund',
    status: 200,
    problems: ONE_PROBLEMS,
  },
  listed('listCaptures', '/api/v1/captures', 'List captures, newest first.', OPERATION_FILTERS, false),
  {
    id: 'getCapture',
    method: 'get',
    path: '/api/v1/captures/{id}',
    summary: 'Read one capture.',
    scope: 'payments:read',
    answer: 'Capture',
    status: 200,
    problems: ONE_PROBLEMS,
  },
];
