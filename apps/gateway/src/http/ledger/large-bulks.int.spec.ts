import { newId, PROBLEMS, type ProblemCode } from '@payflow/contracts';
import { checkInvariant } from '@payflow/invariants';
import { until } from '@payflow/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { invariants } from '../../database/index.js';
import { badTransfers, UNENDED } from '../../testing/bad-transfers.js';
import { countRows } from '../../testing/gateway-under-test.js';
import { openStage, type Stage } from '../../testing/stage.js';

const BULK = '/api/v1/transfers/bulk';
const ITEMS = 10_000;
const PATIENCE_MS = 60_000;

interface Result {
  readonly index: number;
  readonly id: string | null;
  readonly status: string;
  readonly error: { readonly code: ProblemCode } | null;
}

let stage: Stage;
let good: Record<string, string>;
let euros: string;

beforeAll(async () => {
  stage = await openStage();
  const { client } = stage;
  good = { debit_account: await client.open(), credit_account: await client.open(), amount: '1', asset: 'USD' };
  euros = await client.open('EUR');
});
afterAll(() => stage?.close());

type Form = (items: readonly string[]) => [path: string, body: string, headers: Record<string, string>];
const asJson: Form = (items) => [BULK, `{"mode":"independent","transfers":[${items.join(',')}]}`, {}];
const asLines: Form = (items) => [
  `${BULK}?mode=independent`,
  items.join('\n'),
  { 'content-type': 'application/x-ndjson' },
];

it.each<[string, Form, readonly string[]]>([
  ['JSON', asJson, []],
  ['lines', asLines, UNENDED],
])('ten thousand items as %s, each wrong in a way of its own, get one result each', async (_form, form, more) => {
  const items = [...badTransfers(ITEMS - more.length, good, { euros }), ...more];
  expect(new Set(items).size).toBe(ITEMS);
  const before = await countRows(stage.db);
  const [path, body, headers] = form(items);
  const answer = await stage.client.post(path, body, headers);
  expect([answer.status, answer.body['code']]).toEqual([200, undefined]);
  const results = answer.body['results'] as Result[];
  expect(results.filter(({ status }) => status !== 'invalid').map(({ index }) => items[index])).toEqual([]);
  expect(results.map(({ index }) => index)).toEqual(items.map((_, index) => index));
  const codes = new Set(results.map(({ error }) => error?.code as ProblemCode));
  expect([...codes].filter((code) => !(PROBLEMS[code].status < 500))).toEqual([]);
  expect(codes.size).toBeGreaterThan(5);
  // The bulk itself is kept, to be answered again; nothing of its items is.
  expect(await countRows(stage.db)).toEqual({ ...before, keys: before.keys + 1 });
});

it('ten thousand good ones are posted, each once, and others are answered meanwhile', async () => {
  const items = Array.from({ length: ITEMS }, () => JSON.stringify(good));
  const before = await countRows(stage.db);
  const [path, body, headers] = asJson(items);
  const key = { ...headers, 'idempotency-key': newId('event'), prefer: 'wait=0' };
  // Beside other specs the event loop may be too late to begin it.
  const accepting = stage.client.postUntilTaken(path, body, key);
  expect((await stage.client.get(`/api/v1/accounts/${good['debit_account'] as string}`)).status).toBe(200);
  const first = await accepting;
  expect(first.status).toBe(202);
  const answer = await until(
    'all are posted',
    async () => {
      const again = await stage.client.post(path, body, key);
      return again.status === 200 ? again : undefined;
    },
    PATIENCE_MS,
  );
  const results = answer.body['results'] as Result[];
  expect(answer.body['counts']).toMatchObject({ total: ITEMS, posted: ITEMS });
  expect(new Set(results.map(({ id }) => id)).size).toBe(ITEMS);
  const after = await countRows(stage.db);
  expect([after.keys - before.keys, after.transfers - before.transfers, after.pending]).toEqual([1, ITEMS, 0]);
  expect(after.messages - before.messages).toBe(ITEMS);
  const [debit, credit] = await Promise.all(
    [good['debit_account'], good['credit_account']].map((id) => stage.client.get(`/api/v1/accounts/${id as string}`)),
  );
  expect([debit?.body['posted_debits'], credit?.body['posted_credits']]).toEqual([String(ITEMS), String(ITEMS)]);
  // I18 takes every message's ids apart, a second's work on ten thousand: small bulks hold it, these messages are counted above.
  for (const one of invariants.filter(({ name }) => name !== 'I18'))
    expect(await checkInvariant(stage.db, one, 'full')).toMatchObject({ violations: 0 });
});
