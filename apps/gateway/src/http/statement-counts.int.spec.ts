import { randomUUID } from 'node:crypto';
import { newId } from '@payflow/contracts';
import { statementsOf } from '@payflow/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { keepBooks, type Books } from '../testing/books.js';
import { blockedKey } from '../testing/blocked.js';
import { ownStatements } from '../testing/own-statements.js';
import { addUser } from '../testing/people.js';
import { LIMIT, openReviews, RULE } from '../testing/policies.js';
import { openStage, type Stage } from '../testing/stage.js';
import { OPERATIONS } from './openapi/operations.js';

/** How many rows a list has, of which none may cost a statement of its own. */
const MANY = 12;

interface Ask {
  readonly path: string;
  readonly body?: object;
}

interface Asked {
  readonly status: number;
  readonly statements: number;
  readonly names: readonly string[];
}

let stage: Stage;
let books: Books;
let payment: string;
let failed: string;
let refund: string;
let capture: string;
let conversion: string;
let holds: string[];
let limits: string[];
let rules: string[];
let reviews: string[];
let user: string;
let key: string;
let block: string;
let movement: Record<string, string>;
let convert: Record<string, unknown>;

const paid = () => {
  const { alice: source, bob: destination } = books;
  return { source, destination, amount: '1', asset: 'USD', method: { type: 'internal' } };
};
const bulk = (count: number) => ({ mode: 'independent', transfers: Array<object>(count).fill(movement) });
const unit = (code: string) => ({ code, scale: 0, name: 'Counted' });
const type = (id: string) => ({ id, debit: [{ path: 'users:*:wallet' }] });

beforeAll(async () => {
  stage = await openStage();
  const { client } = stage;
  books = await keepBooks(client);
  const [dollarPool, euroPool] = [await client.open(), await client.open('EUR')];
  movement = { debit_account: books.alice, credit_account: books.bob, amount: '10', asset: 'USD' };
  convert = {
    ...{ source: books.alice, source_liquidity: dollarPool, source_asset: 'USD', source_amount: '100' },
    ...{ destination: books.euros, destination_liquidity: euroPool, destination_asset: 'EUR' },
    rate: { numerator: '92', denominator: '100' },
  };
  const made = async (path: string, body: object) => {
    const { status, body: answer, text } = await client.postUntilTaken(path, body, { prefer: 'wait=10' });
    if (status !== 201) throw new Error(`${path} answered ${status} ${text}`);
    return answer['id'] as string;
  };
  const many = (path: string, body: object) => Promise.all(Array.from({ length: MANY }, () => made(path, body)));
  [payment = ''] = await many('/api/v1/payments', paid());
  const card = (token: string) => ({ type: 'card', token });
  const declined = await client.postUntilTaken('/api/v1/payments', { ...paid(), method: card('tok_decline_lost') });
  failed = (declined.body['payment'] as { id: string }).id;
  [refund = ''] = await many(
    `/api/v1/payments/${await made('/api/v1/payments', { ...paid(), amount: '100' })}/refunds`,
    { amount: '1' },
  );
  const held = await made('/api/v1/payments', { ...paid(), capture: 'manual' });
  await client.postUntilTaken(`/api/v1/payments/${held}/capture`, {}, { prefer: 'wait=10' });
  const captures = (await client.get(`/api/v1/payments/${held}/captures`)).body['data'] as { id: string }[];
  capture = captures[0]?.id ?? '';
  holds = await many('/api/v1/holds', movement);
  await many('/api/v1/transfers', movement);
  await Promise.all(Array.from({ length: MANY }, (_, at) => made('/api/v1/assets', unit(`COUNTED${at}`))));
  await Promise.all(Array.from({ length: MANY }, (_, at) => made('/api/v1/transaction_types', type(`counted_${at}`))));
  limits = await many('/api/v1/limits', LIMIT);
  rules = await many('/api/v1/risk_rules', RULE);
  reviews = await openReviews(stage, MANY);
  ({ id: user } = await addUser(stage.db, client.tenant, 'viewer'));
  key = await made('/api/v1/keys', { name: 'spec', scopes: ['payments:read'] });
  conversion = await made('/api/v1/conversions', convert);
  block = await blockedKey(stage.db, { tenant: client.tenant, livemode: false }, key);
});
afterAll(() => stage?.close());

