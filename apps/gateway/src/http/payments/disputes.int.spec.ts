import { randomUUID } from 'node:crypto';
import { newId, type DisputeSnapshot } from '@payflow/contracts';
import { statementsOf, until } from '@payflow/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { keepBooks, type Books } from '../../testing/books.js';
import { Client, countRows } from '../../testing/gateway-under-test.js';
import { ownStatements } from '../../testing/own-statements.js';
import { openStage, told, type Stage } from '../../testing/stage.js';

const DISPUTES = '/api/v1/disputes';
const FEW = 3;
const MANY = 12;

let stage: Stage;
let client: Client;
let books: Books;
let payment: string;

beforeAll(async () => {
  stage = await openStage();
  client = stage.client;
  books = await keepBooks(client);
  payment = await pay();
});
afterAll(() => stage?.close());

async function pay(): Promise<string> {
  const { alice: source, bob: destination } = books;
  const body = { source, destination, amount: '100', asset: 'USD', method: { type: 'internal' } };
  return (await client.postUntilTaken('/api/v1/payments', body, { prefer: 'wait=10' })).body['id'] as string;
}
const owner = () => ({ tenant: client.tenant, livemode: false, traceparent: undefined });
const state = (more: Partial<DisputeSnapshot> = {}): DisputeSnapshot => {
  const at = new Date().toISOString();
  return {
    ...{ id: newId('dispute'), payment, connector: 'cards', provider_reference: `dsp_${randomUUID()}`, asset: 'USD' },
    ...{
      status: 'needs_response',
      leg: 'taking',
      leg_reason: null,
      amount: '40',
      amount_disputed: '40',
      reason: 'fraudulent',
    },
    ...{ source: books.alice, destination: books.bob, transfer: null, return_transfer: null, accounts: [] },
    ...{ evidence_due_by: null, evidence_submitted_at: null, version: 1, created_at: at, updated_at: at },
    ...more,
  };
};
const shown = async (id: string) => (await client.get(`${DISPUTES}/${id}`)).body;
/** Tells of a dispute, and waits until it is shown. */
async function opened(more: Partial<DisputeSnapshot> = {}): Promise<DisputeSnapshot> {
  const dispute = state(more);
  await stage.house.publish('payflow.dispute.opened.v1', dispute, owner());
  await until('it is shown', async () => (await shown(dispute.id))['version'] === dispute.version);
  return dispute;
}

