import type { ProblemCode } from '@payflow/contracts';
import type { Scope } from '../../domain/scope.js';
import { FILTER_NAMES } from '../list-query.js';

/** One operation of the API, as the OpenAPI document needs it. */
export interface Operation {
  readonly id: string;
  readonly method: 'get' | 'post';
  readonly path: string;
  readonly summary: string;
  readonly scope: Scope | 'any';
  readonly body?: string;
  /** Schema of the answer, and its status. */
  readonly answer: string;
  readonly status: 200 | 201;
  readonly query?: readonly string[];
  readonly problems: readonly ProblemCode[];
}

const WRITE_PROBLEMS = [
  'invalid_json',
  'invalid_request',
  'invalid_parameter',
  'invalid_header',
  'idempotency_key_missing',
  'idempotency_key_malformed',
  'payload_too_large',
  'unsupported_media_type',
  'idempotency_key_reused',
  'id_reused',
  'asset_unknown',
] as const satisfies readonly ProblemCode[];
const ONE_PROBLEMS = ['invalid_id', 'invalid_parameter', 'not_found'] as const satisfies readonly ProblemCode[];
const FORWARDED_PROBLEMS = [
  'invalid_parameter',
  'bad_gateway',
  'gateway_timeout',
] as const satisfies readonly ProblemCode[];

export const OPERATIONS: readonly Operation[] = [
  {
    id: 'createPayment',
    method: 'post',
    path: '/api/v1/payments',
    summary: 'Move money from one account to another of the same asset.',
    scope: 'payments:write',
    body: 'PaymentRequest',
    answer: 'Payment',
    status: 201,
    problems: [
      ...WRITE_PROBLEMS,
      'declined',
      'account_not_found',
      'accounts_identical',
      'amount_not_positive',
      'assets_differ',
    ],
  },
  {
    id: 'listPayments',
    method: 'get',
    path: '/api/v1/payments',
    summary: 'List payments, newest first.',
    scope: 'payments:read',
    query: [...FILTER_NAMES, 'limit', 'cursor'],
    answer: 'PaymentList',
    status: 200,
    problems: ['invalid_parameter', 'cursor_invalid', 'cursor_mismatch'],
  },
  {
    id: 'getPayment',
    method: 'get',
    path: '/api/v1/payments/{id}',
    summary: 'Read one payment.',
    scope: 'payments:read',
    answer: 'Payment',
    status: 200,
    problems: ONE_PROBLEMS,
  },
  {
    id: 'openAccount',
    method: 'post',
    path: '/api/v1/accounts',
    summary: 'Open an account of one asset.',
    scope: 'accounts:write',
    body: 'AccountRequest',
    answer: 'Account',
    status: 201,
    problems: [...WRITE_PROBLEMS, 'account_exists', 'account_refused'],
  },
  {
    id: 'getAccount',
    method: 'get',
    path: '/api/v1/accounts/{id}',
    summary: 'Read one account with its balance.',
    scope: 'accounts:read',
    answer: 'Account',
    status: 200,
    problems: ONE_PROBLEMS,
  },
  {
    id: 'listAssets',
    method: 'get',
    path: '/api/v1/assets',
    summary: 'List the assets: code, digits after the point, kind.',
    scope: 'any',
    answer: 'AssetList',
    status: 200,
    problems: ['invalid_parameter'],
  },
  {
    id: 'getMonitoringHealth',
    method: 'get',
    path: '/api/v1/monitoring/health',
    summary: 'The health of the whole installation: services, invariants, lags.',
    scope: 'monitoring:read',
    answer: 'Report',
    status: 200,
    problems: FORWARDED_PROBLEMS,
  },
  {
    id: 'getMonitoringSummary',
    method: 'get',
    path: '/api/v1/monitoring/summary',
    summary: 'Figures of the whole installation: throughput, lags, outbox.',
    scope: 'monitoring:read',
    answer: 'Report',
    status: 200,
    problems: FORWARDED_PROBLEMS,
  },
];
