import 'reflect-metadata';
import { Controller, Get, Module, UseGuards, UseInterceptors } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { currentDeadline, DEADLINE_HEADER, timeLeft_ms } from '@payflow/resilience';
import { DATABASE, ProblemFilter } from '@payflow/service';
import { configureLogging, renderMetrics } from '@payflow/telemetry';
import { until } from '@payflow/testing';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { ForwardedReads, ReadPriority } from './forwarded-reads.js';
import { INTERNAL_SECRET, InternalGuard, internalHeaders } from './internal.guard.js';

configureLogging({ level: 'silent' });

const SECRET = 's'.repeat(32);
let begun: string[] = [];
let free: () => void;

@Controller('books')
@UseGuards(InternalGuard)
@UseInterceptors(ForwardedReads)
class Books {
  @Get('slow')
  async slow(): Promise<object> {
    begun.push('slow');
    await new Promise<void>((resolve) => (free = resolve));
    return {};
  }

  @Get('report')
  report(): object {
    begun.push('report');
    return { left_ms: timeLeft_ms(currentDeadline() ?? 0) };
  }

  @Get('balance')
  @ReadPriority(1)
  balance(): object {
    begun.push('balance');
    return {};
  }
}

@Module({
  controllers: [Books],
  providers: [
    { provide: INTERNAL_SECRET, useValue: SECRET },
    // One connection for reads, beside another that is not theirs.
    {
      provide: DATABASE,
      useValue: { pools: () => ['api', 'consumers'].map((purpose) => ({ purpose, max: 1 })) },
    },
  ],
})
class Owner {}

let app: NestFastifyApplication;
let base: string;

beforeAll(async () => {
  app = await NestFactory.create<NestFastifyApplication>(Owner, new FastifyAdapter(), { logger: false });
  app.useGlobalFilters(new ProblemFilter());
  await app.listen(0, '127.0.0.1');
  base = await app.getUrl();
});
afterAll(() => app.close());
beforeEach(() => {
  begun = [];
});

const ask = (path: string, headers: Record<string, string> = {}, signal?: AbortSignal) =>
  fetch(`${base}/books/${path}`, {
    headers: { ...internalHeaders(SECRET, 'spec'), ...headers },
    ...(signal ? { signal } : {}),
  });
const within = (ms: number) => ({ [DEADLINE_HEADER]: String(Date.now() + ms) });
const waiting = async (calls: number) =>
  until(`${calls} wait`, async () =>
    (await renderMetrics()).body.includes(`payflow_policy_waiting_calls{policy="forwarded_reads"} ${calls}`),
  );

it('hands the deadline to the read, and refuses what comes after its deadline', async () => {
  const { left_ms } = (await (await ask('report', within(2_000))).json()) as { left_ms: number };
  expect(left_ms).toBeGreaterThan(0);
  expect(left_ms).toBeLessThanOrEqual(2_000);
  begun = [];
  const late = await ask('report', within(-1));
  expect(late.status).toBe(504);
  expect(await late.json()).toMatchObject({ code: 'gateway_timeout' });
  expect(begun).toEqual([]);
});

it('tells a stranger nothing of a deadline', async () => {
  const answer = await fetch(`${base}/books/report`, { headers: within(-1) });
  expect(answer.status).toBe(401);
});

it('answers the small read before the large one that came first', async () => {
  const slow = ask('slow');
  await until('it is at work', () => begun.length === 1);
  const report = ask('report');
  await waiting(1);
  const balance = ask('balance');
  await waiting(2);
  free();
  await Promise.all([slow, report, balance]);
  expect(begun).toEqual(['slow', 'balance', 'report']);
});

it('begins no read whose caller has gone or has stopped waiting', async () => {
  const slow = ask('slow');
  await until('it is at work', () => begun.length === 1);
  const caller = new AbortController();
  const left = ask('report', {}, caller.signal).catch(() => undefined);
  await waiting(1);
  caller.abort();
  await waiting(0);
  expect((await ask('report', within(50))).status).toBe(504);
  free();
  await Promise.all([slow, left]);
  expect((await ask('balance')).status).toBe(200);
  expect(begun).toEqual(['slow', 'balance']);
});
