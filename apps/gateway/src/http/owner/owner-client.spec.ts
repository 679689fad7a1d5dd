import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createHttp2Server, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo, Socket } from 'node:net';
import { verifyInternalToken, type Problem } from '@payflow/service';
import { configureLogging } from '@payflow/telemetry';
import { until } from '@payflow/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { callerOf } from '../../testing/caller.js';
import { OwnerClient } from './owner-client.js';
import { Http1Transport } from './http1.js';
import { Http2Transport } from './http2.js';
import type { OwnerTransport } from './transport.js';

configureLogging({ level: 'silent' });

const SECRET = 's'.repeat(32);
/** A tenth of the product's, so that nobody waits for it. */
const LIMIT_MS = 3_000;
const caller = callerOf({ tenant: 'org_1', livemode: false }, { actor: 'key_1', scopes: ['monitoring:read'] });
type Answers = (request: IncomingMessage, response: ServerResponse) => void;

/** An owner that speaks the one version or the other, and the way to it. */
const versions = {
  '1.1': {
    serve: (answers: Answers): Server => createServer(answers),
    transport: (base: string): OwnerTransport => new Http1Transport(base),
  },
  '2': {
    // Its requests and responses are as those of HTTP/1.1, as far as they are used here.
    serve: (answers: Answers): Server => createHttp2Server(answers as never) as unknown as Server,
    transport: (base: string): OwnerTransport => new Http2Transport(base),
  },
};

/** Ends the connection of an answer in its middle. */
function breakOff(response: ServerResponse): void {
  const { stream } = response as unknown as { stream?: ServerHttp2Stream };
  if (stream) stream.session?.destroy();
  else response.socket?.destroy();
}

describe.each(['1.1', '2'] as const)('over HTTP/%s', (version) => {
  let owner: Server | undefined;
  let client: OwnerClient | undefined;
  const connections = new Set<Socket>();

  afterEach(() => {
    client?.close();
    for (const connection of connections) connection.destroy();
    owner?.close();
  });

  async function ownerThat(answers: Answers): Promise<OwnerClient> {
    owner = versions[version].serve(answers).listen(0, '127.0.0.1');
    owner.on('connection', (connection: Socket) => connections.add(connection));
    await once(owner, 'listening');
    return clientOf(`http://127.0.0.1:${(owner.address() as AddressInfo).port}`);
  }

  const clientOf = (base: string) =>
    (client = new OwnerClient('ledger', versions[version].transport(base), SECRET, LIMIT_MS));

  const read = (client: OwnerClient) => client.read('/api/v1/monitoring/health', caller, 'r-1');
  const refusal = (code: string, headers?: object): Error =>
    expect.objectContaining({ code, ...(headers ? { options: expect.objectContaining({ headers }) } : {}) }) as Error;

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
    [
      'a redirect',
      (response: ServerResponse) => response.writeHead(302, { location: 'http://169.254.169.254/' }).end(),
    ],
    ['no whole answer', (response: ServerResponse) => breakOff(response)],
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
    await expect(read(clientOf('http://127.0.0.1:9'))).rejects.toThrow(refusal('bad_gateway'));
  });

  it('answers 504 when the owner is silent', async () => {
    await expect(read(await ownerThat(() => undefined))).rejects.toThrow(refusal('gateway_timeout'));
  });

  it('tells the owner until when it waits', async () => {
    let deadline = 0;
    const client = await ownerThat((request, response) => {
      deadline = Number(request.headers['payflow-deadline']);
      response.end('{}');
    });
    const before = Date.now();
    await read(client);
    expect(deadline).toBeGreaterThanOrEqual(before + LIMIT_MS - 10);
    expect(deadline).toBeLessThanOrEqual(Date.now() + LIMIT_MS + 1);
  });

  it('asks once more when the connection breaks, and not when there is an answer', async () => {
    let asked = 0;
    const breaks = await ownerThat((_request, response) => {
      asked++;
      if (asked === 1) breakOff(response);
      else response.end('{"told":true}');
    });
    expect(await read(breaks)).toBe('{"told":true}');
    expect(asked).toBe(2);
    asked = 0;
    const refuses = await ownerThat((_request, response) => {
      asked++;
      response.writeHead(500).end();
    });
    await expect(read(refuses)).rejects.toThrow(refusal('bad_gateway'));
    expect(asked).toBe(1);
  });

  it('passes on when an owner that is busy wants to be asked again', async () => {
    const client = await ownerThat((_request, response) => response.writeHead(503, { 'retry-after': '7' }).end('{}'));
    await expect(read(client)).rejects.toThrow(refusal('unavailable', { 'retry-after': '7' }));
  });

  it('refuses what no owner would take, asks nobody, and holds it against none', async () => {
    let asked = 0;
    const client = await ownerThat((_request, response) => {
      asked++;
      response.end('{}');
    });
    const long = `/api/v1/accounts/acct_1/transfers?metadata=${'%5C%22'.repeat(12_000)}`;
    for (let time = 0; time < 6; time++)
      await expect(client.read(long, caller, 'r-1')).rejects.toThrow(refusal('uri_too_long'));
    await read(client);
    expect(asked).toBe(1);
  });

  it('leaves an owner that does not answer alone, with 503 and Retry-After, and comes back to it', async () => {
    let away = true;
    let asked = 0;
    const client = await ownerThat((_request, response) => {
      asked++;
      if (away) breakOff(response);
      else response.end('{}');
    });
    await until('the breaker is open', () =>
      read(client).then(
        () => false,
        (error: unknown) => (error as Problem).code === 'unavailable',
      ),
    );
    const before = asked;
    await expect(read(client)).rejects.toThrow(refusal('unavailable', { 'retry-after': '1' }));
    expect(asked).toBe(before);
    away = false;
    expect(await until('it is asked again', () => read(client).catch(() => false))).toBe('{}');
  });
});
