import { statement } from '@payflow/database';
import { checkInvariants } from '@payflow/invariants';
import { createTestDatabase, type TestDatabase } from '@payflow/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { migrations } from './index.js';
import { invariants } from './invariants.js';
import { GatewayMarksBegan1764700000004 } from './migrations/1764700000004-gateway-marks-began.js';

const BEGAN = statement('spec.marks-began', 'select consumer_group from marks_began');
let db: TestDatabase;

beforeAll(async () => (db = await createTestDatabase('gateway', migrations)));
afterAll(() => db?.drop());

const began = async () => (await db.database.rows<{ consumer_group: string }>(BEGAN)).map((row) => row.consumer_group);
const marksMissing = async () => {
  const found = await checkInvariants(
    db.database,
    invariants.filter(({ name }) => name === 'I20'),
  );
  return found.flatMap(({ sample }) => sample);
};

it('asks for every mark where all that was ever received has one', async () => {
  expect(await began()).toEqual([]);
});

it('asks for none of what was received before this version came', async () => {
  const today = new Date().toISOString().slice(0, 10);
  await db.tamper(`insert into received_tallies values ('gateway.payments', 't', 0, '${today}', 7, 7)`);
  const missing = `inbox/gateway.payments/${today}: 0 marks for 7 messages`;
  expect(await marksMissing()).toEqual([missing]);
  await db.tamper(`delete from marks_began`);
  await db.tamper(new GatewayMarksBegan1764700000004().sql.replace(/create table[^;]*;/, ''));
  expect(await began()).toEqual(['gateway.payments']);
  expect(await marksMissing()).toEqual([]);
  await db.tamper(`update marks_began set day = '${today}'`);
  expect(await marksMissing()).toEqual([missing]);
});
