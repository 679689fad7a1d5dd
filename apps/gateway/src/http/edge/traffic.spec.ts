import { readConfiguration } from '@payflow/service';
import type { FastifyRequest } from 'fastify';
import { expect, it } from 'vitest';
import { gatewayConfiguration } from '../../gateway.config.js';
import { GatewayModule } from '../../gateway.module.js';
import { routesOf } from '../../testing/routes.js';
import { ratePolicyOf, trafficOf } from './traffic.js';

const ROUTES = routesOf(
  GatewayModule.with(
    readConfiguration(gatewayConfiguration, {
      NODE_ENV: 'test',
      DATABASE_URL: 'postgres://nobody@127.0.0.1/none',
      KAFKA_BROKERS: '127.0.0.1:1',
      REDIS_URL: 'redis://127.0.0.1:1',
    }),
  ),
).filter(({ name }) => name.includes(' /api/'));

/** Names of the built routes of which something is so. */
const those = (of: (request: FastifyRequest) => string, is: string, accept?: string): string[] =>
  ROUTES.filter(({ name, access: config }) => {
    const method = name.split(' ', 1)[0]?.toUpperCase();
    return of({ method, headers: { accept }, routeOptions: { config } } as unknown as FastifyRequest) === is;
  })
    .map(({ name }) => name.replace('/api/v1', ''))
    .sort();

it('what settles money that is already moving goes before all else, and so does what a provider says of it', () => {
  expect(those(trafficOf, 'critical')).toEqual([
    'post /holds/{id}/post',
    'post /holds/{id}/void',
    'post /payments/bulk_cancel',
    'post /payments/bulk_refund',
    'post /payments/{id}/cancel',
    'post /payments/{id}/capture',
    'post /payments/{id}/refunds',
    'post /provider_webhooks/{connector}',
  ]);
});

it('what is carried away is shed before what is looked at, and what is asked for after both', () => {
  const reads = those(trafficOf, 'read');
  expect(reads.every((name) => name.startsWith('get '))).toBe(true);
  for (const accept of ['text/csv', 'application/x-ndjson']) expect(those(trafficOf, 'export', accept)).toEqual(reads);
  expect(those(trafficOf, 'write')).toContain('post /payments');
  expect(those(trafficOf, 'write').filter((name) => name.startsWith('get '))).toEqual([]);
});

it('each kind of request is counted by a policy of its own', () => {
  expect(those(ratePolicyOf, 'webhook_in')).toEqual(['post /provider_webhooks/{connector}']);
  expect(those(ratePolicyOf, 'login')).toEqual(['post /auth/invitation', 'post /auth/login', 'post /auth/refresh']);
  expect(those(ratePolicyOf, 'bulk')).toEqual([
    'post /payments/bulk',
    'post /payments/bulk_cancel',
    'post /payments/bulk_refund',
    'post /transfers/bulk',
  ]);
  expect(those(ratePolicyOf, 'anonymous')).toEqual([]);
});
