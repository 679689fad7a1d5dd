import type { Database, Statement } from '@payflow/database';
import { configureLogging } from '@payflow/telemetry';
import { expect, it, vi } from 'vitest';
import type { Publisher } from './publisher.js';
import { Relay } from './relay.js';

configureLogging({ level: 'silent' });

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
