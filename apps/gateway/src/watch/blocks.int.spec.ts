import { randomUUID } from 'node:crypto';
import { newId } from '@payflow/contracts';
import { until } from '@payflow/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { listBlocks, wishLift } from '../database/index.js';
import { Client } from '../testing/gateway-under-test.js';
import { signed, specReader } from '../testing/signed-webhooks.js';
import { told } from '../testing/stage.js';
import { anAddress, from, openWatched, round, type Watched } from '../testing/watched.js';
import { WebhookReaders } from '../webhooks/readers.js';

const THRESHOLD = 5;
const LIMITS = {
  SUSPICIOUS_CREDENTIALS_PER_MINUTE: `${THRESHOLD}`,
  SUSPICIOUS_PATHS_PER_MINUTE: `${THRESHOLD}`,
  SUSPICIOUS_IDS_PER_MINUTE: `${THRESHOLD}`,
};
const PATH = '/api/v1/assets/USD';
const unknown = () => `/api/v1/payments/${newId('payment')}`;

type Gateway = Awaited<ReturnType<Watched['start']>>;

let watched: Watched;
let gateway: Gateway;
let client: Client;
beforeAll(async () => {
  watched = await openWatched();
  gateway = await watched.start(LIMITS);
  client = await Client.of(watched.db, gateway.base);
});
afterAll(() => watched?.close());

const wrongKey = (at: number | string) => ({ authorization: `Bearer sk_test_${String(at).padStart(30, 'x')}` });
const guess = async (address: string, times: number) => {
  for (let at = 0; at < times; at++) await client.get(PATH, { ...from(address), ...wrongKey(`${address}.${at}`) });
};
const answerTo = async (address: string, path = PATH) => told(await client.get(path, from(address)));
const becomes = (answer: string, ask: () => Promise<string>) =>
  until(answer, async () => {
    await round(gateway);
    return (await ask()) === answer;
  });
const toldOf = async (subject: string) => (await watched.told()).filter(({ data }) => data['subject'] === subject);

describe('an address', () => {
  it('that guesses at credentials is not let in, whatever it comes with, and others are', async () => {
    const address = anAddress();
    await guess(address, THRESHOLD);
    await becomes('403 address_blocked', () => answerTo(address));
    const refused = await client.get(PATH, from(address));
    expect(refused.body).toMatchObject({ retryable: true, status: 403 });
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(30);
    expect(refused.headers.get('ratelimit')).toMatch(/^"read"/);
    expect(await answerTo(anAddress())).toBe('200 USD');
    expect(await toldOf(address)).toMatchObject([
      {
        type: 'payflow.block.placed.v1',
        data: { kind: 'address', suspicion: 'unauthenticated_burst', count: THRESHOLD, level: 1, lifted_at: null },
      },
    ]);
  });

  it('that looks for paths is not let in', async () => {
    const address = anAddress();
    for (let at = 0; at < THRESHOLD; at++) await client.get(`/admin/${at}.php`, from(address));
    await becomes('403 address_blocked', () => answerTo(address));
    expect(await toldOf(address)).toMatchObject([{ data: { suspicion: 'not_found_burst' } }]);
  });

  it('whose client is stuck is let in: the same wrong key, the same wrong path, again and again', async () => {
    const address = anAddress();
    for (let at = 0; at < 4 * THRESHOLD; at++) {
      await client.get(PATH, { ...from(address), ...wrongKey('old') });
      await client.get(PATH, { ...from(address), authorization: '' });
      await client.get(`/nothing?try=${at}`, from(address));
    }
    await round(gateway);
    expect(await answerTo(address)).toBe('200 USD');
    expect(await toldOf(address)).toEqual([]);
  });

  it('of a provider is let in as soon as its webhooks are signed right, however many were not', async () => {
    gateway.app.get(WebhookReaders, { strict: false }).set('spec', specReader);
    const address = anAddress();
    const tell = async (at: Date) => {
      const [id, body] = [randomUUID(), JSON.stringify({ nothing: true })];
      const headers = { ...from(address), ...signed(body, { id, at }) };
      return (await fetch(`${gateway.base}/api/v1/provider_webhooks/spec`, { method: 'POST', body, headers })).status;
    };
    const tenMinutesAgo = new Date(Date.now() - 600_000);
    for (let at = 0; at < 4 * THRESHOLD; at++) expect(await tell(tenMinutesAgo)).toBe(401);
    await round(gateway);
    expect(await toldOf(address)).toEqual([]);
    expect(await tell(new Date())).toBe(204);
  });

  it('of a trusted network is never blocked, nor a key that is used from it', async () => {
    for (let at = 0; at < 3 * THRESHOLD; at++) {
      await client.get(PATH, wrongKey(at));
      await client.get(`/nothing/${at}`);
      await client.get(unknown());
    }
    await round(gateway);
    expect(told(await client.get(PATH))).toBe('200 USD');
    expect(await toldOf('127.0.0.1')).toEqual([]);
  });

  it('is blocked in all processes, and let in by all when an operator says so', async () => {
    const other = await watched.start(LIMITS);
    const address = anAddress();
    await guess(address, THRESHOLD);
    await becomes('403 address_blocked', () => answerTo(address));
    const elsewhere = async () => told(await fetchAt(other, address));
    await until('the other refuses it too', async () => (await elsewhere()) === '403 address_blocked');
    const [block] = (await listBlocks(watched.db, false, 100)).filter(({ subject }) => subject === address);
    expect(await wishLift(watched.db, block?.id ?? '', 'alice', 'our own scanner')).toBe(true);
    expect(await wishLift(watched.db, block?.id ?? '', 'bob', 'twice')).toBe(false);
    await until('it is let in', async () => (await answerTo(address)) === '200 USD');
    await until('by the other too', async () => (await elsewhere()) === '200 USD');
    expect(await toldOf(address)).toMatchObject([
      { type: 'payflow.block.placed.v1' },
      { type: 'payflow.block.lifted.v1', data: { lifted_by: 'alice', lift_reason: 'our own scanner', id: block?.id } },
    ]);
  });
});

