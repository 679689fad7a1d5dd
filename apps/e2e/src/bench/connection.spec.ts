import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Connection } from './connection.js';

const REQUEST = 'POST / HTTP/1.1\r\n\r\n';
const answer = (status: number, ...more: string[]) =>
  [`HTTP/1.1 ${status} Whatever`, 'content-length: 0', ...more, '', ''].join('\r\n');

let server: Server;
let sockets: Socket[];
let connection: Connection;
const idle = vi.fn();

beforeEach(async () => {
  idle.mockClear();
  sockets = [];
  server = createServer((socket) => sockets.push(socket.on('error', () => undefined).resume()));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  connection = new Connection((server.address() as AddressInfo).port, idle);
});
afterEach(() => {
  connection.close();
  server.close();
});

/** Sends, has it answered on the newest of its sockets, and returns the status that it was told. */
async function ask(text: string): Promise<number> {
  const told = new Promise<number>((resolve) => connection.send(REQUEST, resolve));
  await vi.waitUntil(() => sockets.length > 0 && (sockets.at(-1) as Socket).bytesRead > 0);
  sockets.at(-1)?.write(text);
  return told;
}

it('tells each request its status, and that it is idle after each', async () => {
  expect(await ask(answer(201))).toBe(201);
  expect(await ask(answer(503))).toBe(503);
  expect(idle).toHaveBeenCalledTimes(2);
});

it('goes on over another socket after the last answer of one', async () => {
  expect(await ask(answer(201, 'Connection: close'))).toBe(201);
  await vi.waitUntil(() => sockets.length === 2);
  expect(await ask(answer(202))).toBe(202);
});

it('takes what it is told unasked for nobody’s answer: it would else be idle twice, and be given two requests at once', async () => {
  expect(await ask(answer(201, 'Connection: close'))).toBe(201);
  await vi.waitUntil(() => sockets.length === 2);
  sockets[1]?.end(answer(408, 'Connection: close'));
  await vi.waitUntil(() => sockets.length === 3);
  expect(idle).toHaveBeenCalledTimes(1);
  expect(await ask(answer(201))).toBe(201);
});

it('says 0 where the socket broke under a request', async () => {
  const told = new Promise<number>((resolve) => connection.send(REQUEST, resolve));
  await vi.waitUntil(() => sockets.length > 0 && (sockets[0] as Socket).bytesRead > 0);
  sockets[0]?.destroy();
  expect(await told).toBe(0);
});