describe('a dispute that payments told of', () => {
  it('is shown with the money’s place, and a tag of its version', async () => {
    const dispute = await opened({ leg: 'refused', leg_reason: 'insufficient_funds' });
    const answer = await client.get(`${DISPUTES}/${dispute.id}`);
    expect(answer.body).toMatchObject({
      object: 'dispute',
      payment,
      status: 'needs_response',
      amount: '40',
      amount_disputed: '40',
      leg: 'refused',
      leg_reason: 'insufficient_funds',
      destination: books.bob,
    });
    const tagged = { 'if-none-match': answer.headers.get('etag') as string };
    expect((await client.get(`${DISPUTES}/${dispute.id}`, tagged)).status).toBe(304);
  });

  it('never goes back to what it was', async () => {
    const dispute = await opened();
    const won: DisputeSnapshot = { ...dispute, status: 'won', leg: 'taking', amount_disputed: '0', version: 3 };
    await stage.house.publish('payflow.dispute.won.v1', won, owner());
    await stage.house.publish('payflow.dispute.updated.v1', { ...dispute, leg: 'taken', version: 2 }, owner());
    await until('it is shown', async () => (await shown(dispute.id))['version'] === 3);
    const last = await opened();
    expect((await shown(last.id))['version']).toBe(1);
    expect(await shown(dispute.id)).toMatchObject({ status: 'won', amount_disputed: '0', version: 3 });
  });

  it('is shown with its time for evidence, also where that is told later', async () => {
    const dispute = await opened();
    const due: DisputeSnapshot = { ...dispute, evidence_due_by: '2026-12-24T12:00:00.000Z', version: 2 };
    await stage.house.publish('payflow.dispute.updated.v1', due, owner());
    await until('it is shown', async () => (await shown(dispute.id))['version'] === 2);
    expect((await shown(dispute.id))['evidence_due_by']).toBe(due.evidence_due_by);
  });

  it('brings the balances of both accounts with it', async () => {
    const before = (await client.get(`/api/v1/accounts/${books.bob}`)).body as { version: number };
    const dispute = await opened();
    const counters = { posted_debits: '40', posted_credits: '140', pending_debits: '0', pending_credits: '0' };
    const terms = { kind: 'liability', state: 'open', overdraft: 'none', overdraft_limit: '0' } as const;
    const bob = { id: books.bob, asset: 'USD', ...terms, ...counters, version: before.version + 1_000 };
    const taken: DisputeSnapshot = {
      ...dispute,
      leg: 'taken',
      transfer: newId('transfer'),
      version: 2,
      accounts: [bob],
    };
    await stage.house.publish('payflow.dispute.updated.v1', taken, owner());
    await until('it is shown', async () => (await shown(dispute.id))['leg'] === 'taken');
    expect((await client.get(`/api/v1/accounts/${books.bob}`)).body).toMatchObject({
      posted_debits: '40',
      posted_credits: '140',
    });
  });

  it('is listed newest first, page by page, by payment and by status', async () => {
    const other = await pay();
    const made: string[] = [];
    for (let at = 0; at < FEW; at++)
      made.unshift((await opened({ payment: other, status: at === 1 ? 'lost' : 'needs_response' })).id);
    const ids = ({ body }: { body: Record<string, unknown> }) => (body['data'] as { id: string }[]).map(({ id }) => id);
    expect(ids(await client.get(`${DISPUTES}?payment=${other}`))).toEqual(made);
    expect(ids(await client.get(`/api/v1/payments/${other}/disputes`))).toEqual(made);
    expect(ids(await client.get(`/api/v1/payments/${other}/disputes?status=lost`))).toEqual([made[1]]);
    const first = await client.get(`/api/v1/payments/${other}/disputes?limit=2`);
    const cursor = encodeURIComponent(first.body['next_cursor'] as string);
    expect(ids(first)).toEqual(made.slice(0, 2));
    expect(ids(await client.get(`/api/v1/payments/${other}/disputes?limit=2&cursor=${cursor}`))).toEqual(made.slice(2));
    expect(told(await client.get(`${DISPUTES}?payment=${payment}&cursor=${cursor}`))).toBe('400 cursor_mismatch');
  });

  it('costs one statement to read, and a list as many for few as for many', async () => {
    const dispute = await opened();
    await Promise.all(Array.from({ length: MANY }, () => opened()));
    const asked = (url: string) =>
      statementsOf(async () => {
        await stage.gateway.app.inject({ method: 'GET', url, headers: { authorization: `Bearer ${client.key}` } });
      });
    expect(await asked(`${DISPUTES}/${dispute.id}`)).toEqual(['dispute-views.find']);
    expect(await asked(DISPUTES)).toHaveLength(1);
    expect(await asked(`/api/v1/payments/${payment}/disputes`)).toHaveLength(2);
  });
});

