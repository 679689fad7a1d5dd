import { randomUUID } from 'node:crypto';
import { newId } from '@payflow/contracts';
import { statement } from '@payflow/database';
import { statementsOf } from '@payflow/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pruneWebhooks } from '../../database/provider-webhook.repository.js';
import { keepBooks } from '../../testing/books.js';
import { signed, specReader } from '../../testing/signed-webhooks.js';
import { openStage, told, type Stage } from '../../testing/stage.js';
import { WebhookReaders } from '../../webhooks/readers.js';

const PATH = '/api/v1/provider_webhooks/spec';
const COPIES = 50;

const NOTED = statement(
  'spec.webhooks-noted',
  `select w.connector, w.xact_id::text as xact, o.xact_id::text as sent_in, m -> 'value' as data, m -> 'message' ->> 'actor' as actor,
     m -> 'message' ->> 'key' as key
   from provider_webhooks w left join outbox o on o.xact_id = w.xact_id left join lateral json_array_elements(o.messages::json) as m on true
   where w.webhook_id = $1`,
);
const COUNT = statement(
  'spec.webhooks-count',
  `select (select count(*) from provider_webhooks)::integer as rows,
     (select coalesce(sum(message_count), 0) from outbox)::integer as messages`,
);

let stage: Stage;
let payment: string;

beforeAll(async () => {
  stage = await openStage();
  stage.gateway.app.get(WebhookReaders).set('spec', specReader);
  const { alice: source, bob: destination } = await keepBooks(stage.client);
  const paid = await stage.client.postUntilTaken(
    '/api/v1/payments',
    { source, destination, amount: '100', asset: 'USD', method: { type: 'internal' } },
    { prefer: 'wait=10' },
  );
  payment = paid.body['id'] as string;
});
afterAll(() => stage?.close());

const reference = (of = payment, mode = 'test', tenant = stage.client.tenant) => `${tenant}/${mode}/${of}`;
const notice = (more: object = {}) => ({
  kind: 'dispute_opened',
  merchantReference: reference(),
  idempotencyKey: null,
  reference: `dsp_${randomUUID()}`,
  code: 'fraudulent',
  amount: '40',
  occurredAt: new Date().toISOString(),
  ...more,
});
const send = (body: string, headers: Record<string, string>, path = PATH) =>
  stage.client.send('POST', path, body, { authorization: '', ...headers });
async function sendNotice(more: object = {}, id: string = randomUUID()) {
  const body = JSON.stringify(notice(more));
  return { id, answer: await send(body, signed(body, { id })) };
}
const counts = async () => (await stage.db.rows<{ rows: number; messages: number }>(COUNT))[0];

describe('a webhook of a provider', () => {
  it('is noted with the message that tells of it, in one transaction, and answered 204 without a body', async () => {
    const more = { reference: 'dsp_1', evidenceDueBy: '2030-01-01T00:00:00.000Z' };
    const { id, answer } = await sendNotice(more);
    expect([answer.status, answer.text]).toEqual([204, '']);
    const rows = await stage.db.rows<Record<string, unknown>>(NOTED, [id]);
    expect(rows).toMatchObject([
      {
        connector: 'spec',
        actor: 'connector/spec',
        key: payment,
        data: {
          id: payment,
          connector: 'spec',
          notice: id,
          kind: 'dispute_opened',
          attempt: null,
          provider_reference: 'dsp_1',
          amount: '40',
          evidence_due_by: '2030-01-01T00:00:00.000Z',
        },
      },
    ]);
    expect(rows[0]?.['xact']).toBe(rows[0]?.['sent_in']);
  });

  it('is noted once, though fifty copies come at the same time, and more later', async () => {
    const before = await counts();
    const id = randomUUID();
    const body = JSON.stringify(notice());
    const headers = signed(body, { id });
    const answers = await Promise.all(Array.from({ length: COPIES }, () => send(body, headers)));
    answers.push(await send(body, headers));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([204]));
    expect(await counts()).toEqual({ rows: (before?.rows ?? 0) + 1, messages: (before?.messages ?? 0) + 1 });
  });

  it('names the attempt that it is about', async () => {
    const attempt = newId('attempt');
    const { id } = await sendNotice({ kind: 'attempt_approved', idempotencyKey: attempt, code: null });
    expect(await stage.db.rows(NOTED, [id])).toMatchObject([{ data: { kind: 'attempt_approved', attempt } }]);
  });

  it('costs two statements, and a copy of it one', async () => {
    const body = JSON.stringify(notice());
    const headers = signed(body, { id: randomUUID() });
    const inject = () =>
      statementsOf(async () => {
        const { statusCode } = await stage.gateway.app.inject({ method: 'POST', url: PATH, headers, payload: body });
        expect(statusCode).toBe(204);
      });
    expect((await inject()).filter((name) => name !== 'outbox.mark')).toEqual([
      'provider-webhooks.note',
      'outbox.insert',
    ]);
    expect(await inject()).toEqual(['provider-webhooks.note']);
  });

  it('is forgotten when it is older than it has to be', async () => {
    const { id } = await sendNotice();
    await pruneWebhooks(stage.db, 32, 100);
    expect(await stage.db.rows(NOTED, [id])).toHaveLength(1);
    await pruneWebhooks(stage.db, 0, 100);
    expect(await stage.db.rows(NOTED, [id])).toEqual([]);
  });
});

