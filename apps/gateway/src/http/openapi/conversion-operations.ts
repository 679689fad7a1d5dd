import type { Operation } from './operation.js';
import { CONVERSION_FILTERS } from '../lists/list-filters.js';
import { LIST_PROBLEMS, MOVEMENT_PROBLEMS, ONE_PROBLEMS, WRITE_PROBLEMS } from './operation.js';

export const CONVERSION_OPERATIONS: readonly Operation[] = [
  {
    id: 'createConversion',
    method: 'post',
    path: '/api/v1/conversions',
    summary: 'Convert an amount into another asset at a rate, through a liquidity account of each.',
    scope: 'transfers:write',
    body: 'ConversionRequest',
    answer: 'Conversion',
    status: 201,
    dryRun: 'TransferDryRun',
    problems: [
      ...WRITE_PROBLEMS,
      ...MOVEMENT_PROBLEMS,
      'assets_identical',
      'condition_failed',
      'conversion_too_large',
      'conversion_too_small',
      'bad_gateway',
      'gateway_timeout',
    ],
  },
  {
    id: 'listConversions',
    method: 'get',
    path: '/api/v1/conversions',
    summary: 'List conversions, newest first.',
    scope: 'transfers:read',
    query: [...Object.keys(CONVERSION_FILTERS), 'limit', 'cursor'],
    answer: 'ConversionList',
    status: 200,
    problems: LIST_PROBLEMS,
  },
  {
    id: 'getConversion',
    method: 'get',
    path: '/api/v1/conversions/{id}',
    summary: 'Read one conversion.',
    scope: 'transfers:read',
    answer: 'Conversion',
    status: 200,
    problems: ONE_PROBLEMS,
  },
];
