import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { verifyInternalToken } from '@payflow/service';
import { afterEach, expect, it } from 'vitest';
import type { Caller } from './caller.js';
import { OwnerClient } from './owner-client.js';

const SECRET = 's'.repeat(32);
const caller: Caller = {
  tenant: 'org_1',
  livemode: false,
  actor: 'key_1',
  scopes: ['monitoring:read'],
  traceId: undefined,
};
let owner: Server | undefined;

afterEach(() => {
  owner?.closeAllConnections();
  owner?.close();
});

async function ownerThat(answers: (request: IncomingMessage, response: ServerResponse) => void): Promise<OwnerClient> {
  owner = createServer(answers).listen(0, '127.0.0.1');
  await once(owner, 'listening');
  return new OwnerClient(`http://127.0.0.1:${(owner.address() as AddressInfo).port}`, SECRET);
}

const read = (client: OwnerClient) => client.read('/api/v1/monitoring/health', caller, 'r-1');
const refusal = (code: string): Error => expect.objectContaining({ code }) as Error;

it('forwards a read with a token that names the caller', async () => {
  const client = await ownerThat((request, response) => {
    const token = request.headers.authorization?.slice('Bearer '.length) ?? '';
    const claims = verifyInternalToken(SECRET, token, Date.now());
    response.end(JSON.stringify({ path: request.url, id: request.headers['request-id'], claims }));
  });
  const { tenant, livemode, actor, scopes } = caller;
  const expected = { path: '/api/v1/monitoring/health', id: 'r-1', claims: { tenant, livemode, actor, scopes } };
  expect(JSON.parse(await read(client))).toEqual(expected);
});

it.each([
  ['an error', (response: ServerResponse) => response.writeHead(500).end('stack trace')],
  ['a redirect', (response: ServerResponse) => response.writeHead(302, { location: 'http://169.254.169.254/' }).end()],
  ['no HTTP', (response: ServerResponse) => response.socket?.end('nonsense')],
  [
    'half a body',
    (response: ServerResponse) =>
      response.writeHead(200, { 'content-length': 100 }).write('{', () => response.destroy()),
  ],
  ['too much', (response: ServerResponse) => response.end('x'.repeat(1_100_000))],
])('answers 502 when the owner gives %s', async (_what, answer) => {
  const client = await ownerThat((_request, response) => void answer(response));
  await expect(read(client)).rejects.toThrow(refusal('bad_gateway'));
});

it('answers 502 when nobody listens', async () => {
  await expect(read(new OwnerClient('http://127.0.0.1:9', SECRET))).rejects.toThrow(refusal('bad_gateway'));
});

it('answers 504 when the owner is silent', async () => {
  await expect(read(await ownerThat(() => undefined))).rejects.toThrow(refusal('gateway_timeout'));
});
