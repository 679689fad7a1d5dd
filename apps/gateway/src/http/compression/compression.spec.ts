import { once } from 'node:events';
import { request as ask, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from 'node:zlib';
import { METRICS } from '@payflow/contracts';
import { sendProblem } from '@payflow/service';
import { renderMetrics } from '@payflow/telemetry';
import fastify, { type FastifyInstance, type RouteOptions } from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compressAnswers } from './compression.js';
import { Efforts } from './effort.js';
import { keepCompressed } from './kept-bytes.js';

const LIST = JSON.stringify({
  data: Array.from({ length: 50 }, (_, at) => ({ id: `pay_${at}`, status: 'succeeded', amount: '1999', asset: 'USD' })),
});
/** So that a level more is worth something. */
const VARIED = JSON.stringify(
  Array.from({ length: 300 }, (_, at) => ({
    id: `tr_${(at * 7919) % 1_009}`,
    amount: `${at * at}`,
    note: LIST.slice(at, at + 40),
  })),
);
const KEPT = Buffer.from(LIST);
const JSON_TYPE = 'application/json; charset=utf-8';
const DECODE = { gzip: gunzipSync, br: brotliDecompressSync, zstd: zstdDecompressSync } as const;
type Coding = keyof typeof DECODE;

/** How late the event loop is said to be: how late it is, is for those to say who use the same machine. */
let late_ms = 0;
let server: FastifyInstance;
/** How much of the endless stream was asked for. */
let produced = 0;
let ended: Promise<unknown>;

/** Breaks while a compressor still holds all that came before. */
function* broken(): Generator<string> {
  yield* lines(5);
  throw new TypeError('broken');
}

function* lines(count: number): Generator<string> {
  for (let at = 0; at < count; at++, produced++)
    yield `{"id":"tr_${at}","amount":"${at * 37}","random":"${Math.random()}"}\n`;
}

const route = (url: string, type: string, body: () => unknown, more: Partial<RouteOptions> = {}): void => {
  server.route({
    method: 'GET',
    url,
    ...more,
    handler: (_request, reply) => void reply.type(type).send(body()),
  } as RouteOptions);
};

beforeAll(async () => {
  server = fastify();
  server.setErrorHandler(sendProblem);
  const efforts = new Efforts(() => ({ take: () => late_ms, close: () => undefined }));
  compressAnswers(server, { bytes_min: 1_024 }, efforts);
  route('/list', JSON_TYPE, () => Buffer.from(LIST));
  route('/varied', JSON_TYPE, () => VARIED);
  route('/kept', JSON_TYPE, () => KEPT);
  route('/long', JSON_TYPE, () => `[${Array.from({ length: 20_000 }, (_, at) => `"item ${at}"`).join()}]`);
  route('/small', JSON_TYPE, () => '{"a":1}');
  route('/image', 'image/png', () => Buffer.from(LIST));
  route('/events', 'text/event-stream', () => LIST);
  route('/secret', JSON_TYPE, () => LIST, { config: { secret: true } as never });
  route('/login', JSON_TYPE, () => LIST, { method: 'POST' });
  route('/bulk', JSON_TYPE, () => LIST, { method: 'POST', config: { bulk: true } as never });
  route('/lines', 'application/x-ndjson', () => Readable.from(lines(5_000)));
  server.get(
    '/broken',
    (_request, reply) =>
      void reply
        .headers({ 'content-type': 'application/x-ndjson', 'content-disposition': 'attachment; filename="x.ndjson"' })
        .send(Readable.from(broken())),
  );
  route('/endless', 'application/x-ndjson', () => {
    const source = Readable.from(lines(Infinity));
    ended = new Promise((resolve) => source.on('close', resolve).on('error', () => undefined));
    return source;
  });
  server.get('/refused', (_request, reply) => void reply.status(400).type('application/problem+json').send(LIST));
  server.get('/same', (_request, reply) => void reply.status(304).header('etag', 'W/"1"').send());
  server.get(
    '/tagged',
    (_request, reply) => void reply.headers({ etag: '"strong"', vary: 'accept' }).type(JSON_TYPE).send(LIST),
  );
  server.get('/versioned', (_request, reply) => void reply.header('etag', 'W/"7"').type(JSON_TYPE).send(LIST));
  await server.listen({ port: 0, host: '127.0.0.1' });
});
afterAll(() => server.close());

async function get(path: string, accept: string | undefined, method = 'GET'): Promise<IncomingMessage> {
  const { port } = server.server.address() as AddressInfo;
  const sent = ask({ port, path, method, headers: accept === undefined ? {} : { 'accept-encoding': accept } }).end();
  const [answer] = (await once(sent, 'response')) as [IncomingMessage];
  return answer;
}

async function read(path: string, accept?: string, method?: string) {
  const answer = await get(path, accept, method);
  const bytes = await buffer(answer);
  const coding = answer.headers['content-encoding'] as Coding | undefined;
  const text = (coding && method !== 'HEAD' ? DECODE[coding](bytes) : bytes).toString();
  return { headers: answer.headers, coding, bytes: bytes.length, text };
}

