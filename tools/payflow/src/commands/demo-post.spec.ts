import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { expect, it } from 'vitest';
import { post } from './demo-post.js';

/** What is answered, one after the other and the last for ever, and what was asked. */
async function asked(statuses: number[]) {
  const keys: unknown[] = [];
  const server = createServer(async (request, response) => {
    keys.push([request.headers['idempotency-key'], await text(request)]);
    const status = statuses.length > 1 ? statuses.shift() : statuses[0];
    response.writeHead(status ?? 500, { 'retry-after': '0' }).end(JSON.stringify({ status }));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const answer = await post(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, 'sk_test', { a: 1 });
  server.closeAllConnections();
  server.close();
  return { answer, keys };
}

it('asks again under one key for what is not done yet, or was turned away', async () => {
  const { answer, keys } = await asked([503, 202, 201]);
  expect(answer).toEqual({ status: 201, body: { status: 201 } });
  expect(keys.length).toBe(3);
  expect(new Set(keys.map(String)).size).toBe(1);
});

it.each([[202], [503]])('gives what is %i for long as it is', async (status) => {
  const { answer, keys } = await asked([status]);
  expect([answer.status, keys.length]).toEqual([status, 4]);
});

it.each([[402], [409], [422]])('asks once for what is refused with %i', async (status) => {
  const { answer, keys } = await asked([status]);
  expect([answer.status, keys.length]).toEqual([status, 1]);
});