/**
 * The request's own statements: it is injected, so that nothing else that the gateway does is among them. Of a read the fewer of
 * two: what is kept of whoever asks is looked up anew now and then, and a pool's new connection says who it is.
 */
async function askedFor(method: string, ask: Ask): Promise<Asked> {
  if (method !== 'get') {
    await stage.client.get('/api/v1/assets/USD');
    return injected(method, ask);
  }
  const [one, other] = [await injected(method, ask), await injected(method, ask)];
  return one.statements < other.statements ? one : other;
}

async function injected(method: string, { path, body }: Ask): Promise<Asked> {
  let status = 0;
  const names = await statementsOf(async () => {
    const answer = await stage.gateway.app.inject({
      method: method as 'GET',
      url: `/api/v1${path}`,
      headers: {
        authorization: `Bearer ${stage.client.key}`,
        ...(method === 'get' ? {} : { 'idempotency-key': randomUUID(), prefer: 'wait=0' }),
        ...(method === 'patch' ? { 'if-match': '*' } : {}),
        ...(body ? { 'content-type': 'application/json' } : {}),
      },
      ...(body ? { payload: body } : {}),
    });
    status = answer.statusCode;
  });
  const own = ownStatements(names);
  return { status, statements: own.length, names: own };
}

/** The statements that were executed so often or more. */
function repeated(names: readonly string[], times: number): string[] {
  return [...new Set(names)].filter((name) => names.filter((other) => other === name).length >= times);
}

/**
 * Every operation that the gateway answers itself, and its statements: of a write the record of its key, the view, the command
 * and what is waited for, of what is written down its entry in the audit log, and of what is asked of a payment that payment and its place among its commands; of a read one.
 */
