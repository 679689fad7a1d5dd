import { newId, toUuid } from '@payflow/contracts';
import { statement } from '@payflow/database';
import { MessagingTables1763700000000 } from '@payflow/messaging';
import { createTestDatabase, type TestDatabase } from '@payflow/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { InvariantTables1763700002000 } from './invariant-tables.js';
import { SumsAreNoCards1764300000001 } from './sums-are-no-cards.js';

let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase('invariants', [
    MessagingTables1763700000000,
    InvariantTables1763700002000,
    SumsAreNoCards1764300000001,
  ]);
});
afterAll(() => db.drop());

const ask = async (expression: string, value: unknown) =>
  (
    await db.database.rows<{ answer: unknown }>(
      statement(`spec.${expression.slice(0, 40)}`, `select ${expression} as answer`),
      [value],
    )
  )[0]?.answer;

describe('ids in SQL', () => {
  it('are the same UUIDs as in the code', async () => {
    for (const kind of ['payment', 'event', 'tenant'] as const) {
      const id = newId(kind);
      expect(await ask('typeid_uuid($1)', id)).toBe(toUuid(kind, id));
    }
    expect(await ask('typeid_uuid($1)', 'pay_7zzzzzzzzzzzzzzzzzzzzzzzzz')).toBe('ffffffff-ffff-ffff-ffff-ffffffffffff');
    for (const wrong of ['', 'pay_', 'pay_8zzzzzzzzzzzzzzzzzzzzzzzzz', 'pay_0000000000000000000000000l'])
      expect(await ask('typeid_uuid($1)', wrong)).toBeNull();
  });

  it('give their time and their random end', async () => {
    const uuid = '01a1fcfe-571f-7760-8a28-f5898d971e43';
    expect((await ask('uuid_time($1)', uuid)) as Date).toEqual(new Date(0x01a1fcfe571f));
    expect(await ask('uuid_tail($1)', uuid)).toBe(BigInt('0xf5898d971e43'));
    expect(await ask('uuid_floor($1)', new Date(0x01a1fcfe571f))).toBe('01a1fcfe-571f-7000-8000-000000000000');
    expect(await ask('uuid_floor($1)', '-infinity')).toBe('00000000-0000-7000-8000-000000000000');
  });
});

describe('secrets', () => {
  it.each([
    ['card_number', '{"note":"4111111111111111"}'],
    ['card_number', 'call 4242-4242-4242-4242 now'],
    ['card_number', '3782 822463 10005'],
    ['card_number', '{"amount":"1","x":"6011111111111117"}'],
    ['api_key', 'sk_test_abcdefghijklmnop'],
    ['password', '{"Password": "x"}'],
    ['token', 'Bearer 0123456789abcdef'],
    ['token', 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc'],
    [null, '{"amount":"4111111111111111","posted_debits":"4111111111111111"}'],
    [null, '{"amount_authorized":"4111111111111111","amount_disputed": "4111111111111111"}'],
    [null, '{"amount_gte":"4111111111111111","fixed":"4111111111111111","source_amount":"4111111111111111"}'],
    [null, '{"note":"4111111111111112"}'],
    [null, 'pay_01m7yfwhqzexg8mn7njj6se3wf 01a1fcfe-571f-7760-8a28-f5898d971e43'],
    [null, '2026-11-21T07:25:28.000Z +4915112345678'],
    [null, '{"password_hint":"none","desk_location":"4"}'],
    [null, ''],
  ])('%s in %s', async (kind, content) => {
    expect(await ask('secret_kind($1)', content)).toBe(kind);
  });
});

it('turns a thousand ids in a few milliseconds', async () => {
  const ids = Array.from({ length: 1_000 }, () => newId('event'));
  const ALL = statement(
    'spec.all',
    'select array_agg(typeid_uuid(id) order by at) as answer from unnest($1::text[]) with ordinality as one (id, at)',
  );
  const start = performance.now();
  const [row] = await db.database.rows<{ answer: string[] }>(ALL, [ids]);
  expect(performance.now() - start).toBeLessThan(500);
  expect(row?.answer).toEqual(ids.map((id) => toUuid('event', id)));
});
