import { request } from 'node:http';
import { PassThrough } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import Fastify, { type FastifyInstance, type InjectOptions, type LightMyRequestResponse } from 'fastify';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Admission, admitRequests, turnAwayAtDoor } from './admission.js';

const CSV = { accept: 'text/csv' };
/** What counts as many at work, or a late loop would not be for their number. */
const MANY = 16;

let fastify: FastifyInstance;
let passed: string[];
let received: number;
let held: (() => void)[];
let loop: { now_ms: number; look: () => number; close: () => void };

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] });
  passed = [];
  received = 0;
  held = [];
  loop = { now_ms: 0, look: () => loop.now_ms, close: () => undefined };
});
afterEach(async () => {
  for (const release of held) release();
  await fastify.close();
  vi.useRealTimers();
});

/** A server whose routes hold their workers until they are released, and which notes who passed the door. */
function serve(options: { MAX_WORKERS: number; MAX_QUEUE_SIZE: number }): void {
  const admission = new Admission({ ...options, loop });
  fastify = Fastify();
  turnAwayAtDoor(fastify, admission);
  fastify.addHook('onRequest', (request, _reply, done) => {
    passed.push(`${request.method} ${request.url}`);
    done();
  });
  fastify.addHook('preHandler', (_request, _reply, done) => {
    received++;
    done();
  });
  admitRequests(fastify, admission);
  const hold = () => new Promise<object>((resolve) => held.push(() => resolve({})));
  fastify.get('/api/v1/things', hold);
  fastify.post('/api/v1/things', hold);
  fastify.post('/api/v1/things/capture', { config: { traffic: 'critical' } }, hold);
  fastify.get('/livez', () => ({}));
}

// What `inject` gives is asked for only when somebody waits for it.
const inject = async (options: InjectOptions): Promise<LightMyRequestResponse> => await fastify.inject(options);
const get = (url = '/api/v1/things', headers = {}) => inject({ method: 'GET', url, headers });
const post = (url = '/api/v1/things') => inject({ method: 'POST', url, payload: {} });

/** Turns of the event loop go by, and no time: `vi.waitUntil` would move the clock. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await turn();
}

async function begun(count: number): Promise<void> {
  await until(() => held.length === count);
}

/** So many at work, and a loop that is late by so much. */
async function late(at_work: number, late_ms: number): Promise<void> {
  serve({ MAX_WORKERS: 100, MAX_QUEUE_SIZE: 10 });
  for (let at = 0; at < at_work; at++) void get();
  await begun(at_work);
  loop.now_ms = late_ms;
}

async function statuses(): Promise<Record<string, number>> {
  const seen: Record<string, number> = {};
  const asks = { export: () => get('/api/v1/things', CSV), read: () => get(), write: () => post() };
  for (const [name, ask] of Object.entries({ ...asks, critical: () => post('/api/v1/things/capture') })) {
    const before = held.length;
    let answer: LightMyRequestResponse | undefined;
    void ask().then((came) => (answer = came));
    await until(() => answer !== undefined || held.length > before);
    seen[name] = answer?.statusCode ?? 200;
  }
  return seen;
}