describe('an answer to a read', () => {
  it.each([['gzip'], ['br'], ['zstd']])('is what it was, in %s, with its new length', async (coding) => {
    const answer = await read('/list', coding);
    expect(answer).toMatchObject({ coding, text: LIST });
    expect(answer.headers).toMatchObject({ vary: 'accept-encoding', 'content-length': String(answer.bytes) });
    expect(1 - answer.bytes / LIST.length).toBeGreaterThan(0.4);
  });

  it('is whole when another thread compresses it', async () => {
    const plain = await read('/long');
    for (const coding of ['gzip', 'br', 'zstd']) expect((await read('/long', coding)).text).toBe(plain.text);
  });

  it.each([
    ['/list', undefined, 'accept-encoding'],
    ['/list', 'identity', 'accept-encoding'],
    ['/small', 'gzip', 'accept-encoding'],
    ['/image', 'gzip', undefined],
    ['/events', 'gzip', undefined],
  ])('%s goes out as it is for %s, and varies by %s', async (path, accept, vary) => {
    const { coding, headers } = await read(path, accept);
    expect([coding, headers.vary]).toEqual([undefined, vary]);
  });

  it('has the same head where its body is not asked for', async () => {
    const [{ headers: whole }, { headers: head, bytes }] = [
      await read('/list', 'br'),
      await read('/list', 'br', 'HEAD'),
    ];
    expect(bytes).toBe(0);
    for (const name of ['content-encoding', 'content-length', 'vary', 'content-type'])
      expect(head[name]).toBe(whole[name]);
  });

  it('keeps its weak ETag, gives up a strong one, and says at a 304 what it varies by', async () => {
    expect((await read('/versioned', 'gzip')).headers.etag).toBe('W/"7"');
    expect((await read('/tagged', 'gzip')).headers).toMatchObject({
      etag: 'W/"strong"',
      vary: 'accept, accept-encoding',
    });
    expect((await read('/tagged')).headers.etag).toBe('"strong"');
    expect((await read('/same', 'gzip')).headers).toMatchObject({ etag: 'W/"1"', vary: 'accept-encoding' });
  });

  it('tells how much smaller it has become', async () => {
    const [count, sum] = [await ratioOf('br', 'count'), await ratioOf('br', 'sum')];
    const { bytes } = await read('/list', 'br');
    expect(await ratioOf('br', 'count')).toBe(count + 1);
    expect((await ratioOf('br', 'sum')) - sum).toBeCloseTo(bytes / LIST.length, 5);
  });

  it('takes less work, and is longer for it, while there is more to do than can be done', async () => {
    // Of zstd the next level is no longer, but quicker.
    const codings = ['gzip', 'br'];
    const sizes = async () => Promise.all(codings.map(async (coding) => (await read('/varied', coding)).bytes));
    expect(await lowered()).toBe(0);
    const full = await sizes();
    late_ms = 40;
    await expect.poll(lowered, { timeout: 10_000 }).toBe(1);
    const low = await sizes();
    expect(low.map((bytes, at) => bytes > (full[at] as number))).toEqual(codings.map(() => true));
    // And comes back by itself.
    late_ms = 0;
    await expect.poll(lowered, { timeout: 10_000 }).toBe(0);
    expect(await sizes()).toEqual(full);
  }, 30_000);

  it('that is kept is compressed once in each coding', async () => {
    keepCompressed(KEPT);
    const before = await countOf('zstd');
    const answers = [await read('/kept', 'zstd'), await read('/kept', 'zstd'), await read('/kept', 'zstd')];
    expect(answers.map(({ text }) => text)).toEqual([LIST, LIST, LIST]);
    expect(await countOf('zstd')).toBe(before + 1);
  });
});

it.each([
  ['/secret', 'GET'],
  ['/login', 'POST'],
  ['/refused', 'GET'],
])('%s is never compressed: a secret or what was sent may be in it (BREACH)', async (path, method) => {
  expect(await read(path, 'gzip, br, zstd', method)).toMatchObject({ coding: undefined, text: LIST });
});

it("compresses a bulk's answer", async () => {
  expect(await read('/bulk', 'gzip', 'POST')).toMatchObject({ coding: 'gzip', text: LIST });
});

describe('a stream', () => {
  it.each([['gzip'], ['br'], ['zstd']])('is compressed in %s while it is sent', async (coding) => {
    const answer = await read('/lines', coding);
    expect(answer.coding).toBe(coding);
    expect(answer.text.split('\n')).toHaveLength(5_001);
    expect(1 - answer.bytes / answer.text.length).toBeGreaterThan(0.4);
  });

  it.each([['gzip'], ['br'], ['zstd']])(
    'that breaks before anything was sent is a problem, and plain (%s)',
    async (coding) => {
      const { headers, text } = await read('/broken', coding);
      expect(headers).toMatchObject({ 'content-type': 'application/problem+json' });
      expect(headers).not.toHaveProperty('content-encoding');
      expect(headers).not.toHaveProperty('content-disposition');
      expect(JSON.parse(text)).toMatchObject({ status: 500, code: 'internal' });
    },
  );

  it('waits for a reader that does not read, and ends with one that goes', async () => {
    const answer = await get('/endless', 'gzip');
    let before = -1;
    const still = async (): Promise<boolean> => {
      const now = produced;
      await new Promise((resolve) => setTimeout(resolve, 50));
      before = produced;
      return now === before;
    };
    await expect.poll(still, { timeout: 10_000 }).toBe(true);
    answer.destroy();
    await ended;
    expect(produced).toBeGreaterThan(0);
  }, 30_000);
});

const countOf = (coding: string) => valueOf(`${METRICS.compressionSeconds}_count{encoding="${coding}"}`);
const ratioOf = (coding: string, of: 'count' | 'sum') =>
  valueOf(`${METRICS.compressionRatio}_${of}{encoding="${coding}"}`);
const lowered = () => valueOf(METRICS.compressionLowered);

async function valueOf(metric: string): Promise<number> {
  const { body } = await renderMetrics();
  const line = body.split('\n').find((one) => one.startsWith(`${metric} `));
  return Number(line?.split(' ').at(-1) ?? 0);
}
