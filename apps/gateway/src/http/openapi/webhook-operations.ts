import type { Operation } from './operation.js';

/** What providers call. */
export const WEBHOOK_OPERATIONS: readonly Operation[] = [
  {
    id: 'receiveProviderWebhook',
    method: 'post',
    path: '/api/v1/provider_webhooks/{connector}',
    summary: 'Take what a provider tells unasked.',
    scope: 'signature',
    body: 'ProviderWebhook',
    status: 204,
    problems: [
      'invalid_parameter',
      'invalid_request',
      'webhook_signature_invalid',
      'not_found',
      'payload_too_large',
      'unsupported_media_type',
    ],
  },
];