describe('what changes nothing', () => {
  const good = () => JSON.stringify(notice());
  const now = () => ({ id: randomUUID() });
  const ago = (seconds: number) => ({ ...now(), at: new Date(Date.now() - seconds * 1_000) });
  type Case = [what: string, expected: string, make: () => readonly [string, Record<string, string>, string?]];
  const signedAs = (body: string): readonly [string, Record<string, string>] => [body, signed(body, now())];

  it.each<Case>([
    ['a connector that is not there', '404 not_found', () => [...signedAs(good()), '/api/v1/provider_webhooks/nobody']],
    ['a path below it', '404 not_found', () => [...signedAs(good()), `${PATH}/more`]],
    ['a parameter', '400 invalid_parameter', () => [...signedAs(good()), `${PATH}?a=1`]],
    ['no signature', '401 webhook_signature_invalid', () => [good(), { 'content-type': 'application/json' }]],
    [
      'another signature',
      '401 webhook_signature_invalid',
      () => [good(), { ...signed(good(), now()), 'webhook-signature': 'v1,AAAA' }],
    ],
    ['another body than was signed', '401 webhook_signature_invalid', () => [`${good()} `, signed(good(), now())]],
    [
      'another number than was signed',
      '401 webhook_signature_invalid',
      () => [good(), { ...signed(good(), now()), 'webhook-id': 'other' }],
    ],
    ['one of six minutes ago', '401 webhook_signature_invalid', () => [good(), signed(good(), ago(360))]],
    ['one of six minutes from now', '401 webhook_signature_invalid', () => [good(), signed(good(), ago(-360))]],
    ['a body that is no JSON, though signed', '400 invalid_request', () => signedAs('{"kind":')],
    ['a kind that there is not', '400 invalid_request', () => signedAs(JSON.stringify(notice({ kind: 'else' })))],
    ['a sum that is none', '400 invalid_request', () => signedAs(JSON.stringify(notice({ amount: 40 })))],
    [
      'a sum that no column takes',
      '400 invalid_request',
      () => signedAs(JSON.stringify(notice({ amount: '9223372036854775808' }))),
    ],
    ...['2030-13-01T00:00:00.000Z', '0000-01-01T00:00:00.000Z'].map((evidenceDueBy): Case => [
      `a time that no column takes (${evidenceDueBy})`,
      '400 invalid_request',
      () => signedAs(JSON.stringify(notice({ evidenceDueBy }))),
    ]),
    ['a reason that is none', '400 invalid_request', () => signedAs(JSON.stringify(notice({ code: 'Not so' })))],
    [
      'a dispute without its reference',
      '400 invalid_request',
      () => signedAs(JSON.stringify(notice({ reference: null }))),
    ],
    ['NUL in a reference', '400 invalid_request', () => signedAs(JSON.stringify(notice({ reference: 'a\0b' })))],
    [
      'another content type',
      '415 unsupported_media_type',
      () => [good(), { ...signed(good(), now()), 'content-type': 'text/plain' }],
    ],
    [
      'lines of JSON',
      '415 unsupported_media_type',
      () => [good(), { ...signed(good(), now()), 'content-type': 'application/x-ndjson' }],
    ],
    ['a body over the limit', '413 payload_too_large', () => signedAs(JSON.stringify({ text: 'x'.repeat(300_000) }))],
    ['what says nothing that concerns us', '204', () => signedAs(JSON.stringify({ nothing: true }))],
    ['no merchant reference', '204', () => signedAs(JSON.stringify(notice({ merchantReference: null })))],
    [
      'another system’s merchant reference',
      '204',
      () => signedAs(JSON.stringify(notice({ merchantReference: 'order 7' }))),
    ],
    [
      'one with something before it',
      '204',
      () => signedAs(JSON.stringify(notice({ merchantReference: ` ${reference()}` }))),
    ],
    [
      'one of another mode',
      '204',
      () => signedAs(JSON.stringify(notice({ merchantReference: reference(payment, 'live') }))),
    ],
    [
      'one of another tenant',
      '204',
      () => signedAs(JSON.stringify(notice({ merchantReference: reference(payment, 'test', newId('tenant')) }))),
    ],
    [
      'one of a payment that is not there',
      '204',
      () => signedAs(JSON.stringify(notice({ merchantReference: reference(newId('payment')) }))),
    ],
    [
      'an attempt that is not ours',
      '204',
      () => signedAs(JSON.stringify(notice({ kind: 'attempt_approved', idempotencyKey: 'key-1' }))),
    ],
  ])('%s: %s', async (_, expected, make) => {
    const before = await counts();
    const [body, headers, path] = make();
    const answer = await send(body, headers, path);
    expect(told(answer)).toBe(expected);
    expect(await counts()).toEqual(before);
  });

  it('no body at all', async () => {
    const answer = await stage.client.send('POST', PATH, undefined, { authorization: '' });
    expect(told(answer)).toBe('415 unsupported_media_type');
    expect((await stage.client.get(PATH)).status).toBe(405);
  });
});
