import { context, ROOT_CONTEXT, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { configureLogging, logger } from './logger.js';

let lines: string[] = [];
const log = logger('spec');

beforeAll(() => {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  configureLogging({ service: 'gateway', level: 'info', stream: { write: (line: string) => void lines.push(line) } });
});
beforeEach(() => (lines = []));
afterAll(() => context.disable());

const last = (): Record<string, unknown> => JSON.parse(lines.at(-1) ?? '{}') as Record<string, unknown>;

it('writes one line of JSON with service, component, level, time and fields', () => {
  log.info({ request_id: 'r-1' }, 'accepted');
  expect(last()).toMatchObject({
    service: 'gateway',
    component: 'spec',
    level: 'info',
    request_id: 'r-1',
    msg: 'accepted',
  });
  expect(last()['time']).toMatch(/^\d{4}-.*Z$/);
});

it('names the trace and span that are active', () => {
  const spanContext = { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331', traceFlags: 1 };
  context.with(trace.setSpanContext(ROOT_CONTEXT, spanContext), () => log.info('inside'));
  expect(last()).toMatchObject({ trace_id: spanContext.traceId, span_id: spanContext.spanId });
});

it('writes errors with their stack and without their secrets', () => {
  log.error({ err: new Error('connect postgres://app:hunter2@db failed') }, 'failed');
  expect(lines.at(-1)).not.toContain('hunter2');
  expect(last()['err']).toMatchObject({ type: 'Error' });
});

it('is silent below its level, which can change at any time', () => {
  log.debug('not yet');
  expect(lines).toEqual([]);
  expect(log.isDebug()).toBe(false);
  configureLogging({ level: 'debug' });
  log.debug('now');
  expect(last()['msg']).toBe('now');
});
