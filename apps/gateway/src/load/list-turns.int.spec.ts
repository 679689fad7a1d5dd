import { newId } from '@payflow/contracts';
import { statement } from '@payflow/database';
import { until } from '@payflow/testing';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { metric, openNarrowGateway, type NarrowGateway } from '../testing/narrow-gateway.js';
import { told } from '../testing/stage.js';

/** Lists of one organisation that read at one time; see `http/lists/list-reads.ts`. */
const TURNS = 3;
/** Exports have a quarter of them: more than there are turns. */
const WORKERS = 4 * (TURNS + 2);
const LOCK = statement('spec.lock-holds', 'lock table hold_views in access exclusive mode');

let narrow: NarrowGateway;
beforeAll(async () => {
  narrow = await openNarrowGateway(WORKERS, 0);
});
afterAll(() => narrow?.close());

const busy = () => metric('payflow_admission_workers{state="busy"}');
// A loop that is later than this has fewer begun at one time (see `concurrency.ts`).
beforeEach(() =>
  until(
    'nothing is at work, and the event loop is on time',
    async () => (await busy()) === 0 && (await metric('payflow_event_loop_delay_seconds')) < 0.05,
  ),
);

/** On a machine that is busy one of them may have been refused a connection by now. */
const reading = async () => [TURNS - 1, TURNS].includes(await busy());

let limit = 0;
/** So many at once, each another: none waits for another's answer. */
const lists = (count: number, accept: string, path = '/holds') =>
  Array.from({ length: count }, () =>
    narrow.gateway.app.inject({
      url: `/api/v1${path}?limit=${++limit}`,
      headers: { authorization: `Bearer ${narrow.client.key}`, accept },
    }),
  );

/** So many at once of one list, and never of the one before. */
const copies = (count: number, headers: Record<string, string>) => {
  const url = `/api/v1/holds?limit=${limit}`;
  return Array.from({ length: count }, () =>
    narrow.gateway.app.inject({ url, headers: { authorization: `Bearer ${narrow.client.key}`, ...headers } }),
  );
};

it.each([
  ['copies of one list', {}, 1],
  // One reads, and one reads after it for all who have asked meanwhile.
  ['those of them that want it anew', { 'cache-control': 'no-cache' }, 2],
])('%s that wait for another’s read hold no worker', async (_, headers, readers) => {
  limit++;
  let asked: ReturnType<typeof copies> = [];
  await narrow.db.transaction(async (tx) => {
    await tx.rows(LOCK);
    asked = copies(WORKERS, headers);
    await until('who reads holds a worker', async () => (await busy()) === readers);
    asked.push(...copies(2, headers));
    await until('and nobody else', async () => (await busy()) === readers);
    expect(told(await narrow.client.get('/api/v1/assets/USD'))).toBe('200 USD');
    expect(await busy()).toBeLessThanOrEqual(readers);
  });
  const answers = await Promise.all(asked);
  // On a machine that is busy some were told to come back, by the door or by who read for them; nobody was told anything else.
  const read = answers
    .filter(({ statusCode }) => statusCode !== 503)
    .map(({ statusCode, body }) => `${statusCode} ${body}`);
  expect(read.filter((answer) => answer !== `200 ${JSON.stringify({ data: [], next_cursor: null })}`)).toEqual([]);
  await until('no worker is held', async () => (await busy()) === 0);
});

it.each([
  ['lists', 'application/json', '/holds', 'hold_views'],
  ['pages as CSV', 'text/csv', '/holds', 'hold_views'],
  ['results of a bulk', 'application/json', `/transfers/bulk/${newId('bulk')}/results`, 'transfer_bulk_views'],
  ['transaction types', 'application/json', '/transaction_types', 'transaction_type_views'],
])('%s that wait for their turn hold no worker', async (_, accept, path, table) => {
  let asked: ReturnType<typeof lists> = [];
  await narrow.db.transaction(async (tx) => {
    await tx.rows(statement(`spec.lock-${table}`, `lock table ${table} in access exclusive mode`));
    // As many as there are workers, and then more: all workers would be at lists.
    asked = lists(WORKERS, accept, path);
    await until('those that read hold a worker each', reading);
    asked.push(...lists(2, accept, path));
    await until('and no others', reading);
    // There is no queue: what finds no worker is sent away.
    expect(told(await narrow.client.get('/api/v1/assets/USD'))).toBe('200 USD');
    expect(await busy()).toBeLessThanOrEqual(TURNS);
  });
  // Those whose turn, or whose connection, did not come within 0.8 s are told to come back.
  for (const { statusCode } of await Promise.all(asked)) expect([200, 404, 503]).toContain(statusCode);
  await until('no worker is held', async () => (await busy()) === 0);
});
