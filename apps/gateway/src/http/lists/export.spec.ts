import type { Readable } from 'node:stream';
import { renderMetrics } from '@payflow/telemetry';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { afterEach, expect, it, vi } from 'vitest';
import { sendAll } from './export.js';

afterEach(() => void vi.useRealTimers());

const told = async (outcome: string) =>
  (await renderMetrics()).body.includes(`{list="stalled_things",form="ndjson",outcome="${outcome}"}`);

it('an export of which nothing is taken for a minute is told as stalled, not as broken by an error', async () => {
  let sent: Readable | undefined;
  const reply = { status: () => reply, headers: () => reply, send: (stream: Readable) => void (sent = stream) };
  async function* pages(): AsyncGenerator<readonly object[], void> {
    for (;;) yield [{}];
  }
  const write = (): string => 'x'.repeat(100_000);
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  await sendAll({ method: 'GET' } as FastifyRequest, reply as unknown as FastifyReply, {
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
