import { once } from 'node:events';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { configureLogging, renderMetrics } from '@payflow/telemetry';
import { until } from '@payflow/testing';
import fastify, { type FastifyInstance } from 'fastify';
import { afterEach, expect, it } from 'vitest';
import { limitConnections, type AddressLimit } from './connections.js';
import { serverOptions } from './server-options.js';

configureLogging({ level: 'silent' });

/** More than the kernel keeps for a connection whose client does not read. */
const LARGE = 'x'.repeat(16 * 1024 * 1024);
let server: FastifyInstance;
let look: () => void;
let now_ms = 0;
const clients: Socket[] = [];

afterEach(async () => {
  for (const client of clients.splice(0)) client.destroy();
  await server.close();
});

async function start(connections_max: number, perAddress?: AddressLimit): Promise<void> {
  server = fastify(serverOptions()) as unknown as FastifyInstance;
  server.get('/large', () => LARGE);
  server.get('/small', () => 'ok');
  look = limitConnections(server.server, {
    connections_max,
    clock: () => now_ms,
    ...(perAddress ? { perAddress } : {}),
  });
  await server.listen({ port: 0, host: '127.0.0.1' });
}

async function connected(localAddress = '127.0.0.1'): Promise<Socket> {
  const { port } = server.server.address() as AddressInfo;
  const client = connect({ port, host: '127.0.0.1', localAddress });
  client.on('error', () => undefined);
  clients.push(client);
  await once(client, 'connect');
  return client;
}

const count = () => new Promise<number>((resolve) => server.server.getConnections((_, open) => resolve(open)));

it('takes so many connections, and closes one more as it comes', async () => {
  await start(2);
  const [first] = [await connected(), await connected()];
  const third = await connected();
  await once(third, 'close');
  first?.destroy();
  await until('there is room again', async () => (await count()) < 2);
  const fourth = await connected();
  fourth.write('GET /small HTTP/1.1\r\nhost: a\r\n\r\n');
  await once(fourth, 'data');
});

it('takes so many connections of one address, and others of the next', async () => {
  const ended = async (): Promise<number> => {
    const { body } = await renderMetrics();
    return Number(/_ended_total\{reason="too_many_of_address"\} (\d+)/.exec(body)?.[1] ?? 0);
  };
  const before = await ended();
  await start(10, {
    connections_max: 2,
    subjectOf: (address) => (address === '127.0.0.9' ? undefined : address),
  });
  const served = async (client: Socket): Promise<void> => {
    client.write('GET /small HTTP/1.1\r\nhost: a\r\n\r\n');
    await once(client, 'data');
  };
  const [first] = [await connected(), await connected()];
  const third = await connected();
  await once(third, 'close');
  expect((await ended()) - before).toBe(1);
  await served(await connected('127.0.0.2'));
  // Of one that stands for many as many as come.
  for (let at = 0; at < 4; at++) await served(await connected('127.0.0.9'));
  expect(await count()).toBe(7);
  first?.destroy();
  await until('there is room for the address again', async () => (await count()) === 6);
  await served(await connected());
  expect((await ended()) - before).toBe(1);
});

it('ends a connection whose answer is not taken, and no other', async () => {
  await start(10);
  const idle = await connected();
  const [reader, silent] = [await connected(), await connected()];
  let taken = 0;
  reader.on('data', (chunk) => (taken += chunk.length));
  silent.pause();
  for (const client of [reader, silent]) client.write('GET /large HTTP/1.1\r\nhost: a\r\n\r\n');
  await until('the reader has everything', () => taken > LARGE.length);
  for (const at of [0, 59_999]) {
    now_ms = at;
    look();
    expect(await count()).toBe(3);
  }
  now_ms = 60_000;
  look();
  await until('the silent one is gone', async () => (await count()) === 2);
  idle.write('GET /small HTTP/1.1\r\nhost: a\r\n\r\n');
  await once(idle, 'data');
});

it('lets a slow reader go on that reads', async () => {
  await start(10);
  const slow = await connected();
  let taken = 0;
  slow.write('GET /large HTTP/1.1\r\nhost: a\r\n\r\n');
  await once(slow, 'readable');
  for (now_ms = 0; now_ms < 130_000; now_ms += 10_000) {
    look();
    for (const wanted = taken + 1024 * 1024; taken < wanted;) {
      const chunk = slow.read() as Buffer | null;
      if (chunk) taken += chunk.length;
      else await once(slow, 'readable');
    }
  }
  expect(await count()).toBe(1);
});

it('says in its options what a head, a body and silence may last', async () => {
  await start(10);
  const { headersTimeout, requestTimeout, keepAliveTimeout, timeout, maxRequestsPerSocket } = server.server;
  expect({ headersTimeout, requestTimeout, keepAliveTimeout, timeout, maxRequestsPerSocket }).toEqual({
    headersTimeout: 5_000,
    requestTimeout: 10_000,
    keepAliveTimeout: 72_000,
    timeout: 60_000,
    maxRequestsPerSocket: 100_000,
  });
});
