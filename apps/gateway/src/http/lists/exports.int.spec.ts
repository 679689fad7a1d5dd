import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { get, type IncomingMessage } from 'node:http';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { newId, uuidOf } from '@payflow/contracts';
import { statement } from '@payflow/database';
import { renderMetrics } from '@payflow/telemetry';
import { until } from '@payflow/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Client } from '../../testing/gateway-under-test.js';
import { metric } from '../../testing/narrow-gateway.js';
import { openOwners, type Owners } from '../../testing/owners.js';
import { openStage, told, type Stage } from '../../testing/stage.js';
import { formsOf } from '../openapi/answers.js';
import type { Operation } from '../openapi/operation.js';
import { OPERATIONS } from '../openapi/operations.js';

const PAYMENTS = '/api/v1/payments';
const CSV = { accept: 'text/csv' };
const NDJSON = { accept: 'application/x-ndjson' };
const ROWS = 100_000;
const SEEDED = 5_000;
const LINE_BYTES_MIN = 500;
const HEAP_GROWTH_MAX = 64 * 1024 * 1024;
setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;
/** So many rows apart the memory is looked at. */
const LOOK_EACH = 10_000;

// To the millisecond, as all that is kept: what a cursor says is no finer. On a slow machine the rows of two statements overlap.
const SEED = statement(
  'spec.seed-payments',
  `insert into payment_views (tenant_id, livemode, id, status, version, amount_minor, amount_captured_minor, amount_refunded_minor,
     asset, source_account_id, destination_account_id, method, reference, metadata, created_at, updated_at)
   select $1::uuid, false, gen_random_uuid(), 'succeeded', 1, n, n, 0, 'USD', gen_random_uuid(), gen_random_uuid(), '{"type":"internal"}',
     'order-' || n, '{"order":"7"}', date_trunc('milliseconds', now()) - n * interval '1 second', now() from generate_series($2::integer, $3::integer) n`,
);

/** A transaction that waits for the spec may wait for longer than a service's. */
const UNHURRIED = statement('spec.unhurried', 'set local idle_in_transaction_session_timeout = 0');

const LISTS = OPERATIONS.filter((one) => formsOf(one).includes('text/csv'));
/** Parameters that a list cannot do without; of the requests, those that are not being made. */
const NEEDED: Readonly<Record<string, string>> = {
  listAttempts: '?needs_attention=true',
  listTransactions: '?path=users:7',
  listRequests: '?status=599',
};
/** Records that are no lines: a statement's opening and closing balance. */
const BESIDE_LINES: Readonly<Record<string, number>> = { getAccountStatement: 2 };

let owners: Owners;
let stage: Stage;
let many: Client;

beforeAll(async () => {
  owners = await openOwners(() => stage.client.tenant);
  stage = await openStage(owners.env);
  many = await Client.of(stage.db, stage.gateway.base);
  for (let at = 0; at < ROWS; at += SEEDED)
    await stage.db.count(SEED, [uuidOf('tenant', many.tenant), at + 1, at + SEEDED]);
});
afterAll(async () => {
  await stage?.close();
  owners?.close();
});

const lines = (text: string): string[] => text.split(/\r?\n/).slice(0, -1);

/** The answer, of which nothing is read but by who asks for it. */
async function begun(client: Client, path: string, headers: Record<string, string>): Promise<IncomingMessage> {
  const request = get(`${client.base}${path}`, { headers: { authorization: `Bearer ${client.key}`, ...headers } });
  const [answer] = (await once(request, 'response')) as [IncomingMessage];
  return answer;
}

/** A connection on which a list is asked for as it was long ago. */
function askedLongAgo({ base, key }: Client, path: string): Socket {
  const { hostname, port } = new URL(base);
  const socket = connect(Number(port), hostname);
  const heads = [`Host: ${hostname}`, `Authorization: Bearer ${key}`, `Accept: ${NDJSON.accept}`].join('\r\n');
  socket.write(`GET ${path} HTTP/1.0\r\n${heads}\r\n\r\n`);
  return socket;
}

