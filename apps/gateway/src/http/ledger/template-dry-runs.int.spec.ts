import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { newId } from '@payflow/contracts';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { countRows } from '../../testing/gateway-under-test.js';
import { openStage, told, type Stage } from '../../testing/stage.js';

const TRANSFERS = '/api/v1/transfers';
let ledger: Server;
let stage: Stage;
/** What came to the ledger's read API. */
let question = '';

beforeAll(async () => {
  ledger = createServer(async (request, response) => {
    question = await text(request);
    const answer = { outcome: 'posted', failure: null, transfers: [{ id: newId('transfer') }], accounts: [] };
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
  }).listen(0, '127.0.0.1');
  await once(ledger, 'listening');
  stage = await openStage({
    PAYFLOW_INTERNAL_SECRET: 's'.repeat(32),
    PAYFLOW_INTERNAL_LEDGER_URL: `http://127.0.0.1:${(ledger.address() as AddressInfo).port}`,
  });
});
afterAll(async () => {
  await stage?.close();
  ledger.close();
});

it('what a template comes to is tried like any group, and leaves nothing', async () => {
  const { client, db } = stage;
  const [debit_account, credit_account] = [await client.open(), await client.open()];
  const leg = { debit_account, credit_account, asset: 'USD' };
  const template = { variables: { total: 'amount' }, legs: [{ ...leg, amount: '$total' }] };
  await client.post('/api/v1/transaction_types', { id: 'fee', template }, { prefer: 'wait=10' });
  const before = await countRows(db);
  const tryOut = (variables: object) =>
    client.post(TRANSFERS, { dry_run: true, type: 'fee', variables }, { 'idempotency-key': '' });
  const answer = await tryOut({ total: '100' });
  expect([answer.status, answer.body['transfers']]).toEqual([200, [{ id: null }]]);
  expect(JSON.parse(question)).toMatchObject({ data: { legs: [{ ...leg, amount: '100', type: 'fee' }] } });
  expect(told(await tryOut({}))).toBe('400 invalid_request');
  expect(await countRows(db)).toEqual(before);
  const done = { dry_run: false, type: 'fee', variables: { total: '100' } };
  expect((await client.post(TRANSFERS, done, { prefer: 'wait=10' })).status).toBe(201);
});
