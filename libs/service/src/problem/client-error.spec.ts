import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { clientErrorsWith } from './client-error.js';

const MAKE = 'POST /things HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{}';
const GARBAGE = 'garbage\r\n\r\n';

let server: Server;
let begun: ServerResponse[];
let socket: Socket;
let text: string;

beforeEach(async () => {
  [begun, text] = [[], ''];
  // Answers when it is told to, and not before it has the body.
  server = createServer((request, response) => void request.resume().on('end', () => begun.push(response)));
  const answer = clientErrorsWith({ 'x-content-type-options': 'nosniff' });
  server.on('clientError', (error, from) => answer(error, from as Socket));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  socket.on('data', (bytes) => (text += bytes.toString()));
});
afterEach(() => {
  socket.destroy();
  server.close();
});

const statuses = (): string[] => [...text.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, status = '']) => status);
const refusal = () => once(server, 'clientError');

async function made(count: number): Promise<void> {
  while (begun.length < count) await once(server, 'request').then(() => new Promise(setImmediate));
}

it.each([1, 3])('a refusal waits for the answers to %i requests that came whole before it', async (count) => {
  socket.write(MAKE.repeat(count));
  await made(1);
  const [refused, closed] = [refusal(), once(socket, 'close')];
  socket.write(GARBAGE);
  await refused;
  // Again, as the parser does with all that comes after.
  const again = refusal();
  socket.write(GARBAGE);
  await again;
  expect(text).toBe('');
  await made(count);
  for (const response of begun) response.writeHead(201).end('made');
  await closed;
  expect(statuses()).toEqual([...Array<string>(count).fill('201'), '400']);
  expect(text).toMatch(/made\r\n.*invalid_http/s);
});

it('what is wrong within a body is refused at once', async () => {
  const closed = once(socket, 'close');
  socket.write('POST /things HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n');
  await closed;
  expect([statuses(), begun]).toEqual([['400'], []]);
});

it('nothing is put behind half an answer', async () => {
  server.removeAllListeners('request');
  server.on('request', (_request, response: ServerResponse) => response.writeHead(200).write('half'));
  const closed = once(socket, 'close');
  socket.write('POST /things HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n');
  await once(socket, 'data');
  socket.write('zz\r\n');
  await closed;
  expect(statuses()).toEqual(['200']);
});

it('what is refused has an id of its own, in its head and in its body, and the headers that all answers have', async () => {
  const closed = once(socket, 'close');
  socket.write(GARBAGE);
  await closed;
  const [head = '', body = ''] = text.split('\r\n\r\n');
  const { request_id } = JSON.parse(body) as { request_id: string };
  expect(request_id).toMatch(/^req_[0-9a-f-]{36}$/);
  expect(head.split('\r\n')).toEqual(
    expect.arrayContaining([`request-id: ${request_id}`, 'x-content-type-options: nosniff', 'connection: close']),
  );
  expect(head).toContain(`content-length: ${Buffer.byteLength(body)}`);
});
