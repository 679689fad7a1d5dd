import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openStage, told, type Stage } from '../../testing/stage.js';

let ledger: Server;
let stage: Stage;
let account: string;
/** What the ledger answers next, and after the last of them ever again. */
let answers: { readonly status: number; readonly body: object }[] = [];

beforeAll(async () => {
  ledger = createServer((_request, response) => {
    const { status, body } = (answers.length > 1 ? answers.shift() : answers[0]) ?? { status: 500, body: {} };
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  }).listen(0, '127.0.0.1');
  await once(ledger, 'listening');
  const { port } = ledger.address() as AddressInfo;
  stage = await openStage({ PAYFLOW_INTERNAL_LEDGER_URL: `http://127.0.0.1:${port}` });
  account = await stage.client.open();
});
afterAll(async () => {
  await stage?.close();
  ledger.closeAllConnections();
  ledger.close();
});

const AWAY = { status: 503, body: {} };
const page = (next: string | null, at: number) => ({
  status: 200,
  body: {
    next,
    asset: 'USD',
    opening_balance: '0',
    closing_balance: '3',
    lines: [{ transfer: `tr_${at}`, balance: `${at}` }],
  },
});
const carried = () =>
  stage.client.send('GET', `/api/v1/accounts/${account}/statement`, undefined, { accept: 'application/x-ndjson' });

it('a statement that is carried away goes on when the ledger was away for a moment between two of its pages', async () => {
  answers = [page('a', 1), AWAY, AWAY, page('b', 2), AWAY, page(null, 3)];
  const { status, text } = await carried();
  expect(status).toBe(200);
  expect(
    text
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { transfer: string }).transfer),
  ).toEqual(['tr_1', 'tr_2', 'tr_3']);
});

it('is refused where the ledger is away at its beginning', async () => {
  answers = [AWAY];
  expect(told(await carried())).toBe('503 unavailable');
});
