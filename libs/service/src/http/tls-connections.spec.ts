import { once } from 'node:events';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { configureLogging, renderMetrics } from '@payflow/telemetry';
import { selfSigned, until } from '@payflow/testing';
import fastify, { type FastifyInstance } from 'fastify';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { limitConnections } from './connections.js';
import { serverOptions } from './server-options.js';

configureLogging({ level: 'silent' });

/** More than the kernel keeps for a connection whose client does not read. */
const LARGE = 'x'.repeat(16 * 1024 * 1024);
const { key, certificate: cert } = selfSigned();
const clients: Socket[] = [];
let server: FastifyInstance;
let look: () => void;
let now_ms = 0;

beforeAll(async () => {
  server = fastify(serverOptions(undefined, { key, cert })) as unknown as FastifyInstance;
  server.get('/large', () => LARGE);
  look = limitConnections(server.server, { connections_max: 10, clock: () => now_ms });
  await server.listen({ port: 0, host: '127.0.0.1' });
});
afterAll(async () => {
  for (const client of clients) client.destroy();
  await server.close();
});

function mine(client: Socket): Socket {
  client.on('error', () => undefined);
  clients.push(client);
  return client;
}

async function connected(): Promise<Socket> {
  const { port } = server.server.address() as AddressInfo;
  const client = mine(connect({ port, host: '127.0.0.1' }));
  await once(client, 'connect');
  return client;
}

async function secured(): Promise<Socket> {
  const client = mine(connectTls({ socket: await connected(), ca: cert, servername: 'localhost' }));
  await once(client, 'secureConnect');
  return client;
}

const count = () => new Promise<number>((resolve) => server.server.getConnections((_, open) => resolve(open)));
async function told(): Promise<number> {
  const { body } = await renderMetrics();
  return Number(/_http_connections\{state="open"\} (\d+)/.exec(body)?.[1]);
}

it('tells of each connection once, also of one that has not begun its handshake, and ends one that does not read', async () => {
  const [silent, idle] = [await secured(), await secured()];
  const waiting = await connected();
  await until('all are there', async () => (await count()) === 3);
  expect(await told()).toBe(3);
  waiting.destroy();
  await until('one has gone', async () => (await told()) === 2);
  silent.pause();
  silent.write('GET /large HTTP/1.1\r\nhost: a\r\n\r\n');
  await until('the one that does not read is ended', async () => {
    look();
    now_ms += 60_000;
    return (await count()) === 1;
  });
  expect(idle.destroyed).toBe(false);
  await until('one is told', async () => (await told()) === 1);
});