const fetchAt = async ({ base }: Gateway, address: string) => {
  const elsewhere = Object.assign(Object.create(client) as Client, { base });
  return elsewhere.get(PATH, from(address));
};

it('is blocked for longer each time', async () => {
  const brief = await watched.start({ ...LIMITS, BLOCK_DURATIONS: '200ms,1h' });
  const address = anAddress();
  const blocks = async () => (await toldOf(address)).map(({ data }) => [data['level'], lengthOf(data)]);
  const elsewhere = () => fetchAt(brief, address);
  for (let at = 0; at < THRESHOLD; at++) await guessAt(brief, address, at);
  await round(brief);
  await until('it is let in again', async () => (await elsewhere()).status === 200);
  await until('it is blocked again', async () => {
    await guessAt(brief, address, `again ${performance.now()}`);
    return (await elsewhere()).status === 403;
  });
  expect(await blocks()).toEqual([
    [1, 200],
    [2, 3_600_000],
  ]);
});

const guessAt = ({ base }: Gateway, address: string, at: number | string) =>
  fetch(`${base}${PATH}`, { headers: { ...from(address), ...wrongKey(`${address} ${at}`) } });

function lengthOf(block: Record<string, unknown>): number {
  return Date.parse(block['blocked_until'] as string) - Date.parse(block['blocked_at'] as string);
}

describe('a key', () => {
  it('that asks for many ids that there are not is let in no more, from wherever; another of the same organisation is', async () => {
    const curious = await client.withKey(watched.db, ['payments:read']);
    for (let at = 0; at < THRESHOLD; at++) await curious.get(unknown(), from(anAddress()));
    await becomes('403 credential_blocked', async () => told(await curious.get(PATH, from(anAddress()))));
    expect(await answerTo(anAddress())).toBe('200 USD');
  });

  it('that waits for one thing is let in', async () => {
    const patient = await client.withKey(watched.db, ['payments:read']);
    const path = unknown();
    for (let at = 0; at < 3 * THRESHOLD; at++) await patient.get(path, from(anAddress()));
    await round(gateway);
    expect((await patient.get(PATH, from(anAddress()))).status).toBe(200);
  });

  it('is told of where it is used from a network that it was not used from before', async () => {
    const travelling = await client.withKey(watched.db, ['payments:read']);
    const networks = new Set<unknown>(['198.51.100.0/24', '192.0.2.0/24']);
    const seen = async () => (await watched.told()).filter(({ data }) => networks.has(data['network']));
    await travelling.get(PATH, from('198.51.100.7'));
    await round(gateway);
    expect(await seen()).toEqual([]);
    await travelling.get(PATH, from('198.51.100.8'));
    await travelling.get(PATH, from('192.0.2.9'));
    await round(gateway);
    await until('it is told', async () => (await seen()).length > 0);
    expect(await seen()).toMatchObject([
      {
        type: 'payflow.api_key.new_network.v1',
        data: { network: '192.0.2.0/24', address: '192.0.2.9', networks_before: 1 },
      },
    ]);
  });
});
