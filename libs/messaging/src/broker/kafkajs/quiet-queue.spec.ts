import { createRequire } from 'node:module';
import { setTimeout as delay } from 'node:timers/promises';
import { configureLogging } from '@payflow/telemetry';
import { until } from '@payflow/testing';
import { expect, it, vi } from 'vitest';
import { PlayedBroker } from '../../testing/played-broker.js';
import { kafkajsBroker } from './client.js';

configureLogging({ level: 'silent' });

interface RequestQueue {
  maybeThrottle(ms: number): void;
  push(request: object): void;
  checkPendingRequests(): void;
  destroy(): void;
}
const Queue = createRequire(import.meta.url)('kafkajs/src/network/requestQueue') as new (
  settings: object,
) => RequestQueue;
const IDLE_MS = 200;

it('a connection on which nothing waits to be sent is not looked at', async () => {
  const broker = await PlayedBroker.start();
  const admin = await kafkajsBroker({ brokers: [`127.0.0.1:${broker.port}`], clientId: 'spec' }).admin();
  await admin.brokers();
  const looks = vi.spyOn(Queue.prototype as RequestQueue, 'checkPendingRequests');
  await delay(IDLE_MS);
  expect(looks).not.toHaveBeenCalled();
  expect(await admin.brokers()).toBe(1);
  await admin.close();
  await broker.stop();
});

it('what has to wait, because the broker has asked for it, is sent in its time', async () => {
  const logger = { debug: () => undefined, warn: () => undefined };
  const queue = new Queue({ requestTimeout: 1_000, clientId: 'spec', broker: 'spec', logger, isConnected: () => true });
  queue.maybeThrottle(IDLE_MS);
  const since = performance.now();
  let sentAt_ms = 0;
  const entry = { correlationId: 1, apiName: 'Spec', reject: () => undefined };
  queue.push({ entry, expectResponse: true, sendRequest: () => (sentAt_ms = performance.now()) });
  await until('it is sent', () => sentAt_ms > 0);
  expect(sentAt_ms - since).toBeGreaterThanOrEqual(IDLE_MS - 1);
  queue.destroy();
});