/** Runs while nobody can read payments. */
async function withPaymentsLocked(work: () => Promise<void>): Promise<void> {
  const [held, letGo] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const locked = stage.db.transaction(async (tx) => {
    await tx.rows(statement('spec.lock-payments', 'lock table payment_views in access exclusive mode'));
    held.resolve();
    await letGo.promise;
  });
  await held.promise;
  await work();
  letGo.resolve();
  await locked;
}

async function endsOf(outcome: string): Promise<number> {
  const { body } = await renderMetrics();
  const line = body.split('\n').find((one) => one.startsWith('payflow_exports_total') && one.includes(outcome));
  return Number(line?.split(' ').at(-1) ?? 0);
}

async function rowsSent(): Promise<number> {
  const { body } = await renderMetrics();
  return Number(/payflow_exported_rows_total\{list="payments",form="ndjson"\} (\d+)/.exec(body)?.[1] ?? 0);
}

describe('a list that is carried away', () => {
  it('is all of it, in the order of the list, in either form', async () => {
    const { client } = stage;
    const [source, destination] = [await client.open(), await client.open()];
    const ids: string[] = [];
    for (let at = 0; at < 5; at++) {
      const body = { source, destination, amount: '1', asset: 'USD', reference: at === 2 ? '=cmd()' : `r,${at}` };
      ids.unshift((await client.post(PAYMENTS, body, { prefer: 'wait=10' })).body['id'] as string);
    }
    const csv = await client.get(PAYMENTS, CSV);
    expect(csv.headers.get('content-type')).toBe('text/csv; charset=utf-8; header=present');
    expect(csv.headers.get('content-disposition')).toBe('attachment; filename="payments.csv"');
    expect(csv.headers.get('vary')).toContain('accept');
    const [header = '', ...records] = lines(csv.text);
    expect(header.split(',').slice(0, 4)).toEqual(['id', 'status', 'amount', 'asset']);
    expect(records.map((record) => record.split(',')[0])).toEqual(ids);
    expect(records[2]).toContain(`,'=cmd(),`);
    expect(records[0]).toContain(',"r,4",');
    const ndjson = await client.get(`${PAYMENTS}?source=${source}`, NDJSON);
    const json = await client.get(PAYMENTS);
    const { data } = json.body as { data: object[] };
    expect(json.headers.get('vary')).toContain('accept,');
    expect((await client.get('/api/v1/accounts')).headers.get('vary')).toContain('accept,');
    expect(lines(ndjson.text).map((line) => JSON.parse(line) as object)).toEqual(data);
    expect(lines((await client.get(`${PAYMENTS}?status=failed`, CSV)).text)).toEqual([header]);
    expect((await client.get(`${PAYMENTS}?status=failed`, NDJSON)).text).toBe('');
  });

  it('is one page with a way to the next where a limit is given', async () => {
    const { client } = stage;
    const first = await client.get(`${PAYMENTS}?limit=2`, CSV);
    expect(lines(first.text)).toHaveLength(3);
    const next = /^<(.*)>; rel="next"$/.exec(first.headers.get('link') ?? '')?.[1] ?? '';
    const cursor = new URL(next, client.base).searchParams.get('cursor') as string;
    expect(lines((await client.get(`${PAYMENTS}?cursor=${cursor}`, CSV)).text)).toHaveLength(4);
  });

  it('is refused as a list is: before anything of it is sent', async () => {
    const { client } = stage;
    expect(told(await client.get(`${PAYMENTS}?nonsense=1`, CSV))).toBe('400 invalid_parameter');
    expect(told(await client.get(`${PAYMENTS}?cursor=AAAA`, NDJSON))).toBe('400 cursor_invalid');
    const expanded = await client.get(`${PAYMENTS}?expand=refunds`, CSV);
    expect(told(expanded)).toBe('400 invalid_parameter');
    expect(expanded.body['errors']).toMatchObject([{ pointer: 'expand', code: 'not_supported' }]);
  });

  it('shows nothing of another tenant, and HEAD reads nothing of it', async () => {
    const stranger = await Client.of(stage.db, stage.gateway.base);
    expect(lines((await stranger.get(PAYMENTS, CSV)).text)).toHaveLength(1);
    const head = await many.send('HEAD', PAYMENTS, undefined, CSV);
    expect([head.status, head.text]).toEqual([200, '']);
    // GET says no length, for it is not known: HEAD must not say another.
    expect([head.headers.get('content-length'), head.headers.get('content-type')]).toEqual([
      null,
      'text/csv; charset=utf-8; header=present',
    ]);
  });
});

