import { afterEach, describe, expect, it } from 'vitest';
import { json, playProvider, type PlayedProvider, type Reply } from '../testing/played-provider.js';
import { HttpConnector } from '../outbound/http-connector.js';
import { cardsRail } from './rail.js';

const closing: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const each of closing.splice(0)) await each.close();
});

async function played(reply: Reply): Promise<{ provider: PlayedProvider; connector: HttpConnector }> {
  const provider = await playProvider(reply);
  const settings = { URL: provider.url, HTTP2: false, CONNECTIONS: 2, TIME_LIMIT: 1_000, RATE_PER_S: undefined };
  const connector = new HttpConnector('cards', cardsRail('secret-key-of-the-acquirer'), settings, null);
  closing.push(connector, provider);
  return { provider, connector };
}

const call = () => ({ signal: new AbortController().signal });
const page = { currency: 'USD', captured: '1999', refunded: '5', disputed: '7', dispute_reversed: '2', net: '1989' };

describe("the acquirer's books", () => {
  it('are read whole, and by a merchant reference with its slashes', async () => {
    const { provider, connector } = await played(json(200, { object: 'books', data: [page] }));
    const expected = [{ asset: 'USD', captured: '1999', refunded: '5', disputed: '7', disputeReversed: '2' }];
    expect(await connector.books!(null, call())).toEqual(expected);
    expect(await connector.books!('org_1/test/pay_1', call())).toEqual(expected);
    expect(provider.heard.map(({ method, path }) => `${method} ${path}`)).toEqual([
      'GET /v1/books',
      'GET /v1/books/org_1%2Ftest%2Fpay_1',
    ]);
    expect(provider.heard[0]?.headers['authorization']).toBe('Bearer secret-key-of-the-acquirer');
  });

  it('are asked for again where the line is cut', async () => {
    let asked = 0;
    const { connector } = await played((heard, response) => {
      asked += 1;
      if (asked === 1) return void response.destroy();
      json(200, { data: [] })(heard, response);
    });
    expect(await connector.books!(null, call())).toEqual([]);
    expect(asked).toBe(2);
  });

  it.each<[string, Reply]>([
    ['another status', json(404, { code: 'not_found' })],
    ['a failure', json(500, {})],
    ['no list', json(200, { data: {} })],
    ['no JSON', (_heard, response) => response.end('<html>')],
    ['a page without its currency', json(200, { data: [{ ...page, currency: undefined }] })],
    ['a sum that is a number', json(200, { data: [{ ...page, captured: 1999 }] })],
  ])('are never guessed: %s', async (_, reply) => {
    const { connector } = await played(reply);
    await expect(connector.books!(null, call())).rejects.toThrow();
  });
});
