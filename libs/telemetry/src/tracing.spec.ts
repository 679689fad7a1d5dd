import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { context, propagation, trace } from '@opentelemetry/api';
import { afterEach, expect, it } from 'vitest';
import { configureLogging } from './logger.js';
import { activeTraceId, extractTraceContext, traceparentOf } from './trace-context.js';
import { startTelemetry, type TelemetryOptions } from './tracing.js';

const PARENT = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

afterEach(() => {
  trace.disable();
  context.disable();
  propagation.disable();
});

async function collector(): Promise<{ server: Server; url: string; paths: string[]; bodies: Buffer[] }> {
  const paths: string[] = [];
  const bodies: Buffer[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      paths.push(request.url ?? '');
      bodies.push(Buffer.concat(chunks));
      response.end('{}');
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { server, paths, bodies, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

function spanUnder(parent: string, options: Omit<TelemetryOptions, 'service'>) {
  const telemetry = startTelemetry({ service: 'spec', ...options });
  const span = trace.getTracer('spec').startSpan('work', {}, extractTraceContext(parent));
  return { telemetry, span };
}

it('sends spans as OTLP/HTTP, in the trace of the caller', async () => {
  const { server, url, paths, bodies } = await collector();
  const { telemetry, span } = spanUnder(PARENT, { endpoint: url });
  span.end();
  await telemetry.shutdown();
  server.close();
  expect(paths).toEqual(['/v1/traces']);
  expect(Buffer.concat(bodies).toString()).toContain('0af7651916cd43dd8448eb211c80319c');
});

it('sends spans with the Jaeger exporter when asked to', async () => {
  const { server, url, paths } = await collector();
  const { telemetry, span } = spanUnder(PARENT, { exporter: 'jaeger', endpoint: `${url}/api/traces` });
  span.end();
  await telemetry.shutdown();
  server.close();
  expect(paths[0]).toMatch(/^\/api\/traces/);
});

it('records nothing without an exporter, and the trace id travels on', async () => {
  const { telemetry, span } = spanUnder(PARENT, { exporter: 'none' });
  expect(span.isRecording()).toBe(false);
  expect(traceparentOf(span)).toContain('0af7651916cd43dd8448eb211c80319c');
  await context.with(trace.setSpan(context.active(), span), async () => {
    await Promise.resolve();
    expect(activeTraceId()).toBe('0af7651916cd43dd8448eb211c80319c');
  });
  await telemetry.shutdown();
});

it('tells of a dead collector once and stops all the same', async () => {
  const lines: string[] = [];
  configureLogging({ level: 'warn', stream: { write: (line: string) => void lines.push(line) } });
  const { telemetry, span } = spanUnder(PARENT, { endpoint: 'http://127.0.0.1:9' });
  span.end();
  for (let i = 0; i < 20_000; i++) trace.getTracer('spec').startSpan('more').end();
  const start = performance.now();
  await telemetry.shutdown();
  expect(performance.now() - start).toBeLessThan(4_000);
  expect(lines.length).toBeLessThanOrEqual(1);
});

it.each([
  '',
  'nonsense',
  '00-00000000000000000000000000000000-b7ad6b7169203331-01',
  'ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
])('begins a new trace under a malformed traceparent (%s)', (traceparent) => {
  expect(trace.getSpanContext(extractTraceContext(traceparent))).toBeUndefined();
});
