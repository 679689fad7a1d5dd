import { afterEach, describe, expect, it } from 'vitest';
import { HttpConnector } from '../outbound/http-connector.js';
import { json, playProvider, type PlayedProvider, type Reply } from '../testing/played-provider.js';
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
const dispute = {
  ...{ id: 'dp/1', object: 'dispute', status: 'won', merchant_reference: 'org_1/test/pay_1' },
  ...{ amount: { value: '5', currency: 'USD' }, evidence_due_by: '2026-01-15T00:00:00Z' },
};

describe('how a dispute stands at the acquirer', () => {
  it.each(['opened', 'won', 'lost'])('is told where it is asked for: %s', async (status) => {
    const { provider, connector } = await played(json(200, { ...dispute, status }));
    expect(await connector.dispute?.('dp/1', call())).toEqual({
      status,
      merchantReference: 'org_1/test/pay_1',
      evidenceDueBy: '2026-01-15T00:00:00.000Z',
      amount: '5',
      asset: 'USD',
    });
    expect(provider.heard.map(({ method, path }) => `${method} ${path}`)).toEqual(['GET /v1/disputes/dp%2F1']);
    expect(provider.heard[0]?.headers['authorization']).toBe('Bearer secret-key-of-the-acquirer');
  });

  it('names no time where the acquirer names none', async () => {
    const { connector } = await played(json(200, { ...dispute, evidence_due_by: null }));
    expect(await connector.dispute?.('dp/1', call())).toMatchObject({ evidenceDueBy: null });
  });

  it('names no sum where the acquirer names none', async () => {
    const { connector } = await played(json(200, { ...dispute, amount: null }));
    expect(await connector.dispute?.('dp/1', call())).toMatchObject({ status: 'won', amount: null, asset: null });
  });

  it.each<[string, Reply]>([
    ['a sum that cannot be read', json(200, { ...dispute, amount: { value: '5.00', currency: 'USD' } })],
    ['another status', json(404, { code: 'not_found' })],
    ['a failure', json(500, {})],
    ['another dispute', json(200, { ...dispute, id: 'dp/2' })],
    ['a state that is not known', json(200, { ...dispute, status: 'settled' })],
    ['no payment', json(200, { ...dispute, merchant_reference: undefined })],
    ['no JSON', (_heard, response) => response.end('<html>')],
  ])('is never guessed: %s', async (_, reply) => {
    const { connector } = await played(reply);
    await expect(connector.dispute?.('dp/1', call())).rejects.toThrow();
  });
});

describe('what the acquirer says of evidence', () => {
  it.each([
    ['succeeded', { outcome: 'approved', reference: 'op_1' }],
    ['declined', { outcome: 'declined' }],
    // It may be rejected yet: who takes it for submitted never sends it again.
    ['pending', { outcome: 'unknown', code: 'answer_inconclusive' }],
    ['expired', { outcome: 'unknown', code: 'answer_inconclusive' }],
  ])('%s', async (status, expected) => {
    const { connector } = await played(json(200, { id: 'op_1', object: 'operation', status }));
    const wish = {
      ...({ action: 'submit_evidence', idempotencyKey: 'dis_1', merchantReference: 'org_1/test/pay_1' } as const),
      ...{ amount: '5', asset: 'USD', reference: 'dp_1', evidence: { explanation: 'it was delivered' } },
    };
    expect(await connector.ask(wish, call())).toMatchObject(expected);
  });
});
