import { BOTH_FORMS, CHANGE_PROBLEMS, type Operation } from './operation.js';

export const ASSET_OPERATIONS: readonly Operation[] = [
  {
    id: 'defineAsset',
    method: 'post',
    path: '/api/v1/assets',
    summary: 'Define a unit of account of your own (points, airtime), for good.',
    scope: 'accounts:admin',
    body: 'AssetRequest',
    answer: 'Asset',
    status: 201,
    problems: [...CHANGE_PROBLEMS, 'asset_exists', 'asset_reserved', 'too_many_assets', 'operation_refused'],
  },
  {
    id: 'listAssets',
    method: 'get',
    path: '/api/v1/assets',
    summary: 'List the assets: code, digits after the point, kind.',
    scope: 'any',
    answer: 'AssetList',
    forms: BOTH_FORMS,
    status: 200,
    problems: ['invalid_parameter'],
  },
  {
    id: 'getAsset',
    method: 'get',
    path: '/api/v1/assets/{id}',
    summary: 'Read one asset by its code.',
    scope: 'any',
    answer: 'Asset',
    status: 200,
    problems: ['invalid_parameter', 'not_found'],
  },
];
