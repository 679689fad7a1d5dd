import { once } from 'node:events';
import { connect, type AddressInfo } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { RedisConnection } from '@payflow/cache';
import { Problem, sendProblem } from '@payflow/service';
import { fastify, type FastifyInstance } from 'fastify';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Networks } from '../../watch/networks.js';
import { Rates, type RateLimits } from '../../watch/rates.js';
import { Suspicions } from '../../watch/suspicions.js';
import { Watch } from '../../watch/watch.js';
import type { Door } from './authentication.js';
import { admitAccounts, admitAddresses } from './watching.js';

const LOGIN = 3;
const limits: RateLimits = { anonymous: 9, login: LOGIN, read: 9, write: 9, bulk: 9, webhook_in: 9 };
/** Never connected: what is counted is counted in memory. */
const nowhere = new RedisConnection('redis://127.0.0.1:1', 'spec');

let server: FastifyInstance;
let onAsked = (): void => undefined;
let onRefused = (): void => undefined;
beforeAll(() => {
  const watch = new Watch({
    rates: new Rates(nowhere, limits, 1),
    blocks: { refusal: () => undefined } as never,
    alarms: {} as never,
    suspicions: new Suspicions(
      nowhere,
      { unauthenticated_burst: 0, not_found_burst: 0, id_enumeration: 0 },
      () => undefined,
    ),
    log: undefined,
    trustedNetworks: new Networks([]),
    proxies: { proxies: new Networks(['127.0.0.1']), header: 'x-forwarded-for' },
  });
  const door = () => ({ watch }) as Door;
  server = fastify();
  server.setErrorHandler(sendProblem);
  admitAddresses(server, door);
  admitAccounts(server, door);
  server.addContentTypeParser('application/json', { parseAs: 'string' }, (_request, text, done) =>
    done(null, { json: JSON.parse(text as string) as object }),
  );
  server.post('/api/v1/auth/login', { config: { open: true } as object }, async (request) => {
    const { isBlocked, isGone } = (request.body as { json: { isBlocked?: boolean; isGone?: boolean } }).json;
    if (isGone) {
      onAsked();
      await once(request.raw.socket, 'close');
      onRefused();
    }
    if (isBlocked) throw new Problem('login_blocked', { headers: { 'retry-after': '1' } });
    return { ok: true };
  });
  server.get('/where', (request) => ({ ip: request.ip }));
});
afterAll(() => server.close());

let addresses = 0;
const logIn = async (email: string, isBlocked = false) => {
  const headers = { 'x-forwarded-for': `198.51.100.${++addresses}` };
  const payload = { email, isBlocked };
  const answer = await server.inject({ method: 'POST', url: '/api/v1/auth/login', payload, headers });
  return answer.statusCode;
};

it('counts tries to log in by the account, from wherever they come and however it is written', async () => {
  const tries = ['a@example.com', 'A@Example.com', ' a@example.com', 'a@example.com'];
  const statuses: number[] = [];
  for (const email of tries) statuses.push(await logIn(email));
  expect(statuses).toEqual([200, 200, 200, 429]);
  expect(await logIn('b@example.com')).toBe(200);
});

it('counts none that the lock-out refuses: it tries nothing', async () => {
  const statuses: number[] = [];
  for (let at = 0; at < 2 * LOGIN; at++) statuses.push(await logIn('d@example.com', true));
  for (let at = 0; at <= LOGIN; at++) statuses.push(await logIn('d@example.com'));
  expect(statuses).toEqual([...Array<number>(2 * LOGIN).fill(429), 200, 200, 200, 429]);
});

/** Asks, and has gone before there is an answer; resolves when the refusal was made. */
async function logInAndLeave(email: string): Promise<void> {
  const body = JSON.stringify({ email, isBlocked: true, isGone: true });
  const head = [
    'POST /api/v1/auth/login HTTP/1.1',
    'host: spec',
    `x-forwarded-for: 198.51.100.${++addresses}`,
    'content-type: application/json',
    `content-length: ${body.length}`,
  ];
  const refused = new Promise<void>((resolve) => (onRefused = resolve));
  const socket = connect((server.server.address() as AddressInfo).port, '127.0.0.1');
  socket.write(`${head.join('\r\n')}\r\n\r\n${body}`);
  await new Promise<void>((resolve) => (onAsked = resolve));
  socket.destroy();
  await refused;
}

it('counts none of them where the client goes before it is told', async () => {
  await server.listen({ port: 0, host: '127.0.0.1' });
  for (let at = 0; at < 2 * LOGIN; at++) await logInAndLeave('e@example.com');
  await setImmediate();
  expect(await logIn('e@example.com')).toBe(200);
});

it('counts them by the address, whatever account they name', async () => {
  const headers = { 'x-forwarded-for': '192.0.2.1' };
  const statuses: number[] = [];
  for (let at = 0; at <= LOGIN; at++) {
    const payload = { email: `c${at}@example.com` };
    const answer = await server.inject({ method: 'POST', url: '/api/v1/auth/login', payload, headers });
    statuses.push(answer.statusCode);
  }
  expect(statuses).toEqual([200, 200, 200, 429]);
});

it("names the client's address to all that come after", async () => {
  const { body } = await server.inject({ url: '/where', headers: { 'x-forwarded-for': '::ffff:192.0.2.7' } });
  expect(JSON.parse(body)).toEqual({ ip: '192.0.2.7' });
});
