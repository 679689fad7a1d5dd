import { randomUUID } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { newId } from '@payflow/contracts';
import { TcpProxy, testServers, until } from '@payflow/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { atAddress, Passwords } from '../identity/passwords.js';
import { Client, type Answered } from '../testing/gateway-under-test.js';
import { told } from '../testing/stage.js';
import { anAddress, from, openWatched, round, type Watched } from '../testing/watched.js';

const LIMIT = 5;
const LIMITS = {
  RATE_LIMIT_READ_PER_MINUTE: `${LIMIT}`,
  RATE_LIMIT_ANONYMOUS_PER_MINUTE: '5',
  RATE_LIMIT_ADDRESS_FACTOR: '2',
};
const PATH = '/api/v1/assets/USD';

let watched: Watched;
let gateway: Awaited<ReturnType<Watched['start']>>;
let base: string;
beforeAll(async () => {
  watched = await openWatched();
  gateway = await watched.start(LIMITS);
  ({ base } = gateway);
});
afterAll(() => watched?.close());

const ask = async (client: Client, times: number, headers: Record<string, string> = {}): Promise<Answered[]> => {
  const answers: Answered[] = [];
  for (let at = 0; at < times; at++) answers.push(await client.get(PATH, headers));
  return answers;
};
const statuses = (answers: readonly Answered[]) => answers.map(({ status }) => status);
const of = (status: number, times: number) => Array<number>(times).fill(status);

describe('the limit of a key', () => {
  it('lets through what it allows, says what is left, and refuses the rest until there is room', async () => {
    const client = await Client.of(watched.db, base);
    const answers = await ask(client, LIMIT + 2);
    expect(statuses(answers)).toEqual([...of(200, LIMIT), 429, 429]);
    expect(answers[0]?.headers.get('ratelimit-policy')).toBe(`"read";q=${LIMIT};w=60`);
    expect(answers.map(({ headers }) => headers.get('ratelimit')?.split(';t=')[0])).toEqual([
      ...Array.from({ length: LIMIT }, (_, at) => `"read";r=${LIMIT - 1 - at}`),
      '"read";r=0',
      '"read";r=0',
    ]);
    const refused = answers.at(-1) as Answered;
    expect(told(refused)).toBe('429 rate_limited');
    expect(refused.body).toMatchObject({
      retryable: true,
      detail: `At most ${LIMIT} requests of this kind a minute, by key.`,
    });
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
  });

  it('is for each kind of request, and for each key', async () => {
    const client = await Client.of(watched.db, base);
    await ask(client, LIMIT);
    expect(told(await client.get(PATH))).toBe('429 rate_limited');
    expect(told(await client.post('/api/v1/payments', {}))).toBe('400 invalid_request');
    expect((await (await client.withKey(watched.db, ['payments:read'])).get(PATH)).status).toBe(200);
  });

  it('is for what the key may not do as well, also from a network that is trusted', async () => {
    const client = await (await Client.of(watched.db, base)).withKey(watched.db, ['accounts:read']);
    const answers = [];
    for (let at = 0; at < LIMIT + 1; at++) answers.push(told(await client.get('/api/v1/payments')));
    expect(answers).toEqual([...Array<string>(LIMIT).fill('403 forbidden'), '429 rate_limited']);
  });

  it('is not used up by who tries a key from where it must not be used', async () => {
    const client = await Client.of(watched.db, base);
    const made = await client.post('/api/v1/keys', {
      ...{ name: 'bound', scopes: ['payments:read'], allowed_addresses: ['192.0.2.0/24'] },
    });
    const owner = Client.with(client.tenant, String(made.body['secret']), base);
    const [elsewhere, there] = [from('198.51.100.7'), from('192.0.2.7')];
    for (let at = 0; at < LIMIT + 1; at++)
      expect(told(await owner.get('/api/v1/payments', elsewhere))).toBe('403 address_not_allowed');
    expect((await owner.get('/api/v1/payments', there)).status).toBe(200);
  });

  it('holds for all processes together', async () => {
    const other = await watched.start(LIMITS);
    // Alone, the other would allow all of it.
    await until('what one counts is counted by the other', async () => {
      const client = await Client.of(watched.db, base);
      await ask(client, LIMIT - 1);
      await round(gateway);
      client.base = other.base;
      await ask(client, 1);
      await round(other);
      return told(await client.get(PATH)) === '429 rate_limited';
    });
  });
});