describe('every list that the document tells of', () => {
  /** By the first words of the paths that are below something. */
  let ids: Readonly<Record<string, string>>;
  beforeAll(async () => {
    const { client } = stage;
    const [source, destination] = [await client.open(), await client.open()];
    const paid = await client.post(PAYMENTS, { source, destination, amount: '1', asset: 'USD' }, { prefer: 'wait=10' });
    const movement = { debit_account: source, credit_account: destination, amount: '1', asset: 'USD' };
    const bulk = await client.post('/api/v1/transfers/bulk', { mode: 'independent', transfers: [movement] });
    ids = {
      ...{ '/accounts': source, '/payments': String(paid.body['id']) },
      ...{ '/transfers': newId('transfer'), '/transfers/bulk': String(bulk.body['id']) },
    };
  });

  const pathOf = ({ id, path }: Operation): string => {
    const kind = path.slice('/api/v1'.length, path.indexOf('/{'));
    return `${path.replace('{id}', ids[kind] ?? '')}${NEEDED[id] ?? ''}`;
  };

  it.each(LISTS.map((one) => [one.id, one] as const))('is carried away in both forms: %s', async (_id, one) => {
    const path = pathOf(one);
    const { status, body, text } = await stage.client.get(path);
    expect([status, text]).toEqual([200, text]);
    const shown = (body['data'] ?? body['lines']) as readonly object[];
    const csv = await stage.client.get(path, CSV);
    expect([csv.status, csv.headers.get('content-type')]).toEqual([200, 'text/csv; charset=utf-8; header=present']);
    const name = /^attachment; filename="(\w+)\.csv"$/.exec(csv.headers.get('content-disposition') ?? '')?.[1];
    expect(lines(csv.text)).toHaveLength(1 + shown.length + (BESIDE_LINES[one.id] ?? 0));
    const ndjson = await stage.client.get(path, NDJSON);
    expect([ndjson.status, ndjson.headers.get('content-type'), ndjson.headers.get('content-disposition')]).toEqual([
      ...[200, 'application/x-ndjson', `attachment; filename="${name}.ndjson"`],
    ]);
    expect(lines(ndjson.text).map((line) => Object.keys(JSON.parse(line) as object))).toEqual(shown.map(Object.keys));
  });
});

it('exports that read for long keep no turn from those of another organisation', async () => {
  const [held, letGo] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const locked = stage.db.transaction(async (tx) => {
    await tx.rows(UNHURRIED);
    await tx.rows(statement('spec.lock-holds-of-exports', 'lock table hold_views in access exclusive mode'));
    held.resolve();
    await letGo.promise;
  });
  await held.promise;
  try {
    // Each reads until its statement's time is up, two at once: the last would have its turn after three times that.
    const slow = Promise.all(Array.from({ length: 8 }, () => stage.client.get('/api/v1/holds', NDJSON)));
    await delay(200);
    expect((await (await Client.of(stage.db, stage.gateway.base)).get(PAYMENTS, NDJSON)).status).toBe(200);
    letGo.resolve();
    await slow;
  } finally {
    letGo.resolve();
  }
  await locked;
}, 30_000);

