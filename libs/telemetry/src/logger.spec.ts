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

const VALUE = 'value-of-a-customer';
const because = (message: string, members: object): Error => Object.assign(new Error(message), members);
const command = { name: 'set', args: ['key', VALUE] };
const row = `Failing row contains (${VALUE})`;

it.each([
  ['ioredis', because('READONLY', { command })],
  ['its transactions', because('EXECABORT', { previousErrors: [because('READONLY', { command })] })],
  ['its clusters', because('Failed', { lastNodeError: because('READONLY', { command }) })],
  ['its parser', because('Protocol error', { offset: 3, buffer: Buffer.from(VALUE) })],
  ['PostgreSQL', because('violates check', { code: '23514', detail: row, where: row, internalQuery: row })],
  ['TypeORM', because('failed', { parameters: [VALUE], driverError: because('failed', { detail: row }) })],
  ['many at once', new AggregateError([because('violates check', { detail: row })], 'all failed')],
  ['a cause', new Error('not saved', { cause: because('violates check', { detail: row }) })],
  ['a cause that can be listed', because('not saved', { cause: because('violates check', { detail: row }) })],
  ['options', because('not saved', { options: { cause: because('violates check', { detail: row }) } })],
  ['what is no error', { reason: because('violates check', { command, detail: row }) }],
])('tells no values with an error of %s', (_what, err) => {
  log.error({ err }, 'failed');
  expect(lines.at(-1)).not.toMatch(/value-of-a-customer|"data":\[/);
});

it('tells what an error is: its code, its constraint, the command by name, those within it', () => {
  const inner = because('READONLY', { command });
  log.error({ err: because('outer', { code: '23514', constraint: 'c', command, errors: [inner], inner }) }, 'failed');
  const told = { type: 'Error', message: 'READONLY', command: 'set' };
  expect(last()['err']).toMatchObject({
    type: 'Error',
    message: 'outer',
    stack: expect.stringContaining('logger.spec') as string,
    code: '23514',
    constraint: 'c',
    command: 'set',
    aggregateErrors: [told],
    inner: told,
  });
});

it('tells the messages of all causes, and ends where they go in a circle', () => {
  const first = because('first', { times: 3 });
  const second = new Error('second', { cause: first });
  Object.assign(first, { cause: second, list: [second, { first }] });
  log.error({ err: second }, 'failed');
  expect(last()['err']).toMatchObject({ message: expect.stringMatching(/^second: first/) as string });
});

it.each(['thrown text', 7, null, undefined])('tells what was thrown and is no error (%j)', (err) => {
  log.error({ err }, 'failed');
  expect(last()).toMatchObject({ msg: 'failed', ...(err === undefined ? {} : { err }) });
});

it('is silent below its level, which can change at any time', () => {
  log.debug('not yet');
  expect(lines).toEqual([]);
  expect(log.isDebug()).toBe(false);
  configureLogging({ level: 'debug' });
  log.debug('now');
  expect(last()['msg']).toBe('now');
});