describe('the limit of an address', () => {
  it('is shared by its keys', async () => {
    const address = anAddress();
    const answers: Answered[] = [];
    for (let client = 0; client < 3; client++)
      answers.push(...(await ask(await Client.of(watched.db, base), LIMIT - 1, from(address))));
    expect(statuses(answers)).toEqual([...of(200, 2 * LIMIT), ...of(429, 3 * (LIMIT - 1) - 2 * LIMIT)]);
    expect(answers[0]?.headers.get('ratelimit-policy')).toBe(
      `"read";q=${LIMIT};w=60, "read_address";q=${2 * LIMIT};w=60`,
    );
    expect(answers.at(-1)?.body['detail']).toMatch(/by address/);
  });

  it('is of a /64 in IPv6', async () => {
    const client = await Client.of(watched.db, base);
    const prefix = `2001:db8:${anAddress()
      .split('.')
      .slice(1, 3)
      .map(Number)
      .map((part) => part.toString(16))
      .join(':')}`;
    const nobody = { authorization: '' };
    const answers: Answered[] = [];
    for (let at = 0; at < 6; at++)
      answers.push(await client.get('/nowhere', { ...nobody, ...from(`${prefix}::${at}`) }));
    expect(statuses(answers)).toEqual([...of(404, 5), 429]);
    expect((await client.get('/nowhere', { ...nobody, ...from('2001:db8:ffff:ffff::1') })).status).toBe(404);
  });

  it('is said in every answer, of whatever kind, and not in those of probes', async () => {
    const client = await Client.of(watched.db, base);
    const address = from(anAddress());
    const answers = [
      await client.get(PATH, { ...address, authorization: 'Bearer sk_test_wrong' }),
      await client.get('/api/v1/nothing', address),
      await client.send('PUT', PATH, undefined, address),
      await client.get(PATH, { ...address, 'payflow-version': '2000-01-01' }),
      await client.get('/docs/openapi.json', address),
    ];
    expect(statuses(answers)).toEqual([401, 404, 405, 400, 200]);
    for (const { headers } of answers) {
      expect(headers.get('ratelimit-policy')).toMatch(/^"[a-z_]+";q=\d+;w=60/);
      expect(headers.get('ratelimit')).toMatch(/^"[a-z_]+";r=\d+;t=\d+$/);
    }
    for (let at = 0; at < 20; at++) expect((await client.get('/livez', address)).status).toBe(200);
  });

  it('is for what browsers ask beforehand as well, as for what they ask about', async () => {
    const origin = 'https://dashboard.example';
    const { base: open } = await watched.start({ ...LIMITS, PAYFLOW_CORS_ORIGINS: origin });
    const headers = { origin, 'access-control-request-method': 'GET', ...from(anAddress()) };
    const answers: Response[] = [];
    for (let at = 0; at < 2 * LIMIT + 1; at++)
      answers.push(await fetch(`${open}${PATH}`, { method: 'OPTIONS', headers }));
    // A page cannot read how a question beforehand was refused: it reads how the request is.
    expect(answers.map(({ status }) => status)).toEqual(of(204, 2 * LIMIT + 1));
    expect(answers[0]?.headers.get('ratelimit-policy')).toBe(`"read_address";q=${2 * LIMIT};w=60`);
    const asked = await fetch(`${open}${PATH}`, { headers });
    expect([asked.status, asked.headers.get('access-control-allow-origin')]).toEqual([429, origin]);
  });

  it('is none for networks that are trusted', async () => {
    const client = await Client.of(watched.db, base);
    const answers: Answered[] = [];
    for (let at = 0; at < 10; at++) answers.push(await client.get('/nowhere', { authorization: '' }));
    expect(statuses(answers)).toEqual(of(404, 10));
  });
});

describe('the limits of what is sent', () => {
  let sending: string;
  beforeAll(async () => {
    const few = { RATE_LIMIT_WRITE_PER_MINUTE: '2', RATE_LIMIT_BULK_PER_MINUTE: '2' };
    ({ base: sending } = await watched.start({ ...few, RATE_LIMIT_WEBHOOK_IN_PER_MINUTE: '2' }));
  });

  it.each([
    ['write', 'key', '/api/v1/payments', '400 invalid_request'],
    ['bulk', 'key', '/api/v1/transfers/bulk', '400 invalid_request'],
    ['webhook_in', 'address', '/api/v1/provider_webhooks/nobody', '404 not_found'],
  ])('let through what %s allows of a %s, and no more', async (policy, by, path, answered) => {
    const client = await Client.of(watched.db, sending);
    const address = from(anAddress());
    const answers = [];
    for (let at = 0; at < 3; at++) answers.push(await client.post(path, {}, address));
    expect(answers.map(told)).toEqual([answered, answered, '429 rate_limited']);
    const { headers, body } = answers.at(-1) as Answered;
    expect(headers.get('ratelimit-policy')).toMatch(new RegExp(`^"${policy}";q=2;w=60`));
    expect(headers.get('ratelimit')).toMatch(new RegExp(`^"${policy}";r=0;t=\\d+$`));
    expect(body['detail']).toBe(`At most 2 requests of this kind a minute, by ${by}.`);
    // What is counted apart has room.
    expect((await client.get(PATH, address)).status).toBe(200);
  });
});