describe('a hundred thousand rows', () => {
  it('come whole, by pages, and memory holds few of them', async () => {
    const answer = await begun(many, PAYMENTS, NDJSON);
    const heap: number[] = [];
    let [rows, bytes] = [0, 0];
    for await (const chunk of answer as AsyncIterable<Buffer>) {
      for (const byte of chunk) if (byte === 0x0a) rows++;
      bytes += chunk.length;
      if (rows < heap.length * LOOK_EACH) continue;
      // What is garbage says nothing.
      collectGarbage();
      heap.push(process.memoryUsage().heapUsed);
    }
    expect([rows, answer.complete]).toEqual([ROWS, true]);
    expect(bytes).toBeGreaterThan(ROWS * LINE_BYTES_MIN);
    expect(Math.max(...heap) - Math.min(...heap)).toBeLessThan(HEAP_GROWTH_MAX);
  });

  it('are not read further than they are taken, and hold no worker meanwhile; a client that goes ends the reading', async () => {
    const [gone, before] = [await endsOf('gone'), await rowsSent()];
    const answer = await begun(many, PAYMENTS, NDJSON);
    answer.pause();
    // As many pages as the sockets between the two take, and then none: seen by two looks that find the same.
    let last = -1;
    await until('the reading rests', async () => {
      await delay(500);
      const sent = await rowsSent();
      const rests = sent === last;
      last = sent;
      return rests;
    });
    expect(last - before).toBeLessThan(ROWS / 2);
    await until('no worker waits for it', async () => (await metric('payflow_admission_workers{state="busy"}')) === 0);
    answer.destroy();
    await until('its end is noted', async () => (await endsOf('gone')) === gone + 1);
  });

  it('taken slowly, however many times, leave room for the exports of others', async () => {
    const gone = await endsOf('gone');
    const slow = await Promise.all(Array.from({ length: 8 }, () => begun(many, PAYMENTS, NDJSON)));
    for (const answer of slow) answer.pause();
    expect(slow.map(({ statusCode }) => statusCode)).toEqual(Array<number>(8).fill(200));
    expect(told(await many.get(PAYMENTS, NDJSON))).toBe('503 unavailable');
    expect((await stage.client.get(PAYMENTS, NDJSON)).status).toBe(200);
    for (const answer of slow) answer.destroy();
    await until('their ends are noted', async () => (await endsOf('gone')) === gone + 8);
    const again = await begun(many, PAYMENTS, NDJSON);
    expect(again.statusCode).toBe(200);
    again.destroy();
    await until('its end is noted', async () => (await endsOf('gone')) === gone + 9);
  });

  it('whose client goes while they are compressed have not been broken by an error', async () => {
    const [gone, broken] = [await endsOf('gone'), await endsOf('broken')];
    const answer = await begun(many, PAYMENTS, { ...NDJSON, 'accept-encoding': 'gzip' });
    expect(answer.headers['content-encoding']).toBe('gzip');
    answer.destroy();
    await until('its end is noted', async () => (await endsOf('gone')) + (await endsOf('broken')) > gone + broken);
    expect([await endsOf('gone'), await endsOf('broken')]).toEqual([gone + 1, broken]);
  });

  it('that meet an error in the middle end so that nobody takes them for whole', async () => {
    const broken = await endsOf('broken');
    const answer = await begun(many, PAYMENTS, CSV);
    answer.pause();
    await withPaymentsLocked(async () => {
      let bytes = 0;
      const reading = (async () => {
        for await (const chunk of answer as AsyncIterable<Buffer>) bytes += chunk.length;
      })();
      await expect(reading).rejects.toThrow('aborted');
      expect([answer.complete, bytes > 0]).toEqual([false, true]);
    });
    expect(await endsOf('broken')).toBe(broken + 1);
  });

  it('that meet an error in the middle are reset where HTTP/1.0 knows no other end', async () => {
    const socket = askedLongAgo(many, PAYMENTS);
    await once(socket, 'readable');
    await withPaymentsLocked(async () => {
      const reading = (async () => {
        for await (const chunk of socket) expect(chunk).toBeInstanceOf(Buffer);
      })();
      await expect(reading).rejects.toMatchObject({ code: 'ECONNRESET' });
    });
  });
});