describe('evidence', () => {
  const send = (dispute: string, body: object, headers: Record<string, string> = {}) =>
    client.post(`${DISPUTES}/${dispute}/evidence`, body, { prefer: 'wait=10', ...headers });
  const commandOf = async (dispute: string) => {
    const find = () =>
      stage.house.commands.find(
        ({ type, data }) =>
          (type as string) === 'payflow.dispute.submit_evidence.v1' &&
          (data as unknown as { dispute: string }).dispute === dispute,
      );
    return until('the command', find);
  };

  it('is answered once, for the waiter and for every copy', async () => {
    const dispute = await opened();
    const key = { 'idempotency-key': randomUUID() };
    const waiting = send(dispute.id, { receipt: 'It was delivered.' }, key);
    const command = await commandOf(dispute.id);
    expect(command.data).toMatchObject({
      id: payment,
      dispute: dispute.id,
      evidence: { receipt: 'It was delivered.' },
    });
    const review = { ...dispute, status: 'under_review', version: 2, command: command.id } as const;
    await stage.house.publish('payflow.dispute.evidence_submitted.v1', review, owner());
    const answer = await waiting;
    expect([answer.status, answer.body['status']]).toEqual([200, 'under_review']);
    const copy = await send(dispute.id, { receipt: 'It was delivered.' }, key);
    expect([copy.text, copy.headers.get('idempotency-replayed')]).toEqual([answer.text, 'true']);
  });

  it.each([
    ['evidence_not_accepted', '409 evidence_not_accepted'],
    ['dispute_not_found', '404 not_found'],
    ['evidence_too_large', '422 evidence_refused'],
  ])('that is refused because of %s is answered %s', async (reason, expected) => {
    const dispute = await opened();
    const waiting = send(dispute.id, { receipt: 'x' });
    const { id: command } = await commandOf(dispute.id);
    const data = { id: dispute.id, payment, command, reason };
    await stage.house.publish('payflow.dispute.evidence_rejected.v1', data, owner());
    expect(told(await waiting)).toBe(expected);
  });

  it('has 202 and the dispute where the provider takes its time', async () => {
    const dispute = await opened();
    const answer = await send(dispute.id, { receipt: 'x' }, { prefer: 'wait=0' });
    expect([answer.status, answer.headers.get('location')]).toEqual([202, `${DISPUTES}/${dispute.id}`]);
    expect(answer.body).toMatchObject({ id: dispute.id, status: 'needs_response' });
  });

  it.each<[string, string, unknown]>([
    ['nothing', '400 invalid_request', {}],
    ['a number', '400 invalid_request', { receipt: 5 }],
    ['an empty text', '400 invalid_request', { receipt: '' }],
    ['a text that is too long', '400 invalid_request', { receipt: 'x'.repeat(2_001) }],
    ['a name that is none', '400 invalid_request', { 'Not so': 'x' }],
    ['a card number under the name of a sum', '422 card_data_not_accepted', { card_amount: '4111111111111111' }],
    [
      'too many parts',
      '400 invalid_request',
      Object.fromEntries(Array.from({ length: 21 }, (_, at) => [`part_${at}`, 'x'])),
    ],
    ['parts within parts', '400 invalid_request', { receipt: { text: 'x' } }],
    ['a list', '400 invalid_request', []],
    ['no JSON', '400 invalid_json', '{"receipt":'],
    [
      'more bytes than a message may have',
      '413 payload_too_large',
      Object.fromEntries(Array.from({ length: 20 }, (_, at) => [`part_${at}`, '€'.repeat(1_300)])),
    ],
  ])('of %s is refused, and leaves nothing', async (_, expected, body) => {
    const dispute = await opened();
    const before = await countRows(stage.db);
    expect(told(await client.post(`${DISPUTES}/${dispute.id}/evidence`, body))).toBe(expected);
    expect(await countRows(stage.db)).toEqual(before);
  });

  it('costs what every change of something does that is written down', async () => {
    const { id } = await opened();
    const names = await statementsOf(async () => {
      await stage.gateway.app.inject({
        method: 'POST',
        url: `${DISPUTES}/${id}/evidence`,
        headers: {
          authorization: `Bearer ${client.key}`,
          'idempotency-key': randomUUID(),
          prefer: 'wait=0',
          'content-type': 'application/json',
        },
        payload: { receipt: 'x' },
      });
    });
    // The first asks for copies beforehand, where there were some a moment ago.
    const own = ownStatements(names).filter((name) => name !== 'idempotency.find');
    expect([own.length <= 5, own]).toEqual([true, own]);
  });

  it('needs a key', async () => {
    const { id } = await opened();
    expect(told(await send(id, { receipt: 'x' }, { 'idempotency-key': '' }))).toBe('400 idempotency_key_missing');
  });

  it('is for the dispute as it was seen: payments compare, and what has changed is answered the same to a copy', async () => {
    const dispute = await opened();
    const seen = (await client.get(`${DISPUTES}/${dispute.id}`)).headers.get('etag') as string;
    const headers = { 'if-match': seen, 'idempotency-key': randomUUID() };
    const waiting = send(dispute.id, { receipt: 'x' }, headers);
    const command = await commandOf(dispute.id);
    expect(command.data).toMatchObject({ dispute: dispute.id, if_version: dispute.version });
    const data = { id: dispute.id, payment, command: command.id, reason: 'version_differs' };
    await stage.house.publish('payflow.dispute.evidence_rejected.v1', data, owner());
    const answer = await waiting;
    expect(told(answer)).toBe('412 version_differs');
    const copy = await send(dispute.id, { receipt: 'x' }, headers);
    expect([copy.text, copy.headers.get('idempotency-replayed')]).toEqual([answer.text, 'true']);
  });

  it('for another version than there is is refused at the door', async () => {
    const { id, version } = await opened();
    const before = await countRows(stage.db);
    for (const other of [version - 1, version + 1])
      expect(told(await send(id, { receipt: 'x' }, { 'if-match': `W/"${other}"` }))).toBe('412 version_differs');
    expect(await countRows(stage.db)).toEqual(before);
  });

  it('for any version says nothing of one, and a tag that is none leaves nothing', async () => {
    const [any, none] = [await opened(), await opened()];
    await send(any.id, { receipt: 'x' }, { 'if-match': '*', prefer: 'wait=0' });
    expect((await commandOf(any.id)).data).not.toHaveProperty('if_version');
    const before = await countRows(stage.db);
    for (const tag of ['3', '"x"', 'W/"1", W/"2"', '"-1"', ''])
      expect(told(await send(none.id, { receipt: 'x' }, { 'if-match': tag }))).toBe('400 invalid_header');
    expect(await countRows(stage.db)).toEqual(before);
  });
});

