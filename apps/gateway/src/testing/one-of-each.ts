import { newId, type DisputeSnapshot } from '@payflow/contracts';
import { until } from '@payflow/testing';
import { blockedKey } from './blocked.js';
import { keepBooks } from './books.js';
import { userOf } from './people.js';
import { LIMIT, openReviews, RULE } from './policies.js';
import type { Stage } from './stage.js';

/** Ids of one thing of each kind that the stage's client has, by the first words of the path that shows it. */
export type OneOfEach = Readonly<Record<string, string>>;

/** Makes one of each, and waits until all are shown. */
export async function oneOfEach(stage: Stage): Promise<OneOfEach> {
  const { client } = stage;
  const made = async (path: string, body: object, expected = 201): Promise<Record<string, unknown>> => {
    const answer = await client.postUntilTaken(path, body, { prefer: 'wait=10' });
    if (answer.status !== expected) throw new Error(`${path} answered ${answer.status} ${answer.text}`);
    return answer.body;
  };
  const idOf = async (path: string, body: object): Promise<string> => (await made(path, body))['id'] as string;
  const { alice, bob, euros, transfer, group, hold } = await keepBooks(client);
  const paid = { source: alice, destination: bob, amount: '100', asset: 'USD', method: { type: 'internal' } };
  const payment = await idOf('/api/v1/payments', { ...paid, capture: 'manual' });
  await client.postUntilTaken(`/api/v1/payments/${payment}/capture`, {}, { prefer: 'wait=10' });
  const captures = (await client.get(`/api/v1/payments/${payment}/captures`)).body['data'] as { id: string }[];
  const [dollarPool, euroPool] = [await client.open(), await client.open('EUR')];
  const movement = { debit_account: alice, credit_account: bob, amount: '10', asset: 'USD' };
  const bulk = await made('/api/v1/transfers/bulk', { mode: 'independent', transfers: [movement] }, 200);
  const [review = ''] = await openReviews(stage, 1);
  const user = await userOf(stage.db, client, 'viewer');
  return {
    '/accounts': alice,
    '/payments': payment,
    '/refunds': await idOf(`/api/v1/payments/${payment}/refunds`, { amount: '1' }),
    '/captures': captures[0]?.id ?? '',
    '/transfers': transfer,
    '/transfers/bulk': bulk['id'] as string,
    '/transfer_groups': group,
    '/holds': hold,
    '/conversions': await idOf('/api/v1/conversions', {
      ...{ source: alice, source_liquidity: dollarPool, source_asset: 'USD', source_amount: '100' },
      ...{ destination: euros, destination_liquidity: euroPool, destination_asset: 'EUR' },
      rate: { numerator: '92', denominator: '100' },
    }),
    '/assets': (await made('/api/v1/assets', { code: 'MILES', scale: 0, name: 'Miles' }))['code'] as string,
    '/transaction_types': await idOf('/api/v1/transaction_types', {
      id: 'wallets',
      debit: [{ path: 'users:*:wallet' }],
    }),
    '/limits': await idOf('/api/v1/limits', LIMIT),
    '/risk_rules': await idOf('/api/v1/risk_rules', RULE),
    '/reviews': review,
    ...(await people(stage)),
    '/disputes': await openDispute(stage, payment, [alice, bob]),
    '/keys': await idOf('/api/v1/keys', { name: 'spec', scopes: ['payments:read'] }),
    '/blocks': await blockedKey(stage.db, { tenant: client.tenant, livemode: false }, newId('apiKey')),
    '/users': user.id,
    '/auth/sessions': ((await user.client.get('/api/v1/auth/sessions')).body['data'] as { id: string }[])[0]?.id ?? '',
  };
}

/** Who may come in: a user with a session, and a key. */
async function people({ db, client }: Stage): Promise<OneOfEach> {
  const user = await userOf(db, client, 'viewer');
  const me = await user.client.get('/api/v1/auth/me');
  const key = await client.post('/api/v1/keys', { name: 'spec', scopes: ['payments:read'] });
  return { '/users': user.id, '/auth/sessions': me.body['session'] as string, '/keys': key.body['id'] as string };
}

/** A dispute over the payment, which is shown. Returns its id. */
export async function openDispute(
  { house, client }: Stage,
  payment: string,
  [source, destination]: [string, string],
): Promise<string> {
  const at = new Date().toISOString();
  const dispute: DisputeSnapshot = {
    ...{ id: newId('dispute'), payment, connector: 'cards', provider_reference: 'dsp_of_each', asset: 'USD' },
    ...{
      status: 'needs_response',
      leg: 'taking',
      leg_reason: null,
      amount: '40',
      amount_disputed: '40',
      reason: 'fraudulent',
    },
    ...{ source, destination, transfer: null, return_transfer: null, accounts: [] },
    ...{ evidence_due_by: null, evidence_submitted_at: null, version: 1, created_at: at, updated_at: at },
  };
  await house.publish('payflow.dispute.opened.v1', dispute, {
    tenant: client.tenant,
    livemode: false,
    traceparent: undefined,
  });
  await until('the dispute is shown', async () => (await client.get(`/api/v1/disputes/${dispute.id}`)).status === 200);
  return dispute.id;
}
