import { createRequire } from 'node:module';
import { configureLogging } from '@payflow/telemetry';
import { until } from '@payflow/testing';
import { expect, it, vi } from 'vitest';
import { PlayedBroker } from '../../testing/played-broker.js';
import { kafkajsBroker } from './client.js';

configureLogging({ level: 'silent' });

interface RequestQueue {
  /** The timer of its next look, or null. */
  readonly throttleCheckTimeoutId: unknown;
  maybeThrottle(ms: number): void;
  push(request: object): void;
  checkPendingRequests(): void;
  destroy(): void;
}
const Queue = createRequire(import.meta.url)('kafkajs/src/network/requestQueue') as new (
  settings: object,
) => RequestQueue;
const THROTTLED_MS = 200;

it('a connection on which nothing waits to be sent is not looked at', async () => {
  const broker = await PlayedBroker.start();
  const looks = vi.spyOn(Queue.prototype as RequestQueue, 'checkPendingRequests');
  const admin = await kafkajsBroker({ brokers: [`127.0.0.1:${broker.port}`], clientId: 'spec' }).admin();
  await admin.brokers();
  // Each answer was a look, and none of them has set a timer for another.
  const queues = looks.mock.contexts as RequestQueue[];
  expect(queues.length).toBeGreaterThan(0);
  expect(queues.map(({ throttleCheckTimeoutId }) => throttleCheckTimeoutId)).toEqual(queues.map(() => null));
  expect(await admin.brokers()).toBe(1);
  await admin.close();
  await broker.stop();
});

it('what has to wait, because the broker has asked for it, is sent in its time', async () => {
  const logger = { debug: () => undefined, warn: () => undefined };
  const queue = new Queue({ requestTimeout: 1_000, clientId: 'spec', broker: 'spec', logger, isConnected: () => true });
  queue.maybeThrottle(THROTTLED_MS);
  const since = performance.now();
  let sentAt_ms = 0;
  const entry = { correlationId: 1, apiName: 'Spec', reject: () => undefined };
  queue.push({ entry, expectResponse: true, sendRequest: () => (sentAt_ms = performance.now()) });
  await until('it is sent', () => sentAt_ms > 0);
  expect(sentAt_ms - since).toBeGreaterThanOrEqual(THROTTLED_MS - 1);
  queue.destroy();
});
