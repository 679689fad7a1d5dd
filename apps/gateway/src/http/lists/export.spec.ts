import type { Readable } from 'node:stream';
import { PoolExhausted } from '@payflow/database';
import { Refused } from '@payflow/resilience';
import { Problem } from '@payflow/service';
import { renderMetrics } from '@payflow/telemetry';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { afterEach, expect, it, vi } from 'vitest';
import { patience, sendAll } from './export.js';
import { ExportPlaces } from './export-places.js';

afterEach(() => void vi.useRealTimers());

const REQUEST = { method: 'GET', raw: { httpVersion: '1.1' } } as FastifyRequest;

const told = async (outcome: string, list = 'stalled_things') =>
  (await renderMetrics()).body.includes(`{list="${list}",form="ndjson",outcome="${outcome}"}`);

it('an export of which nothing is taken for a minute is told as stalled, not as broken by an error', async () => {
  let sent: Readable | undefined;
  const reply = { status: () => reply, headers: () => reply, send: (stream: Readable) => void (sent = stream) };
  async function* pages(): AsyncGenerator<readonly object[], void> {
    for (;;) yield [{}];
  }
  const write = (): string => 'x'.repeat(100_000);
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  await sendAll(REQUEST, reply as unknown as FastifyReply, {
    ...{ form: 'ndjson', name: 'stalled_things', pages: pages(), write },
  });
  const stream = sent as Readable;
  const closed = new Promise<void>((resolve) => stream.on('error', () => undefined).once('close', resolve));
  // As much as it holds, and no more.
  stream.once('readable', () => stream.read(1));
  await vi.advanceTimersByTimeAsync(1_000);
  await vi.advanceTimersByTimeAsync(60_000);
  await closed;
  expect([await told('stalled'), await told('broken')]).toEqual([true, false]);
});

it('an export that is taken slowly ends where its place is needed, and is told as stalled; one that is taken goes on', async () => {
  const time = { now_ms: 0 };
  const places = new ExportPlaces({ places_max: 4, slow_ms: 10, clock: () => time.now_ms });
  async function* pages(): AsyncGenerator<readonly object[], void> {
    for (;;) yield [{}];
  }
  const write = (): string => 'x'.repeat(100_000);
  const sent: Readable[] = [];
  const reply = { status: () => reply, headers: () => reply, send: (stream: Readable) => void sent.push(stream) };
  const begin = async (): Promise<Readable> => {
    const of = { form: 'ndjson', name: 'slow_things', pages: pages(), write } as const;
    await sendAll(REQUEST, reply as unknown as FastifyReply, of, places);
    const stream = sent.at(-1) as Readable;
    stream.on('error', () => undefined);
    // Until it holds as much as it can.
    await new Promise<void>((resolve) => stream.once('readable', resolve));
    return stream;
  };
  const [slow, quick] = [await begin(), await begin()];
  const closed = new Promise<void>((resolve) => slow.once('close', resolve));
  places.enter('b');
  places.enter('c');
  time.now_ms = 11;
  // The last of a page is taken, and the next one given.
  while (quick.read() !== null);
  await new Promise<void>((resolve) => quick.once('readable', resolve));
  expect(() => places.enter('d')).not.toThrow();
  await closed;
  expect([await told('stalled', 'slow_things'), await told('gone', 'slow_things'), quick.destroyed]).toEqual([
    ...[true, false, false],
  ]);
  expect(() => places.enter('e')).toThrow();
  quick.destroy();
  await new Promise<void>((resolve) => quick.once('close', resolve));
});

const withCode = (code: string) => Object.assign(new Error(code), { code });

it.each([
  ['a backend that was ended', 'the page', withCode('57P01')],
  ['a server that starts', 'the page', withCode('57P03')],
  ['no server', 'the page', withCode('ECONNREFUSED')],
  ['a connection that broke', 'the page', new Error('Connection terminated unexpectedly')],
  ['a breaker that is open', 'the page', new Refused('database', 'breaker_open', 1_000)],
  ['no free connection', 'the page', new PoolExhausted('reports', 800, 4)],
  ['no turn', 'the page', new Problem('unavailable')],
  ['a statement whose time was up', '57014', withCode('57014')],
  ['what is not there any more', 'not_found', new Problem('not_found')],
])('an export that meets %s for a moment ends with %s', async (_what, ends, error) => {
  vi.useFakeTimers();
  const errors = [error, error, error];
  const page = patience.run(() => {
    const lost = errors.pop();
    return lost ? Promise.reject(lost) : Promise.resolve('the page');
  });
  const told = page.catch((thrown: { code: string }) => thrown.code);
  await vi.runAllTimersAsync();
  expect(await told).toBe(ends);
});
