import { ATTEMPT_STATUSES, NEWS_SOURCES, OPERATION_KINDS } from '@payflow/contracts';
import { PROVIDER_ACTIONS } from '@payflow/connectors';
import { ATTEMPT_PARAMETERS } from '../payments/attempt-parameters.js';
import { FORWARDED_PROBLEMS, type Operation } from './operation.js';
import { amount, assetCode, count, id, instant, list, nullable, nullableText, resource, text } from './schema-parts.js';

const PROBLEMS = [...FORWARDED_PROBLEMS, 'cursor_invalid', 'cursor_mismatch'] as const;

export const ATTEMPT_OPERATIONS: readonly Operation[] = [
  {
    id: 'listPaymentAttempts',
    method: 'get',
    path: '/api/v1/payments/{id}/attempts',
    summary: 'What was asked of providers for a payment, why of this one, and what they said; oldest first.',
    scope: 'payments:read',
    query: ['limit', 'cursor'],
    answer: 'AttemptList',
    status: 200,
    computed: true,
    problems: [...PROBLEMS, 'invalid_id', 'not_found'],
  },
  {
    id: 'listAttempts',
    method: 'get',
    path: '/api/v1/attempts',
    summary: 'List attempts whose end only a human can find out, oldest first.',
    scope: 'payments:read',
    query: [...Object.keys(ATTEMPT_PARAMETERS), 'limit', 'cursor'],
    requiredQuery: ['needs_attention'],
    querySchemas: { needs_attention: { const: 'true' } },
    answer: 'AttemptList',
    status: 200,
    computed: true,
    problems: PROBLEMS,
  },
];

const operation = resource({
  id: { ...nullableText, description: 'As it was asked for: of the first authorization, the payment itself.' },
  kind: { enum: ['authorization', ...Object.keys(OPERATION_KINDS), 'expiry', 'dispute'] },
});

const word = resource({
  source: { enum: NEWS_SOURCES, description: '`operator`: a human, who asked the provider by other ways.' },
  outcome: text,
  code: nullableText,
  believed: { type: 'boolean', description: 'False on what came late, came again, or contradicts what is known.' },
  received_at: instant,
});

export const ATTEMPT_SCHEMAS: Readonly<Record<string, object>> = {
  Attempt: resource({
    id: { ...id('attempt'), description: "The provider's idempotency key." },
    object: { const: 'attempt' },
    payment: id('payment'),
    operation,
    action: { enum: PROVIDER_ACTIONS },
    status: { enum: ATTEMPT_STATUSES, description: '`approved`, `declined` and `not_sent` are final.' },
    number: { ...count, description: 'From 2 on, others were asked for the same wish before.' },
    amount: nullable(amount),
    asset: assetCode,
    connector: nullableText,
    routing: {
      type: ['object', 'null'],
      description:
        'Why this connector: the `route` that was for the payment, what it prefers, the `candidates` in the order in which they are tried, each with its reason, who was `tried` before for the same wish, and who was `left_out`. `{"by":"payment"}` where the connector is the one that did what it follows on. Null until one is chosen.',
    },
    code: { ...nullableText, description: 'Why it was declined, not sent, or is unknown.' },
    provider_reference: nullableText,
    inquiries: { ...count, description: 'How often the provider was asked how it ended.' },
    needs_attention: { type: 'boolean', description: 'Nobody that can be asked knows: a human has to say.' },
    evidence: { type: 'array', items: word, description: 'What was said of it, oldest first, the last 50.' },
    sent_at: nullable(instant),
    unknown_at: nullable(instant),
    created_at: instant,
    updated_at: instant,
  }),
  AttemptList: list('Attempt'),
};
