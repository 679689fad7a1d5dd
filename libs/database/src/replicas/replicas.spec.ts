import { expect, it, vi } from 'vitest';
import type { ConnectionPool } from '../pool/connection-pool.js';
import type { Keeper } from '../pool/keeper.js';
import { PRIMARY_POSITION } from './position.js';
import { Replica } from './replica.js';
import { Replicas, type AskPrimary } from './replicas.js';

const system = 7n;
const [OLD, NEW] = ['00000001', '00000002'];

it('a look that was under way when another primary took over does not bring back a replica of the old one', async () => {
  let timeline = OLD;
  const ask = (of: object) =>
    Promise.resolve(of === PRIMARY_POSITION ? [{ position: 100n, timeline }] : [{ system }]) as Promise<never[]>;
  const looked = vi.fn(() => Promise.resolve([{ is_replica: true, replayed: 500n, system, timeline: OLD }]));
  const pool = { max: 1, withClient: looked, close: () => Promise.resolve() } as unknown as ConnectionPool;
  const replica = new Replica('replica:5432', 1, pool, pool);
  const replicas = new Replicas([replica], { stop: () => undefined } as unknown as Keeper, ask as AskPrimary);
  await replicas.start();
  expect(replica.isFit).toBe(true);

  const underWay = Promise.withResolvers<Awaited<ReturnType<typeof looked>>>();
  looked.mockClear();
  looked.mockReturnValueOnce(underWay.promise);
  await vi.waitFor(() => expect(looked).toHaveBeenCalledOnce());
  timeline = NEW;
  expect(await replicas.choose(0)).toBeUndefined();
  underWay.resolve([{ is_replica: true, replayed: 500n, system, timeline: OLD }]);
  await new Promise(setImmediate);
  expect(replica.absence).toBe('unknown');
  expect(await replicas.choose(0)).toBeUndefined();
  await replicas.close();
});