describe('the limit of an account', () => {
  const LOGINS = 3;
  let strict: Awaited<ReturnType<Watched['start']>>;
  beforeAll(async () => {
    const limits = { RATE_LIMIT_LOGIN_PER_MINUTE: `${LOGINS}`, TRUSTED_NETWORKS: '192.0.2.0/24' };
    strict = await watched.start(limits);
  });

  // Counted in Redis, which others share.
  const anEmail = () => `${randomUUID()}@example.com`;
  const ask = async (path: string, body: object, address = anAddress(), base = strict.base): Promise<string> => {
    const headers = { 'content-type': 'application/json', ...from(address) };
    const answer = await fetch(`${base}/api/v1/auth/${path}`, { method: 'POST', body: JSON.stringify(body), headers });
    return `${answer.status} ${((await answer.json()) as { code: string }).code}`;
  };
  const password = 'a wrong one, and long enough';
  const logIn = (email: string, more: object = {}) => ask('login', { email, password, ...more });
  const WRONG = '401 credentials_invalid';

  it('is for tries to log in to it, from wherever they come and however it is written', async () => {
    const nobody = anEmail();
    const told: string[] = [];
    for (const email of [nobody, nobody.toUpperCase(), nobody, nobody]) told.push(await logIn(email));
    expect(told).toEqual([WRONG, WRONG, WRONG, '429 rate_limited']);
    expect(await logIn(anEmail())).toBe(WRONG);
  });

  it('is used up by nothing that tries no password of it', async () => {
    const email = anEmail();
    const vain: (readonly [path: string, body: object, answer: string])[] = [
      ['login', { email }, '400 invalid_request'],
      ['login', { email, password, nonsense: 1 }, '400 invalid_request'],
      ['login?nonsense=1', { email, password }, '400 invalid_parameter'],
      ['refresh', { email }, '400 invalid_request'],
      ['refresh', { email, refresh_token: `rt_${'a'.repeat(43)}` }, '400 invalid_request'],
      ['invitation', { email, password }, '400 invalid_request'],
    ];
    for (const [path, body, answer] of vain)
      for (let at = 0; at <= LOGINS; at++) expect(await ask(path, body)).toBe(answer);
    expect(await logIn(email)).toBe(WRONG);
  });

  it('is of each organisation that is named apart, as the lock-out is, and of each spelling that is another’s', async () => {
    const email = anEmail();
    for (let at = 0; at <= LOGINS; at++) expect(await logIn(email, { organisation: newId('tenant') })).toBe(WRONG);
    for (let at = 0; at <= LOGINS; at++) expect(await logIn(`${' '.repeat(at + 1)}${email}`)).toBe(WRONG);
    const organisation = newId('tenant');
    const told: string[] = [];
    for (let at = 0; at <= LOGINS; at++) told.push(await logIn(email, { organisation }));
    expect(told).toEqual([WRONG, WRONG, WRONG, '429 rate_limited']);
    expect(await logIn(email)).toBe(WRONG);
  });

  it('is used up by none that no turn came for', async () => {
    const passwords = strict.app.get(Passwords, { strict: false });
    const [email, here] = [anEmail(), anAddress()];
    let isOver = false;
    // One at it and ten who wait, each of whom asks again: as many as are one address's, all the time.
    const takeTurns = async (): Promise<void> => {
      while (!isOver) await passwords.hash('a password of many', atAddress(here)).catch(() => setImmediate());
    };
    const many = Promise.all(Array.from({ length: 11 }, takeTurns));
    const told: string[] = [];
    for (let at = 0; at <= LOGINS; at++) told.push(await ask('login', { email, password }, here));
    isOver = true;
    await many;
    expect(told).toEqual(Array<string>(LOGINS + 1).fill('503 unavailable'));
    expect(await logIn(email)).toBe(WRONG);
  });

  it('is used up by nobody who goes on asking from where he is locked out', async () => {
    const limits = { RATE_LIMIT_LOGIN_PER_MINUTE: '12', TRUSTED_NETWORKS: '192.0.2.0/24' };
    const { base: wider } = await watched.start(limits);
    const [email, here] = [anEmail(), anAddress()];
    const told: string[] = [];
    for (let at = 0; at < 30; at++) told.push(await ask('login', { email, password }, here, wider));
    expect(told.filter((one) => one === '429 login_blocked').length).toBeGreaterThan(15);
    expect(told).not.toContain('429 rate_limited');
    expect(await ask('login', { email, password }, anAddress(), wider)).toBe(WRONG);
  });
});

describe('without Redis', () => {
  const redis = new TcpProxy(new URL(testServers().redis));
  beforeAll(() => redis.open());

  it('the same limits hold, with what was counted before', async () => {
    const gateway = await watched.start({ ...LIMITS, REDIS_URL: redis.url });
    const client = await Client.of(watched.db, gateway.base);
    const fresh = await Client.of(watched.db, gateway.base);
    expect(statuses(await ask(client, LIMIT + 1))).toEqual([...of(200, LIMIT), 429]);
    await redis.close();
    try {
      expect(statuses(await ask(client, 3))).toEqual(of(429, 3));
      expect(statuses(await ask(fresh, LIMIT + 1))).toEqual([...of(200, LIMIT), 429]);
    } finally {
      await redis.open();
    }
  });
});