describe('an event loop that is late', () => {
  it.each([
    [50, { export: 200, read: 200, write: 200, critical: 200 }],
    [61, { export: 503, read: 200, write: 200, critical: 200 }],
    [121, { export: 503, read: 503, write: 200, critical: 200 }],
    [251, { export: 503, read: 503, write: 503, critical: 200 }],
    [10_000, { export: 503, read: 503, write: 503, critical: 200 }],
  ])('by %i ms begins what matters most, and tells the others so at the door', async (late_ms, expected) => {
    await late(MANY, late_ms);
    passed.length = 0;
    expect(await statuses()).toEqual(expected);
    expect(passed).toHaveLength(Object.values(expected).filter((status) => status === 200).length);
  });

  it('tells an export by what is wanted, wherever in the header that stands', async () => {
    await late(MANY, 61);
    const statusFor = async (accept: string) => (await get('/api/v1/things', { accept })).statusCode;
    expect(await Promise.all(['application/xml, text/csv', ', application/x-ndjson'].map(statusFor))).toEqual([
      503, 503,
    ]);
    expect(passed.filter((one) => one.startsWith('GET /api/v1/things'))).toHaveLength(MANY);
  });

  it('while few are at work is not for their number: nobody is sent away', async () => {
    await late(MANY - 1, 10_000);
    expect((await statuses())['export']).toBe(200);
  });

  it('lets everybody in again once it is not', async () => {
    await late(MANY, 10_000);
    expect((await statuses())['write']).toBe(503);
    loop.now_ms = 0;
    expect(await statuses()).toEqual({ export: 200, read: 200, write: 200, critical: 200 });
  });

  it('makes fewer workers of many, ten times a second, and gives them back', async () => {
    serve({ MAX_WORKERS: 20, MAX_QUEUE_SIZE: 10 });
    loop.now_ms = 100;
    vi.advanceTimersByTime(100);
    for (let at = 0; at < 20; at++) void post();
    await begun(18);
    loop.now_ms = 0;
    vi.advanceTimersByTime(200);
    await begun(20);
  });
});

describe('a queue', () => {
  it('sends away who has waited too long, and whoever comes after them before it is known who they are', async () => {
    serve({ MAX_WORKERS: 1, MAX_QUEUE_SIZE: 10 });
    void post();
    await begun(1);
    const asked = [post(), get()];
    await until(() => received === 3);
    vi.advanceTimersByTime(300);
    for (const { statusCode, headers } of await Promise.all(asked))
      expect([statusCode, headers['retry-after']]).toEqual([503, expect.stringMatching(/^[12]$/)]);
    passed.length = 0;
    expect((await get()).json()).toMatchObject({ code: 'overloaded', retryable: true });
    expect((await get('/api/v1/things', CSV)).headers['retry-after']).toBe('10');
    expect(passed).toEqual([]);
    const critical = post('/api/v1/things/capture');
    await until(() => received === 4);
    held[0]?.();
    await begun(2);
    held[1]?.();
    expect((await critical).statusCode).toBe(200);
  });

  it('that filled while a body came is told so like any other', async () => {
    serve({ MAX_WORKERS: 1, MAX_QUEUE_SIZE: 1 });
    void post();
    await begun(1);
    // All past the door before any of them is there with its body.
    const [first, ...others] = [post(), post(), post()];
    for (const { statusCode } of await Promise.all(others)) expect(statusCode).toBe(503);
    expect(passed).toHaveLength(4);
    held[0]?.();
    await begun(2);
    held[1]?.();
    expect((await first)?.statusCode).toBe(200);
  });
});

it('probes are nobody that could be sent away', async () => {
  await late(MANY, 10_000);
  expect((await get('/livez')).statusCode).toBe(200);
});

it('a worker is given back of what is streamed to a client that had gone before it began', async () => {
  serve({ MAX_WORKERS: 1, MAX_QUEUE_SIZE: 1 });
  let begin: () => void = () => undefined;
  const gone = new Promise<void>((resolve) =>
    fastify.get('/api/v1/streams', async (_request, reply) => {
      reply.raw.once('close', resolve);
      await new Promise<void>((begins) => (begin = begins));
      return new PassThrough();
    }),
  );
  const address = await fastify.listen({ port: 0 });
  const client = request(`${address}/api/v1/streams`).on('error', () => undefined);
  client.end();
  await until(() => received === 1);
  client.destroy();
  await gone;
  begin();
  void get();
  await begun(1);
});

it('a worker is given back with the answer, and of what is streamed with the end of it', async () => {
  serve({ MAX_WORKERS: 1, MAX_QUEUE_SIZE: 1 });
  const stream = new PassThrough();
  fastify.get('/api/v1/streams', () => stream);
  const [streamed, other] = [get('/api/v1/streams'), get()];
  await until(() => received === 2);
  expect(held).toHaveLength(0);
  stream.end('all of it');
  expect((await streamed).body).toBe('all of it');
  await begun(1);
  held[0]?.();
  expect((await other).statusCode).toBe(200);
});