describe('what is not there, or not theirs', () => {
  it.each([
    ['no id', `${DISPUTES}/nothing`, '400 invalid_id'],
    ['the id of a payment', `${DISPUTES}/${newId('payment')}`, '400 invalid_id'],
    ['a dispute that is not there', `${DISPUTES}/${newId('dispute')}`, '404 not_found'],
    ['a payment that is not there', `/api/v1/payments/${newId('payment')}/disputes`, '404 not_found'],
    ['no payment', `/api/v1/payments/nothing/disputes`, '400 invalid_id'],
    ['a filter that there is not', `${DISPUTES}?colour=red`, '400 invalid_parameter'],
    ['a status that there is not', `${DISPUTES}?status=open`, '400 invalid_parameter'],
    ['a payment that is none', `${DISPUTES}?payment=acct_1`, '400 invalid_parameter'],
    ['a cursor that is none', `${DISPUTES}?cursor=x`, '400 cursor_invalid'],
    ['a limit that is none', `${DISPUTES}?limit=0`, '400 invalid_parameter'],
  ])('%s', async (_, path, expected) => {
    expect(told(await client.get(path))).toBe(expected);
  });

  it('is hidden from other tenants, other modes and keys without the scope', async () => {
    const { id } = await opened();
    const stranger = await Client.of(stage.db, client.base);
    const live = await client.withKey(stage.db, ['payments:read'], true);
    const reader = await client.withKey(stage.db, ['payments:read']);
    for (const other of [stranger, live]) {
      expect((await other.get(`${DISPUTES}/${id}`)).status).toBe(404);
      expect((await other.get(DISPUTES)).body['data']).toEqual([]);
    }
    expect((await stranger.post(`${DISPUTES}/${id}/evidence`, { receipt: 'x' })).status).toBe(404);
    expect((await reader.post(`${DISPUTES}/${id}/evidence`, { receipt: 'x' })).status).toBe(403);
  });
});
