import { once } from 'node:events';
import { request as ask, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { brotliDecompressSync } from 'node:zlib';
import fastify, { type FastifyInstance } from 'fastify';
import { sendProblem } from '@payflow/service';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { compressAnswers } from '../compression/compression.js';
import { hashedFile, serveStatic } from './static-files.js';

const STYLE = { name: 'page.css', type: 'text/css; charset=utf-8', content: 'body{color:#123456}'.repeat(100) };
const FILE = hashedFile('/docs/files', STYLE);
const STYLE_PATH = FILE.path;
const PAGE = `<!doctype html><link rel="stylesheet" href="${STYLE_PATH}"><p>hello</p>`;

let server: FastifyInstance;
beforeAll(async () => {
  server = fastify();
  server.setErrorHandler((error, request, reply) => sendProblem(error, request, reply));
  compressAnswers(server, { bytes_min: 1_024 });
  server.get('/api/other', () => ({}));
  serveStatic(server, { files: [FILE], pages: [{ path: '/docs/page', type: 'text/html', content: PAGE }] });
  await server.listen({ port: 0, host: '127.0.0.1' });
});
afterAll(() => server.close());

async function get(path: string, headers: Record<string, string> = {}, method = 'GET') {
  const { port } = server.server.address() as AddressInfo;
  const [answer] = (await once(ask({ port, path, headers, method }).end(), 'response')) as [IncomingMessage];
  return { status: answer.statusCode, headers: answer.headers, bytes: await buffer(answer) };
}

it('serves a file for ever under a name made of what is in it', async () => {
  const { status, headers, bytes } = await get(STYLE_PATH);
  expect([status, bytes.toString()]).toEqual([200, STYLE.content]);
  expect(headers).toMatchObject({
    'cache-control': 'public, max-age=31536000, immutable',
    'content-type': STYLE.type,
    vary: 'accept-encoding',
  });
  expect(headers['set-cookie']).toBeUndefined();
  expect(hashedFile('/docs/files', { ...STYLE, content: `${STYLE.content} ` }).path).not.toBe(STYLE_PATH);
  expect((await get(STYLE_PATH.replace(/\.[^.]+\.css$/, '.AAAAAAAAAAAAAAAA.css'))).status).toBe(404);
});

it.each(['POST', 'PUT', 'DELETE', 'OPTIONS'])('says to %s what is allowed', async (method) => {
  for (const path of [STYLE_PATH, '/docs/page']) {
    const { status, headers } = await get(path, {}, method);
    expect([status, headers['allow']]).toEqual([405, 'GET, HEAD']);
  }
});

it('compresses it, and answers who has it with 304 and what it varies by', async () => {
  const small = await get(STYLE_PATH, { 'accept-encoding': 'br' });
  expect(brotliDecompressSync(small.bytes).toString()).toBe(STYLE.content);
  const same = await get(STYLE_PATH, { 'if-none-match': small.headers.etag as string, 'accept-encoding': 'br' });
  expect([same.status, same.headers.vary, same.headers['cache-control']]).toEqual([
    304,
    'accept-encoding',
    'public, max-age=31536000, immutable',
  ]);
});

it('has a page asked for each time, and lets it load nothing from elsewhere and run nothing written into it', async () => {
  const { headers, bytes } = await get('/docs/page');
  expect([bytes.toString(), headers['cache-control']]).toEqual([PAGE, 'public, no-cache']);
  expect((await get('/docs/page', { 'if-none-match': headers.etag as string })).status).toBe(304);
  const policy = String(headers['content-security-policy']);
  expect(policy).toContain("default-src 'none'");
  expect(policy).toContain("frame-ancestors 'none'");
  expect(policy).not.toMatch(/unsafe|\*|https?:/);
  expect(headers).toMatchObject({
    'x-frame-options': 'DENY',
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
  });
  expect(headers['strict-transport-security']).toBeUndefined();
});

it('says nothing of this to anything else', async () => {
  expect((await get('/api/other')).headers['content-security-policy']).toBeUndefined();
});
