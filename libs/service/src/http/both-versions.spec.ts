import { once } from 'node:events';
import { connect, type ClientHttp2Session } from 'node:http2';
import { connect as connectTcp, type AddressInfo, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { configureLogging } from '@payflow/telemetry';
import fastify, { type FastifyInstance } from 'fastify';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Health } from '../health.js';
import { serveBothVersions } from './both-versions.js';
import { forwardedReads, serverOptions } from './server-options.js';
import { traceRequests } from './server-span.js';

configureLogging({ level: 'silent' });

let server: FastifyInstance;
let port: number;
let health: Health;
let hold: Promise<void> | undefined;

async function start(options: object = forwardedReads): Promise<void> {
  server = fastify({ ...serverOptions(), ...options }) as unknown as FastifyInstance;
  health = new Health('spec');
  traceRequests(server, health);
  server.all('/told', async (request) => {
    await hold;
    return { version: request.raw.httpVersion, method: request.method, body: request.body ?? null };
  });
  await server.listen({ port: 0, host: '127.0.0.1' });
  port = (server.server.address() as AddressInfo).port;
}

beforeEach(() => start());
afterEach(() => {
  hold = undefined;
  return server.close();
});

async function overHttp2(session: ClientHttp2Session, body?: string): Promise<{ status: number; told: unknown }> {
  const post = { ':method': 'POST', 'content-type': 'application/json' };
  const stream = session.request({ ':path': '/told', ...(body === undefined ? {} : post) }, { endStream: !body });
  if (body) stream.end(body);
  const [head] = (await once(stream, 'response')) as [{ ':status': number }];
  return { status: head[':status'], told: JSON.parse(await text(stream)) as unknown };
}

/** What comes back for bytes sent as given, until the other end closes. */
async function raw(...parts: readonly string[]): Promise<string> {
  const socket = connectTcp(port, '127.0.0.1');
  await once(socket, 'connect');
  for (const part of parts) {
    socket.write(part);
    await new Promise((resolve) => setImmediate(resolve));
  }
  return text(socket);
}

const connected = async (): Promise<Socket> => {
  const socket = connectTcp(port, '127.0.0.1');
  await once(socket, 'connect');
  return socket;
};

describe('one port for both versions', () => {
  it('answers each in its own', async () => {
    const answer = await fetch(`http://127.0.0.1:${port}/told`, {
      method: 'POST',
      body: '{"a":1}',
      headers: { 'content-type': 'application/json' },
    });
    expect(await answer.json()).toEqual({ version: '1.1', method: 'POST', body: { a: 1 } });
    const session = connect(`http://127.0.0.1:${port}`);
    expect(await overHttp2(session)).toEqual({ status: 200, told: { version: '2.0', method: 'GET', body: null } });
    const long = { text: 'x'.repeat(200_000) };
    expect((await overHttp2(session, JSON.stringify(long))).told).toEqual({
      version: '2.0',
      method: 'POST',
      body: long,
    });
    session.close();
  });

  it.each([['POST'], ['PUT'], ['PRI'], ['PROPFIND'], ['GET']])(
    'is not misled by %s, come byte by byte',
    async (method) => {
      const request = `${method} /told HTTP/1.1\r\nhost: here\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`;
      const status = { PRI: 400, PROPFIND: 404 }[method] ?? 200;
      expect(await raw(...(method === 'PRI' ? ['PRI', request.slice(3)] : request))).toMatch(
        new RegExp(`^HTTP/1.1 ${status} `),
      );
    },
  );

  it('serves requests that follow each other on one connection of HTTP/1.1', async () => {
    const request = 'GET /told HTTP/1.1\r\nhost: here\r\n\r\n';
    const answers = await raw(request + request, request.replace('host: here', 'host: here\r\nconnection: close'));
    expect(answers.match(/HTTP\/1\.1 200 OK/g)).toHaveLength(3);
  });

  it('answers what is no HTTP as before', async () => {
    expect(await raw('nonsense\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 [^]*invalid_http/);
  });

  it('takes what a gateway writes anew of a long query', async () => {
    const path = `/told?a=${'x'.repeat(60 * 1024)}`;
    const session = connect(`http://127.0.0.1:${port}`);
    const stream = session.request({ ':path': path });
    const [head] = (await once(stream, 'response')) as [{ ':status': number }];
    await text(stream);
    session.close();
    const plain = await raw(`GET ${path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n`);
    expect([head[':status'], plain.slice(0, 12)]).toEqual([200, 'HTTP/1.1 200']);
  });

  it('keeps headers of HTTP/2 to their limit', async () => {
    const session = connect(`http://127.0.0.1:${port}`, { maxSendHeaderBlockLength: 1_000_000 });
    session.on('error', () => undefined);
    await once(session, 'remoteSettings');
    const stream = session.request({ ':path': '/told', long: 'x'.repeat(40_000), longer: 'y'.repeat(40_000) });
    await expect(once(stream, 'response')).rejects.toThrow();
    session.destroy();
  });
});

describe('a server that closes', () => {
  it('answers what is under way over HTTP/2, and takes no more', async () => {
    let free = (): void => undefined;
    hold = new Promise((resolve) => (free = resolve));
    const session = connect(`http://127.0.0.1:${port}`);
    const answered = overHttp2(session);
    await once(session, 'remoteSettings');
    await new Promise((resolve) => setImmediate(resolve));
    health.enter('draining');
    const closed = server.close();
    await once(session, 'goaway');
    free();
    expect((await answered).status).toBe(200);
    await closed;
  });

  it('does not wait for who says nothing', async () => {
    const [silent, half] = [await connected(), await connected()];
    half.write('PR');
    await fetch(`http://127.0.0.1:${port}/told`);
    const ends = [once(silent, 'close'), once(half, 'close')];
    silent.on('error', () => undefined);
    half.on('error', () => undefined);
    await server.close();
    await Promise.all(ends);
  });
});

it('gives whoever has connected a while to say something', async () => {
  await server.close();
  const limits = { headerBytes_max: 16_384, firstBytes_ms: 20, stream_ms: 1_000, idle_ms: 1_000 };
  await start({
    serverFactory: (...[handler, options]: Parameters<(typeof forwardedReads)['serverFactory'] & object>) =>
      serveBothVersions(handler, options as never, limits),
  });
  const [silent, half] = [await connected(), await connected()];
  half.write('PR');
  await Promise.all([once(silent, 'close'), once(half, 'close')]);
});
