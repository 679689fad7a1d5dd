import type { Database, Statement } from '@payflow/database';
import { configureLogging, renderMetrics } from '@payflow/telemetry';
import { expect, it, vi } from 'vitest';
import type { Publisher } from './publisher.js';
import { Relay } from './relay.js';

configureLogging({ level: 'silent' });

const oldest = async () => /^payflow_outbox_oldest_unpublished_seconds .*$/m.exec((await renderMetrics()).body)?.[0];

it('tells no age of what waits before it was measured, nor when it cannot be', async () => {
  expect(await oldest()).toBeUndefined();
  let isThere = true;
  const rows = ({ name }: Statement) => {
    if (name !== 'outbox.oldest-unpublished') return Promise.resolve([]);
    return isThere ? Promise.resolve([{ seconds: 7 }]) : Promise.reject(new Error('statement timeout'));
  };
  const relay = new Relay({ rows } as unknown as Database, { connected: true, troubled: [] } as unknown as Publisher);
  relay.start();
  await vi.waitUntil(async () => (await oldest()) === 'payflow_outbox_oldest_unpublished_seconds 7', 5_000);
  isThere = false;
  await vi.waitUntil(async () => (await oldest()) === undefined, 5_000);
  isThere = true;
  await vi.waitUntil(async () => (await oldest()) === 'payflow_outbox_oldest_unpublished_seconds 7', 5_000);
  await relay.close();
});

it('repairs although the age of what waits cannot be told', async () => {
  const asked: string[] = [];
  const rows = ({ name }: Statement) => {
    asked.push(name);
    return name === 'outbox.oldest-unpublished' ? Promise.reject(new Error('statement timeout')) : Promise.resolve([]);
  };
  const relay = new Relay({ rows } as unknown as Database, { connected: true, troubled: [] } as unknown as Publisher);
  relay.start();
  await vi.waitUntil(() => asked.includes('outbox.claim'), 5_000);
  await relay.close();
  expect(asked.slice(0, 2)).toEqual(['outbox.oldest-unpublished', 'outbox.claim']);
});
