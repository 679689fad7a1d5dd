import { Controller, Get, Injectable, Module } from '@nestjs/common';
import { Messaging } from '@payflow/messaging';
import { configureLogging } from '@payflow/telemetry';
import { until } from '@payflow/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import {
  commonFields,
  defineConfiguration,
  Health,
  Problem,
  readConfiguration,
  startService,
  type RunningService,
} from './index.js';

@Controller('things')
class Things {
  @Get(':id')
  one(): never {
    throw new Problem('not_found');
  }
  @Get()
  broken(): never {
    throw new Error('secret detail');
  }
}

const silentMessaging = { close: async () => undefined, subscribe: async () => undefined };

@Module({ controllers: [Things], providers: [{ provide: Messaging, useValue: silentMessaging }] })
class TestModule {}

const configuration = defineConfiguration('gateway', commonFields({ port: 0, database: 'test' }));
let running: RunningService;
let base: string;

beforeAll(async () => {
  const config = readConfiguration(configuration, {
    NODE_ENV: 'test',
    OTEL_TRACES_EXPORTER: 'none',
    LOG_LEVEL: 'silent',
    PORT: '0',
  });
  running = await startService({ configuration, module: () => ({ module: TestModule }) }, config);
  configureLogging({ level: 'silent' });
  base = await running.app.getUrl();
});
afterAll(() => running.stop());

it('answers the probes and the metrics', async () => {
  const health = await fetch(`${base}/health`);
  expect(health.status).toBe(200);
  expect(await health.json()).toEqual({ status: 'ready', service: 'gateway', checks: [], breakers: {} });
  expect((await fetch(`${base}/livez`)).status).toBe(200);
  expect((await fetch(`${base}/startupz`)).status).toBe(200);
  expect(await (await fetch(`${base}/metrics`)).text()).toContain('process_cpu_seconds_total');
});

it('is unavailable while a required check is down', async () => {
  const health = running.app.get(Health);
  let well = false;
  health.register({
    name: 'postgres',
    level: 'required',
    run: () => (well ? undefined : Promise.reject(new Error('host x'))),
  });
  const later = performance.now() + 2_000;
  expect(await health.report(later)).toMatchObject({
    status: 'unavailable',
    checks: [{ name: 'postgres', status: 'down', reason: 'Error' }],
  });
  well = true;
  expect(await health.report(later + 500)).toMatchObject({ status: 'unavailable' });
  expect(await health.report(later + 1_500)).toMatchObject({ status: 'ready' });
});

it('keeps the request id and the trace of the caller', async () => {
  const traceId = '0af7651916cd43dd8448eb211c80319c';
  const answer = await fetch(`${base}/things/7`, {
    headers: { 'request-id': 'r-1', traceparent: `00-${traceId}-b7ad6b7169203331-01` },
  });
  expect(answer.status).toBe(404);
  expect(answer.headers.get('content-type')).toBe('application/problem+json');
  expect(answer.headers.get('request-id')).toBe('r-1');
  expect(answer.headers.get('traceparent')).toContain(traceId);
  expect(await answer.json()).toMatchObject({
    code: 'not_found',
    status: 404,
    request_id: 'r-1',
    trace_id: traceId,
    instance: '/things/7',
  });
});

it('makes a request id where the caller gave none, nonsense, or what may be a card number', async () => {
  for (const given of ['a b', '4111111111111111', '4111-1111-1111-1111']) {
    const answer = await fetch(`${base}/things/7`, { headers: { 'request-id': given } });
    expect(answer.headers.get('request-id')).toMatch(/^req_[0-9a-f-]{36}$/);
  }
});

it('tells the request id of what no route ever saw', async () => {
  for (const address of ['/things/%zz', `/things/${'x'.repeat(300)}`]) {
    const answer = await fetch(`${base}${address}`, { headers: { 'request-id': 'r-2' } });
    expect([400, 414]).toContain(answer.status);
    expect(answer.headers.get('request-id')).toBe('r-2');
    expect(await answer.json()).toMatchObject({ request_id: 'r-2' });
  }
});

it('tells nothing of an error that nobody foresaw', async () => {
  const answer = await fetch(`${base}/things`);
  expect(answer.status).toBe(500);
  expect(await answer.text()).not.toContain('secret detail');
});

it('answers unknown paths, other methods and bad URLs with problems', async () => {
  expect(await codeOf(fetch(`${base}/nowhere`))).toBe('404 not_found');
  const other = await fetch(`${base}/things/7`, { method: 'DELETE' });
  expect(`${other.status} ${other.headers.get('allow')}`).toBe('405 GET, HEAD');
  expect(await codeOf(fetch(`${base}/things/%zz`))).toBe('400 invalid_parameter');
  expect((await fetch(`${base}/things/7`, { method: 'HEAD' })).status).toBe(404);
});

async function codeOf(request: Promise<Response>): Promise<string> {
  const answer = await request;
  return `${answer.status} ${((await answer.json()) as { code: string }).code}`;
}

@Injectable()
class CheckThatCannotBeAsked {
  constructor(health: Health) {
    health.register({
      get name(): string {
        throw new Error('a check without a name');
      },
      level: 'required',
      run: () => undefined,
    });
  }
}

@Module({ providers: [CheckThatCannotBeAsked, { provide: Messaging, useValue: silentMessaging }] })
class UnreadyModule {}

it('runs on where it cannot be told whether it is ready, and says so', async () => {
  const lines: string[] = [];
  configureLogging({ stream: { write: (line) => void lines.push(line) } });
  const config = readConfiguration(configuration, {
    NODE_ENV: 'test',
    OTEL_TRACES_EXPORTER: 'none',
    LOG_LEVEL: 'warn',
    PORT: '0',
  });
  const unready = await startService({ configuration, module: () => ({ module: UnreadyModule }) }, config);
  await until('the failure is told', () =>
    lines.some((line) => /a check without a name.*what follows the start did not end well/.test(line)),
  );
  configureLogging({ level: 'silent' });
  expect((await fetch(`${await unready.app.getUrl()}/livez`)).status).toBe(200);
  await unready.stop();
});