const OWN: Readonly<Record<string, readonly [() => Ask, number]>> = {
  createPayment: [() => ({ path: '/payments', body: paid() }), 4],
  listPayments: [() => ({ path: '/payments' }), 1],
  getPayment: [() => ({ path: `/payments/${payment}` }), 1],
  confirmPayment: [() => ({ path: `/payments/${payment}/confirm`, body: {} }), 6],
  authorizePayment: [() => ({ path: `/payments/${payment}/authorize`, body: {} }), 6],
  incrementPayment: [() => ({ path: `/payments/${payment}/increment`, body: { amount: '1' } }), 6],
  capturePayment: [() => ({ path: `/payments/${payment}/capture`, body: {} }), 6],
  cancelPayment: [() => ({ path: `/payments/${payment}/cancel`, body: {} }), 6],
  refundPayment: [() => ({ path: `/payments/${payment}/refunds`, body: { amount: '1' } }), 6],
  retryPayment: [() => ({ path: `/payments/${failed}/retry`, body: {} }), 5],
  listPaymentRefunds: [() => ({ path: `/payments/${payment}/refunds` }), 2],
  listPaymentCaptures: [() => ({ path: `/payments/${payment}/captures` }), 2],
  listRefunds: [() => ({ path: '/refunds' }), 1],
  listCaptures: [() => ({ path: '/captures' }), 1],
  getRefund: [() => ({ path: `/refunds/${refund}` }), 1],
  getCapture: [() => ({ path: `/captures/${capture}` }), 1],
  openAccount: [() => ({ path: '/accounts', body: { asset: 'USD' } }), 4],
  listAccounts: [() => ({ path: '/accounts' }), 1],
  search: [() => ({ path: `/search?q=${payment}` }), 1],
  listTransactions: [() => ({ path: `/transactions?account=${books.alice}` }), 2],
  getAccount: [() => ({ path: `/accounts/${books.alice}` }), 1],
  updateAccount: [() => ({ path: `/accounts/${books.alice}`, body: { metadata: { of: 'alice' } } }), 5],
  createTransfer: [() => ({ path: '/transfers', body: { legs: [movement, movement, movement] } }), 5],
  listTransfers: [() => ({ path: '/transfers' }), 1],
  getTransfer: [() => ({ path: `/transfers/${books.transfer}` }), 1],
  updateTransfer: [() => ({ path: `/transfers/${books.transfer}`, body: { metadata: { of: 'both' } } }), 4],
  reverseTransfer: [() => ({ path: `/transfers/${books.transfer}/reverse`, body: { amount: '1' } }), 5],
  correctTransfer: [() => ({ path: `/transfers/${books.transfer}/correct`, body: { amount: '1' } }), 5],
  getTransferGroup: [() => ({ path: `/transfer_groups/${books.group}` }), 1],
  createConversion: [() => ({ path: '/conversions', body: convert }), 5],
  listConversions: [() => ({ path: '/conversions' }), 2],
  getConversion: [() => ({ path: `/conversions/${conversion}` }), 1],
  placeHold: [() => ({ path: '/holds', body: movement }), 4],
  listHolds: [() => ({ path: '/holds' }), 1],
  getHold: [() => ({ path: `/holds/${holds[0]}` }), 1],
  postHold: [() => ({ path: `/holds/${holds[0]}/post`, body: {} }), 5],
  voidHold: [() => ({ path: `/holds/${holds[1]}/void`, body: {} }), 4],
  defineAsset: [() => ({ path: '/assets', body: unit('MILES') }), 4],
  listAssets: [() => ({ path: '/assets' }), 1],
  getAsset: [() => ({ path: '/assets/COUNTED1' }), 1],
  defineTransactionType: [() => ({ path: '/transaction_types', body: type('one_more') }), 4],
  listTransactionTypes: [() => ({ path: '/transaction_types' }), 1],
  getTransactionType: [() => ({ path: '/transaction_types/counted_1' }), 1],
  defineLimit: [() => ({ path: '/limits', body: LIMIT }), 4],
  listLimits: [() => ({ path: '/limits' }), 1],
  getLimit: [() => ({ path: `/limits/${limits[0]}` }), 1],
  deleteLimit: [() => ({ path: `/limits/${limits[1]}` }), 7],
  defineRiskRule: [() => ({ path: '/risk_rules', body: RULE }), 4],
  listRiskRules: [() => ({ path: '/risk_rules' }), 1],
  getRiskRule: [() => ({ path: `/risk_rules/${rules[0]}` }), 1],
  deleteRiskRule: [() => ({ path: `/risk_rules/${rules[1]}` }), 7],
  listReviews: [() => ({ path: '/reviews?status=open' }), 1],
  getReview: [() => ({ path: `/reviews/${reviews[0]}` }), 1],
  getMe: [() => ({ path: '/auth/me' }), 2],
  listSessions: [() => ({ path: `/auth/sessions?user=${user}` }), 1],
  listUsers: [() => ({ path: '/users' }), 1],
  getUser: [() => ({ path: `/users/${user}` }), 1],
  listApiKeys: [() => ({ path: '/keys' }), 1],
  getApiKey: [() => ({ path: `/keys/${key}` }), 1],
  createApiKey: [() => ({ path: '/keys', body: { name: 'spec', scopes: ['payments:read'] } }), 7],
  updateApiKey: [() => ({ path: `/keys/${key}`, body: { name: 'other' } }), 8],
  rotateApiKey: [() => ({ path: `/keys/${key}/rotate`, body: {} }), 9],
  revokeApiKey: [() => ({ path: `/keys/${key}` }), 8],
  approveReview: [() => ({ path: `/reviews/${reviews[1]}/approve`, body: { reason: 'known' } }), 5],
  denyReview: [() => ({ path: `/reviews/${reviews[2]}/deny`, body: { reason: 'unknown' } }), 5],
  listAuditLog: [() => ({ path: '/audit_log' }), 1],
  listRequests: [() => ({ path: '/request_log' }), 1],
  listBlocks: [() => ({ path: '/blocks' }), 1],
  liftBlock: [() => ({ path: `/blocks/${block}` }), 8],
  closePeriod: [() => ({ path: '/periods/2020-01/close', body: {} }), 4],
};

/** What the ledger, payments or monitoring answers. */
const FORWARDED = [
  'getAccountBalance',
  'getAccountStatement',
  'listAccountTransfers',
  'getAccountAggregate',
  'getTrialBalance',
  'getTransferProof',
  'listTransferMetadata',
  'listAccountMetadata',
  'listPeriods',
  'getPeriod',
  'getLimitUse',
  'listPaymentAttempts',
  'listAttempts',
  'getMonitoringHealth',
  'getMonitoringSummary',
  'getMonitoringDatabase',
];

