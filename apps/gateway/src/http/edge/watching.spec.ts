import { RedisConnection } from '@payflow/cache';
import { sendProblem } from '@payflow/service';
import { fastify, type FastifyInstance } from 'fastify';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Networks } from '../../watch/networks.js';
import { Rates, type RateLimits } from '../../watch/rates.js';
import { Suspicions } from '../../watch/suspicions.js';
import { Watch } from '../../watch/watch.js';
import type { Door } from './authentication.js';
import { admitAddresses } from './watching.js';

const LOGIN = 3;
const limits: RateLimits = { anonymous: 9, login: LOGIN, read: 9, write: 9, bulk: 9, webhook_in: 9 };
/** Never connected: what is counted is counted in memory. */
const nowhere = new RedisConnection('redis://127.0.0.1:1', 'spec');

let server: FastifyInstance;
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
  server.post('/api/v1/auth/login', { config: { open: true } as object }, () => ({ ok: true }));
  server.get('/where', (request) => ({ ip: request.ip }));
});
afterAll(() => server.close());

it('counts tries to log in by the address, whatever account they name', async () => {
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
