import { BULK_MODES } from '../../domain/bulk.js';
import { id } from './schema-parts.js';
import { LIST_PROBLEMS, WRITE_PROBLEMS, type Operation } from './operation.js';

/** Many transfers in one request. */
export const BULK_OPERATIONS: readonly Operation[] = [
  {
    id: 'createTransferBulk',
    method: 'post',
    path: '/api/v1/transfers/bulk',
    summary:
      'Up to 10,000 transfers, each with a result of its own; JSON, or `application/x-ndjson` with the mode in the query, in and by `Accept` out.',
    scope: 'transfers:write',
    body: 'TransferBulkRequest',
    query: ['mode', 'id'],
    answer: 'TransferBulk',
    forms: ['application/x-ndjson'],
    bodyForms: ['application/x-ndjson'],
    querySchemas: { mode: { enum: BULK_MODES }, id: id('bulk') },
    status: 200,
    problems: [
      ...WRITE_PROBLEMS,
      'account_not_found',
      'accounts_identical',
      'amount_not_positive',
      'assets_differ',
      'effective_in_future',
      'group_too_large',
    ],
  },
  {
    id: 'getTransferBulk',
    method: 'get',
    path: '/api/v1/transfers/bulk/{id}',
    summary: 'Read one bulk with the results of its items as they stand.',
    scope: 'transfers:read',
    answer: 'TransferBulk',
    status: 200,
    problems: ['invalid_id', 'invalid_parameter', 'not_found'],
  },
  {
    id: 'listTransferBulkResults',
    method: 'get',
    path: '/api/v1/transfers/bulk/{id}/results',
    summary: 'Read the results of a bulk page by page, in the order asked, as they stand.',
    scope: 'transfers:read',
    query: ['limit', 'cursor'],
    answer: 'TransferBulkResultList',
    status: 200,
    problems: ['invalid_id', 'not_found', ...LIST_PROBLEMS],
  },
];
