import { randomUUID } from 'node:crypto';
import { statementsOf, testServers } from '@payflow/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startGateway } from '../testing/gateway-under-test.js';
import { ownStatements } from '../testing/own-statements.js';
import { openStage, type Stage } from '../testing/stage.js';

const PAYMENTS = '/api/v1/payments';
const TOLD = ['content-type', 'location', 'etag', 'idempotency-replayed'];

let stage: Stage;
let body: object;

beforeAll(async () => {
  stage = await openStage();
  const [source, destination] = [await stage.client.open(), await stage.client.open()];
  body = { source, destination, amount: '100', asset: 'USD' };
});
afterAll(() => stage?.close());

it('a copy of what was answered just now costs no statement', async () => {
  const key = randomUUID();
  const first = await stage.client.post(PAYMENTS, body, { 'idempotency-key': key, prefer: 'wait=10' });
  let copy = '';
  const names = await statementsOf(async () => {
    const answer = await stage.gateway.app.inject({
      method: 'POST',
      url: PAYMENTS,
      headers: {
        ...{ authorization: `Bearer ${stage.client.key}`, 'idempotency-key': key },
        'content-type': 'application/json',
      },
      payload: JSON.stringify(body),
    });
    copy = answer.body;
  });
  expect([first.status, copy, ownStatements(names)]).toEqual([201, first.text, []]);
});

it('another process answers it from Postgres, with the same bytes', async () => {
  const key = { 'idempotency-key': randomUUID() };
  const first = await stage.client.post(PAYMENTS, body, { ...key, prefer: 'wait=10' });
  const { databaseUrl, broker } = stage;
  const second = await startGateway({ databaseUrl, broker, redisUrl: testServers().redis });
  try {
    const copies = [
      await stage.client.post(PAYMENTS, body, key),
      await stage.client.at(second.base).post(PAYMENTS, body, key),
    ];
    const [here, there] = copies.map(({ status, text, headers }) => [
      status,
      text,
      ...TOLD.map((name) => headers.get(name)),
    ]);
    expect(there).toEqual(here);
    expect([first.status, first.text]).toEqual(here?.slice(0, 2));
  } finally {
    await second.stop();
  }
});
