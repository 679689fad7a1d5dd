import { randomUUID } from 'node:crypto';
import { connect } from 'node:net';
import { until } from '@payflow/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { countRows } from '../../testing/gateway-under-test.js';
import { openStage, type Stage } from '../../testing/stage.js';

const PAYMENTS = '/api/v1/payments';
let stage: Stage;
beforeAll(async () => {
  stage = await openStage();
});
afterAll(() => stage?.close());

/** Sends all of a request and is gone before anything can come back. */
function sendAndLeave(idempotencyKey: string, body: string): Promise<void> {
  const { hostname, port, host } = new URL(stage.gateway.base);
  const head = [
    `POST ${PAYMENTS} HTTP/1.1`,
    `host: ${host}`,
    `authorization: Bearer ${stage.client.key}`,
    `idempotency-key: ${idempotencyKey}`,
    'content-type: application/json',
    `content-length: ${Buffer.byteLength(body)}`,
    'prefer: wait=10',
  ];
  const socket = connect(Number(port), hostname);
  return new Promise((resolve, reject) => {
    socket.on('error', reject);
    socket.write(`${head.join('\r\n')}\r\n\r\n${body}`, () => {
      socket.destroy();
      resolve();
    });
  });
}

it('a client gone after sending has asked once, and finds the answer with the same key', async () => {
  const { client, db } = stage;
  const [source, destination] = [await client.open(), await client.open()];
  const before = await countRows(db);
  const key = randomUUID();
  const body = JSON.stringify({ source, destination, amount: '100', asset: 'USD' });
  await sendAndLeave(key, body);
  await until('it has been accepted', async () => (await countRows(db)).payments > before.payments);
  const again = await until('it is final', async () => {
    const answer = await client.post(PAYMENTS, body, { 'idempotency-key': key, prefer: 'wait=10' });
    return answer.status === 201 ? answer : undefined;
  });
  expect(again.headers.get('idempotency-replayed')).toBe('true');
  const { payments, keys } = await countRows(db);
  expect([payments, keys]).toEqual([before.payments + 1, before.keys + 1]);
});
