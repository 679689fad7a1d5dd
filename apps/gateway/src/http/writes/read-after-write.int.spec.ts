import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { keepBooks, type Books } from '../../testing/books.js';
import { LIMIT, RULE } from '../../testing/policies.js';
import { openStage, type Stage } from '../../testing/stage.js';

const API = '/api/v1';
/** Of each kind so many at once, half of them answered before anything has come of them. */
const AT_ONCE = 6;
let stage: Stage;
let books: Books;
let payment: string;
let convert: object;

beforeAll(async () => {
  stage = await openStage();
  const { client } = stage;
  books = await keepBooks(client);
  const [dollars, euros] = [await client.open(), await client.open('EUR')];
  const paid = { source: books.alice, destination: books.bob, amount: '1000', asset: 'USD' };
  const made = await client.postUntilTaken(`${API}/payments`, paid, { prefer: 'wait=10' });
  payment = made.body['id'] as string;
  convert = {
    ...{ source: books.alice, source_liquidity: dollars, source_asset: 'USD', source_amount: '100' },
    ...{ destination: books.euros, destination_liquidity: euros, destination_asset: 'EUR' },
    rate: { numerator: '92', denominator: '100' },
  };
});
afterAll(() => stage?.close());

const move = () => ({ debit_account: books.alice, credit_account: books.bob, amount: '1', asset: 'USD' });
const pay = (more: object = {}) => ({
  source: books.alice,
  destination: books.bob,
  amount: '1',
  asset: 'USD',
  ...more,
});
const code = () => `R${randomUUID().replaceAll('-', '').toUpperCase().slice(0, 9)}`;

const CREATES: readonly (readonly [string, () => string, () => object])[] = [
  ['payments', () => '/payments', pay],
  ['payments by steps', () => '/payments', () => pay({ capture: 'manual' })],
  ['accounts', () => '/accounts', () => ({ asset: 'USD' })],
  ['transfers', () => '/transfers', move],
  ['groups of transfers', () => '/transfers', () => ({ legs: [move(), move()] })],
  ['holds', () => '/holds', move],
  ['conversions', () => '/conversions', () => convert],
  ['refunds', () => `/payments/${payment}/refunds`, () => ({ amount: '1' })],
  ['reversals', () => `/transfers/${books.transfer}/reverse`, () => ({ amount: '1' })],
  ['bulks', () => '/transfers/bulk', () => ({ mode: 'independent', transfers: [move(), move()] })],
  ['units', () => '/assets', () => ({ code: code(), scale: 0, name: 'Counted' })],
  [
    'transaction types',
    () => '/transaction_types',
    () => ({ id: `r_${code().toLowerCase()}`, debit: [{ path: 'users:*:wallet' }] }),
  ],
  ['limits', () => '/limits', () => LIMIT],
  ['risk rules', () => '/risk_rules', () => RULE],
];

/** Posts, and reads what the answer points at as soon as it is there; whether it was final, and what the read came to. */
async function readAfter(path: string, body: object, wait_s: number): Promise<string> {
  const { client } = stage;
  const made = await client.postUntilTaken(`${API}${path}`, body, { prefer: `wait=${wait_s}` });
  const location = made.headers.get('location') ?? `${API}${path}/${String(made.body['id'] ?? made.body['code'])}`;
  const read = await client.get(location);
  return `${made.status} then ${read.status}`;
}

it.each(CREATES)('%s are there to be read as soon as they are answered, final or not', async (_, path, body) => {
  const asked = Array.from({ length: AT_ONCE }, (_, at) => readAfter(path(), body(), at % 2 === 0 ? 0 : 10));
  const answers = await Promise.all(asked);
  for (const answer of answers) expect(answer).toMatch(/^20[012] then 200$/);
});
