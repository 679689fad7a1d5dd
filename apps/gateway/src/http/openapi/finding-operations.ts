import { FINDABLE, MATCHES } from '../../domain/found.js';
import { HISTORY_TYPES } from '../../domain/history.js';
import { ACCOUNT_FILTERS, HISTORY_FILTERS } from '../lists/list-filters.js';
import { LIST_PROBLEMS, type Operation } from './operation.js';
import { amount, assetCode, id, instant, list, nullable, nullableText, resource } from './schema-parts.js';

/** What finds accounts, and things across their kinds. */
export const FINDING_OPERATIONS: readonly Operation[] = [
  {
    id: 'listAccounts',
    method: 'get',
    path: '/api/v1/accounts',
    summary: 'List accounts, newest first; `path` gives the account there and all below it.',
    scope: 'accounts:read',
    query: [...Object.keys(ACCOUNT_FILTERS), 'limit', 'cursor'],
    answer: 'AccountList',
    status: 200,
    problems: LIST_PROBLEMS,
  },
  {
    id: 'search',
    method: 'get',
    path: '/api/v1/search',
    summary: 'Find by any id, reference, account path or idempotency key: what of it the key may read, the newest 50.',
    scope: 'any',
    query: ['q'],
    requiredQuery: ['q'],
    querySchemas: { q: { type: 'string', minLength: 1, maxLength: 255 } },
    answer: 'SearchResultList',
    status: 200,
    problems: ['invalid_parameter'],
  },
  {
    id: 'listTransactions',
    method: 'get',
    path: '/api/v1/transactions',
    summary:
      'The readable history of one account, or of all below a path: payments, transfers, holds, refunds and disputes, newest first. `account` or `path` must be given.',
    scope: 'accounts:read',
    query: [...Object.keys(HISTORY_FILTERS), 'limit', 'cursor'],
    answer: 'TransactionList',
    status: 200,
    problems: [...LIST_PROBLEMS, 'not_found'],
  },
];

export const FINDING_SCHEMAS: Readonly<Record<string, object>> = {
  SearchResult: resource({
    object: { const: 'search_result' },
    matched: { enum: MATCHES, description: 'What of it is the text.' },
    type: { enum: Object.keys(FINDABLE) },
    id: nullableText,
    url: { ...nullableText, description: 'Where it is read; null where it is no resource of its own.' },
    status: nullableText,
    amount: nullable(amount),
    asset: nullable(assetCode),
    reply_status: {
      type: ['integer', 'null'],
      description: 'Of an idempotency key: what its request was answered with; null until it is.',
    },
    created_at: instant,
  }),
  SearchResultList: list('SearchResult'),
  Transaction: resource({
    object: { const: 'transaction' },
    type: { enum: HISTORY_TYPES },
    id: { type: 'string', description: 'Of the payment, the transfer, the hold, the refund or the dispute.' },
    status: { type: 'string', description: "As that resource's own." },
    direction: {
      enum: ['in', 'out', 'internal'],
      description: '`internal`: both sides are among the accounts asked about.',
    },
    amount: {
      ...nullable(amount),
      description:
        'Of a payment what was captured, once anything was. Null for a refund of all that is left, until it has ended.',
    },
    asset: assetCode,
    account: { ...id('account'), description: 'The account asked about; of what is internal, the one that pays.' },
    counterparty: id('account'),
    description: { type: 'string', examples: ['Payment of 19.99 USD to shops:berlin (order-7)'] },
    payment: nullable(id('payment')),
    reference: nullableText,
    failure: nullable(resource({ code: { type: 'string' } })),
    livemode: { type: 'boolean' },
    created_at: instant,
  }),
  TransactionList: list('Transaction'),
};
