import { once } from 'node:events';
import { createServer, type Http2Server, type Http2ServerResponse } from 'node:http2';
import { connect, createServer as createTcpServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { until } from '@payflow/testing';
import { afterEach, expect, it } from 'vitest';
import { CONNECTIONS_MAX, Http2Transport, READS_PER_CONNECTION, type TransportTimes } from './http2.js';
import { Unreachable } from './transport.js';

const TIMES: TransportTimes = { keepAlive_ms: 60_000, connect_ms: 10_000, silence_ms: 2_000, pong_ms: 3_000 };

let owner: Http2Server | undefined;
let transport: Http2Transport | undefined;
const connections: Socket[] = [];
const waiting: Http2ServerResponse[] = [];
/** Answers wait until they are let go. */
let held = false;

afterEach(() => {
  transport?.close();
  for (const connection of connections.splice(0)) connection.destroy();
  owner?.close();
  waiting.length = 0;
  held = false;
});

async function open(times: Partial<TransportTimes> = {}): Promise<void> {
  owner = createServer((_request, response) => void (held ? waiting.push(response) : response.end('{}')));
  owner.on('connection', (connection: Socket) => {
    connections.push(connection);
    connection.on('error', () => undefined);
  });
  owner.listen(0, '127.0.0.1');
  await once(owner, 'listening');
  transport = new Http2Transport(`http://127.0.0.1:${(owner.address() as AddressInfo).port}`, { ...TIMES, ...times });
}

const send = (signal = AbortSignal.timeout(10_000)) =>
  (transport as Http2Transport).send({ path: '/', headers: {}, body: undefined, signal });

it('sends one after the other over one connection', async () => {
  await open();
  for (let at = 0; at < 50; at++) expect((await send()).status).toBe(200);
  expect(connections).toHaveLength(1);
});

it('makes another where the first has enough to do, ten at most, and goes on with them', async () => {
  await open();
  held = true;
  const few = Array.from({ length: READS_PER_CONNECTION }, () => send());
  await until('they are asked', () => waiting.length === READS_PER_CONNECTION);
  expect(connections).toHaveLength(1);
  const many = Array.from({ length: READS_PER_CONNECTION * CONNECTIONS_MAX * 2 }, () => send());
  await until('all are asked', () => waiting.length === few.length + many.length);
  expect(connections).toHaveLength(CONNECTIONS_MAX);
  for (const response of waiting) response.end('{}');
  expect((await Promise.all([...few, ...many])).every(({ status }) => status === 200)).toBe(true);
  held = false;
  await send();
  expect(connections).toHaveLength(CONNECTIONS_MAX);
});

it('gives up a connection that nobody used for a while', async () => {
  await open({ keepAlive_ms: 30 });
  await send();
  await until('it is closed', () => connections[0]?.destroyed);
  expect((await send()).status).toBe(200);
  expect(connections).toHaveLength(2);
});

it('takes another when one leads nowhere, long before the read gives up', async () => {
  await open();
  const between = await network();
  await send();
  // As when packets vanish: nothing arrives any more, and nothing tells so.
  between.lost = true;
  await expect(send()).rejects.toThrow(Unreachable);
  between.lost = false;
  expect((await send()).status).toBe(200);
  expect(connections).toHaveLength(2);
  transport?.close();
  between.server.close();
});

/** Puts a network between the two, which may lose all that is on it. */
async function network(): Promise<{ lost: boolean; readonly server: Server }> {
  const { port } = owner?.address() as AddressInfo;
  const server = createTcpServer((near) => {
    const far = connect(port, '127.0.0.1');
    near.on('data', (bytes) => between.lost || far.write(bytes)).on('error', () => far.destroy());
    far.on('data', (bytes) => between.lost || near.write(bytes)).on('error', () => near.destroy());
    near.on('close', () => far.destroy());
  }).listen(0, '127.0.0.1');
  const between = { lost: false, server };
  await once(server, 'listening');
  transport = new Http2Transport(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, {
    ...TIMES,
    silence_ms: 20,
    pong_ms: 50,
  });
  return between;
}

it('waits for an owner that is slow and says that it is there', async () => {
  await open({ silence_ms: 20, pong_ms: 500 });
  held = true;
  const slow = send();
  await until('it is asked', () => waiting.length === 1);
  const heard = () => connections[0]?.bytesRead ?? 0;
  const before = heard();
  await until('it was asked again and again whether it is there', () => heard() > before + 3 * 17);
  waiting[0]?.end('{"late":true}');
  expect((await slow).body).toBe('{"late":true}');
  expect(connections).toHaveLength(1);
});

it('does not wait for ever for a connection to be made', async () => {
  // An address that nobody has: packets to it are answered by nothing.
  const nowhere = new Http2Transport('http://192.0.2.1:9', { ...TIMES, connect_ms: 30 });
  await expect(
    nowhere.send({ path: '/', headers: {}, body: undefined, signal: AbortSignal.timeout(10_000) }),
  ).rejects.toThrow(Unreachable);
  nowhere.close();
});
