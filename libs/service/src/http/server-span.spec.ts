import { context, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import fastify, { type FastifyInstance } from 'fastify';
import { afterEach, beforeAll, expect, it } from 'vitest';
import { traceRequests } from './server-span.js';

const TRACEPARENT = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
const health = { draining: false };

let server: FastifyInstance;
beforeAll(() => context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable()));
afterEach(() => server.close());

/** What the spans of a request with this `tracestate` have of it. */
async function keptOf(tracestate: string): Promise<string | undefined> {
  const state = () => trace.getSpanContext(context.active())?.traceState?.serialize();
  server.get('/', () => ({ state: state() }));
  const answer = await server.inject({ url: '/', headers: { traceparent: TRACEPARENT, tracestate } });
  return answer.json<{ state?: string }>().state;
}

it('keeps the state of the caller', async () => {
  server = fastify();
  traceRequests(server, health);
  expect(await keptOf('a=1,b=2')).toBe('a=1,b=2');
});

it('drops a state that may not be kept', async () => {
  server = fastify();
  traceRequests(server, health, (name) => !name.includes('secret'));
  expect(await keptOf('a=secret')).toBeUndefined();
});
