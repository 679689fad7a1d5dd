import { DISPUTE_LEGS, DISPUTE_STATUSES } from '@payflow/contracts';
import { DISPUTE_FILTERS, PAYMENT_DISPUTE_FILTERS } from '../payments/dispute-filters.js';
import { EVIDENCE_REQUEST_SCHEMA } from '../payments/dispute.request.js';
import { CHANGE_PROBLEMS, LIST_PROBLEMS, ONE_PROBLEMS, type Operation } from './operation.js';
import { amount, assetCode, id, instant, list, nullable, nullableText, resource, version } from './schema-parts.js';

export const DISPUTE_OPERATIONS: readonly Operation[] = [
  {
    id: 'listDisputes',
    method: 'get',
    path: '/api/v1/disputes',
    summary: 'List disputes, newest first.',
    scope: 'payments:read',
    query: [...Object.keys(DISPUTE_FILTERS), 'limit', 'cursor'],
    answer: 'DisputeList',
    status: 200,
    problems: LIST_PROBLEMS,
  },
  {
    id: 'getDispute',
    method: 'get',
    path: '/api/v1/disputes/{id}',
    summary: 'Read one dispute.',
    scope: 'payments:read',
    answer: 'Dispute',
    status: 200,
    problems: ONE_PROBLEMS,
  },
  {
    id: 'listPaymentDisputes',
    method: 'get',
    path: '/api/v1/payments/{id}/disputes',
    summary: 'List the disputes of one payment, newest first.',
    scope: 'payments:read',
    query: [...Object.keys(PAYMENT_DISPUTE_FILTERS), 'limit', 'cursor'],
    answer: 'DisputeList',
    status: 200,
    computed: true,
    problems: [...LIST_PROBLEMS, 'invalid_id', 'not_found'],
  },
  {
    id: 'submitDisputeEvidence',
    method: 'post',
    path: '/api/v1/disputes/{id}/evidence',
    summary: 'Give the provider what is to be said against a dispute, in parts of plain text.',
    scope: 'payments:write',
    body: 'DisputeEvidence',
    answer: 'Dispute',
    status: 200,
    conditional: true,
    problems: [
      ...CHANGE_PROBLEMS,
      'invalid_id',
      'not_found',
      'version_differs',
      'evidence_not_accepted',
      'evidence_refused',
    ],
  },
];

export const DISPUTE_SCHEMAS: Readonly<Record<string, object>> = {
  DisputeEvidence: EVIDENCE_REQUEST_SCHEMA,
  Dispute: resource({
    id: id('dispute'),
    object: { const: 'dispute' },
    status: { enum: DISPUTE_STATUSES, description: '`won` and `lost` are final.' },
    payment: id('payment'),
    amount,
    asset: assetCode,
    amount_disputed: { ...amount, description: 'What of it cannot be refunded: all, or nothing once it is won.' },
    reason: { ...nullableText, description: "The provider's reason." },
    connector: { type: 'string' },
    provider_reference: { type: 'string' },
    evidence_due_by: nullable(instant),
    evidence_submitted_at: nullable(instant),
    leg: {
      enum: DISPUTE_LEGS,
      description:
        'Where the money is. `refused`: the ledger could not take it from the destination, and is asked again until it can.',
    },
    leg_reason: { ...nullableText, description: 'Why the ledger refused.' },
    source: { ...id('account'), description: 'Who gets the money.' },
    destination: { ...id('account'), description: 'From whom it is taken.' },
    transfer: { ...nullable(id('transfer')), description: 'What took it.' },
    return_transfer: { ...nullable(id('transfer')), description: 'What gave it back.' },
    livemode: { type: 'boolean' },
    version,
    trace_id: nullableText,
    created_at: instant,
    updated_at: instant,
  }),
  DisputeList: list('Dispute'),
};
