import { newId } from '@payflow/contracts';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { countRows, type Answered } from '../testing/gateway-under-test.js';
import { openReviews } from '../testing/policies.js';
import { openStage, told, type Stage } from '../testing/stage.js';

const TRANSFERS = '/api/v1/transfers';
const HOLDS = '/api/v1/holds';
const REVIEWS = '/api/v1/reviews';
const WAIT = { prefer: 'wait=10' };

let stage: Stage;
let alice: string;
let bob: string;
beforeAll(async () => {
  stage = await openStage();
  [alice, bob] = [await stage.client.open(), await stage.client.open()];
});
afterAll(() => stage?.close());
afterEach(() => {
  stage.house.answering = true;
});

const terms = () => ({ debit_account: alice, credit_account: bob, amount: '100', asset: 'USD' });
const made = async (path: string) => (await stage.client.postUntilTaken(path, terms(), WAIT)).body['id'] as string;
const tagOf = async (path: string) => (await stage.client.get(path)).headers.get('etag') ?? '';
const ask = (path: string, body: object, tag: string, headers: Record<string, string> = {}): Promise<Answered> =>
  stage.client.post(path, body, { ...WAIT, 'if-match': tag, ...headers });

type Case = readonly [what: string, make: () => Promise<{ of: string; path: string; body: object; done: number }>];
const CASES: readonly Case[] = [
  ['a posting of a hold', async () => ended(`${HOLDS}/${await made(HOLDS)}`, 'post', { amount: '1', final: false })],
  ['a release of a hold', async () => ended(`${HOLDS}/${await made(HOLDS)}`, 'void', {})],
  ['a reversal', async () => ended(`${TRANSFERS}/${await made(TRANSFERS)}`, 'reverse', { amount: '1' }, 201)],
  ['a correction', async () => ended(`${TRANSFERS}/${await made(TRANSFERS)}`, 'correct', { amount: '40' }, 201)],
  ['an approval', async () => ended(`${REVIEWS}/${(await openReviews(stage, 1))[0]}`, 'approve', { reason: 'known' })],
  ['a denial', async () => ended(`${REVIEWS}/${(await openReviews(stage, 1))[0]}`, 'deny', { reason: 'stolen' })],
];
const ended = (of: string, what: string, body: object, done = 200) => ({ of, path: `${of}/${what}`, body, done });

describe.each(CASES)('%s', (_what, make) => {
  it('is done to what was seen, answered to the same key as then, and refused of what has changed since', async () => {
    const { of, path, body, done } = await make();
    const seen = await tagOf(of);
    const key = { 'idempotency-key': newId('event') };
    const first = await ask(path, body, seen, key);
    expect(first.status).toBe(done);
    const again = await ask(path, body, seen, key);
    expect([again.status, again.text, again.headers.get('idempotency-replayed')]).toEqual([done, first.text, 'true']);
    expect(await tagOf(of)).not.toBe(seen);
    expect(told(await ask(path, body, seen))).toBe('412 version_differs');
    expect(told(await ask(path, body, 'W/"99"'))).toBe('412 version_differs');
  });

  it('is refused with a tag that is none, and needs none', async () => {
    const { path, body, done } = await make();
    const before = await countRows(stage.db);
    for (const tag of ['3', '"x"', 'W/"1", W/"2"', '"-1"', ''])
      expect(told(await ask(path, body, tag))).toBe('400 invalid_header');
    expect(await countRows(stage.db)).toEqual(before);
    expect((await ask(path, body, '*')).status).toBe(done);
  });
});

it('two reversals of a transfer as both have seen it: one is done, whichever the ledger hears first', async () => {
  const of = `${TRANSFERS}/${await made(TRANSFERS)}`;
  const seen = await tagOf(of);
  stage.house.answering = false;
  const keys = [newId('event'), newId('event')];
  const reverse = (key: string | undefined, prefer: string) =>
    ask(`${of}/reverse`, { amount: '1' }, seen, { 'idempotency-key': key ?? '', prefer });
  for (const key of keys) expect((await reverse(key, 'wait=0')).status).toBe(202);
  stage.house.answering = true;
  const answers = await Promise.all(keys.map((key) => reverse(key, 'wait=10')));
  expect(answers.map(told).sort()).toEqual(['201', '412 version_differs']);
  expect((await stage.client.get(of)).body['reversed']).toBe('1');
});