/** Counted beside what else is shown of them. */
const ELSEWHERE = [
  // A session's, or a live key's alone: logins.int.spec.ts and users.int.spec.ts.
  ...['logIn', 'refreshSession', 'acceptInvitation', 'logOut', 'changePassword', 'revokeSession'],
  ...['createUser', 'updateUser', 'inviteUser'],
  'receiveProviderWebhook',
  'listDisputes',
  'getDispute',
  'listPaymentDisputes',
  'submitDisputeEvidence',
  'getTestClock',
  'advanceTestClock',
  'resetTestMode',
];

/** Many at once: what of theirs is no group's is the bulk's own key, looked for and taken, and the payments they name. */
const PAYMENT_BULKS: Readonly<Record<string, readonly [path: string, bodyOf: (items: number) => object]>> = {
  createPaymentBulk: ['/payments/bulk', (items) => ({ payments: Array<object>(items).fill(paid()) })],
  cancelPaymentBulk: ['/payments/bulk_cancel', (items) => ({ cancellations: Array<object>(items).fill({ payment }) })],
  refundPaymentBulk: [
    '/payments/bulk_refund',
    (items) => ({ refunds: Array<object>(items).fill({ payment, amount: '1' }) }),
  ],
};

describe('a request costs a fixed number of statements at most', () => {
  it.each(Object.entries(OWN))('%s', async (id, [ask, expected]) => {
    const method = OPERATIONS.find((operation) => operation.id === id)?.method ?? '';
    const { status, names } = await askedFor(method, ask());
    // A cache may answer a read with fewer.
    expect([status < 300, names.length <= expected, names]).toEqual([true, true, names]);
  });

  it('a bulk of few and one of many', async () => {
    const few = await askedFor('post', { path: '/transfers/bulk', body: bulk(2) });
    const many = await askedFor('post', { path: '/transfers/bulk', body: bulk(400) });
    // It may have ended by the time it is answered, and then its results are read as well.
    for (const { status } of [few, many]) expect([200, 202]).toContain(status);
    // It is written in slices, which are far fewer than its transfers.
    expect([few.statements <= 14, few.names]).toEqual([true, few.names]);
    expect([many.statements <= 22, many.names]).toEqual([true, many.names]);
  });

  it('a bulk whose items name units, each another', async () => {
    const transfers = Array.from({ length: 400 }, (_, at) => ({ ...movement, asset: `UNIT${at}` }));
    const { status, names } = await askedFor('post', {
      path: '/transfers/bulk',
      body: { mode: 'independent', transfers },
    });
    expect([status, names.length <= 14, names]).toEqual([200, true, names]);
  });

  it.each(Object.entries(PAYMENT_BULKS))('%s, whose items go in groups', async (_, [path, bodyOf]) => {
    const items = 200;
    const { status, names } = await askedFor('post', { path, body: bodyOf(items) });
    // All of them may have ended by the time it is answered.
    expect([200, 202]).toContain(status);
    // Its items go in groups as everybody's do: how many is a matter of the moment, and far fewer than they are.
    expect(repeated(names, items / 2)).toEqual([]);
  });

  it('a bulk that is read', async () => {
    const made = await stage.client.postUntilTaken('/api/v1/transfers/bulk', bulk(100), { prefer: 'wait=10' });
    expect((await askedFor('get', { path: `/transfers/bulk/${made.body['id'] as string}` })).statements).toBe(2);
  });

  it.each(FORWARDED)('%s, which its owner answers, no more than one of the gateway’s own', async (id) => {
    const { method = '', path = '' } = OPERATIONS.find((operation) => operation.id === id) ?? {};
    const filled = path
      .replace('/api/v1', '')
      .replace('/payments/{id}', `/payments/${payment}`)
      .replace(/^\/attempts$/, '/attempts?needs_attention=true')
      .replace('/limits/{id}', `/limits/${newId('limit')}`)
      .replace('/accounts/{id}', `/accounts/${books.alice}`)
      .replace('/transfers/{id}', `/transfers/${books.transfer}`)
      .replace('{month}', '2020-01');
    expect((await askedFor(method, { path: filled })).statements).toBeLessThanOrEqual(1);
  });

  it('whichever it is: none is left out here', () => {
    const counted = [
      ...Object.keys(OWN),
      ...FORWARDED,
      ...ELSEWHERE,
      'createTransferBulk',
      ...Object.keys(PAYMENT_BULKS),
      'getTransferBulk',
      'listTransferBulkResults',
    ];
    expect(counted.sort()).toEqual(OPERATIONS.map(({ id }) => id).sort());
  });
});
