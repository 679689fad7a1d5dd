import { newId } from '@payflow/contracts';
import type { Database } from '@payflow/database';
import { configureLogging } from '@payflow/telemetry';
import { expect, it, vi } from 'vitest';
import { BulkFeed, type Slice } from './bulk-feed.js';

configureLogging({ level: 'silent' });

const COMMANDS = 250;
const SLICES = 10;
const ON_THEIR_WAY = 1_000;
const BULK = { tenant: newId('tenant'), livemode: true, id: newId('bulk') };

/** A bulk of which more is answered each time that somebody looks, up to what has been sent. */
function bulkOf({ answeredPerLook }: { readonly answeredPerLook: number }) {
  let [sent, answered] = [0, 0];
  const onTheirWay: number[] = [];
  const rows = () => {
    answered = Math.min(sent, answered + answeredPerLook);
    return Promise.resolve([{ pending: SLICES * COMMANDS - answered }]);
  };
  const publish = () => onTheirWay.push((sent += COMMANDS) - answered);
  const db = { as: () => ({ rows }) } as unknown as Database;
  const slices = Array.from({ length: SLICES }, (): Slice => ({ staged: { publish }, commands: COMMANDS }));
  return { db, slices, onTheirWay };
}

it('sends a thousand commands of a bulk at once, and the next as those are answered', async () => {
  const { db, slices, onTheirWay } = bulkOf({ answeredPerLook: 100 });
  new BulkFeed(db).start(BULK, slices);
  expect(onTheirWay).toEqual([250, 500, 750, 1_000]);
  await vi.waitUntil(() => onTheirWay.length === SLICES, 10_000);
  expect(Math.max(...onTheirWay)).toBe(ON_THEIR_WAY);
});

it('sends the others too where nothing is answered', async () => {
  const { db, slices, onTheirWay } = bulkOf({ answeredPerLook: 0 });
  new BulkFeed(db).start(BULK, slices.slice(0, 6));
  await vi.waitUntil(() => onTheirWay.length === 6, 10_000);
  expect(onTheirWay.at(-1)).toBe(6 * COMMANDS);
});

it('of a bulk that cannot be looked at, sends no more, and leaves it to the relay', async () => {
  const { slices, onTheirWay } = bulkOf({ answeredPerLook: 0 });
  const rows = vi.fn(() => Promise.reject(new Error('statement timeout')));
  new BulkFeed({ as: () => ({ rows }) } as unknown as Database).start(BULK, slices);
  await vi.waitUntil(() => rows.mock.calls.length > 0, 5_000);
  expect([onTheirWay.length, rows.mock.calls.length]).toEqual([4, 1]);
});
