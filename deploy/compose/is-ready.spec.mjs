import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { join } from 'node:path';
import { selfSigned } from '@payflow/testing';
import { expect, it } from 'vitest';

const script = join(import.meta.dirname, 'is-ready.mjs');

/** What the check ends with, where `server` answers. */
async function checked(server, host) {
  server.listen(0, host ?? '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  const check = spawn(process.execPath, [script], {
    env: { PORT: String(port), HOST: host ?? '0.0.0.0' },
    stdio: 'inherit',
  });
  const [code] = await once(check, 'exit');
  server.close();
  return code;
}
const answering = (status) => (request, response) => response.writeHead(request.url === '/readyz' ? status : 404).end();
const { key, certificate: cert } = selfSigned();

it.each([
  ['ready', () => createServer(answering(200)), 0],
  ['not ready', () => createServer(answering(503)), 1],
  ['ready, over TLS', () => createTlsServer({ key, cert }, answering(200)), 0],
  ['not ready, over TLS', () => createTlsServer({ key, cert }, answering(503)), 1],
])('a service that is %s', async (_what, made, code) => {
  expect(await checked(made())).toBe(code);
});

it('asks where the service listens, if that is one address', async () => {
  expect(await checked(createServer(answering(200)), '127.0.0.2')).toBe(0);
});

it('fails where nobody listens', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  const check = spawn(process.execPath, [script], { env: { PORT: String(port) }, stdio: 'inherit' });
  expect((await once(check, 'exit'))[0]).toBe(1);
});
