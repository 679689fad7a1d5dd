import { newId, type AnyMessage } from '@payflow/contracts';
import { describe, expect, it } from 'vitest';
import type { RawRecord } from './broker/port.js';
import { decodeRecord, decodeRefusable, encodeRecord } from './envelope.js';

const TOPIC = 'ledger.commands.v1';
const WANTED = new Set(['payflow.account.open.v1']);
const account = newId('account');
const id = newId('event');
const message = {
  id,
  type: 'payflow.account.open.v1',
  subject: account,
  tenant: newId('tenant'),
  livemode: true,
  key: account,
  aggregateVersion: 3,
  causationId: newId('event'),
  correlationId: 'request-7',
  actor: 'spec',
  time: '2026-11-21T08:00:00.000Z',
  traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
  tracestate: 'vendor=1',
  data: {
    id: account,
    path: 'till/1',
    asset: 'USD',
    kind: 'liability',
    overdraft: 'none',
    overdraft_limit: '0',
    metadata: { note: '{[{[' },
    created_at: '2026-11-21T08:00:00.000Z',
  },
} as const satisfies AnyMessage;

interface Change {
  key?: Buffer | null;
  value?: Buffer | string | null;
  headers?: Record<string, string | Buffer | Buffer[] | undefined>;
}

/** The message's record as a consumer gets it, changed. */
function record({ key, value, headers = {} }: Change = {}): RawRecord {
  const sent = encodeRecord(message, JSON.stringify(message.data));
  const asBytes = Object.fromEntries(Object.entries(sent.headers).map(([name, text]) => [name, Buffer.from(text)]));
  return {
    offset: 0,
    key: key === undefined ? Buffer.from(sent.key as string) : key,
    value:
      typeof value === 'string' ? Buffer.from(value) : value === undefined ? Buffer.from(sent.value as string) : value,
    headers: Object.fromEntries(Object.entries({ ...asBytes, ...headers }).filter(([, text]) => text !== undefined)),
    timestamp: '0',
  };
}

const data = (change: object) => JSON.stringify({ ...message.data, ...change });
const nested = (depth: number) => data({ extra: JSON.parse('['.repeat(depth) + ']'.repeat(depth)) as unknown });

describe('a record', () => {
  it('is read as it was written', () => {
    expect(decodeRecord(record(), TOPIC, WANTED)).toEqual({ kind: 'message', message });
  });

  it('is read by an older reader, which ignores what it does not know', () => {
    const decoded = decodeRecord(record({ value: data({ colour: 'red', metadata: {} }) }), TOPIC, WANTED);
    expect(decoded).toMatchObject({ kind: 'message', message: { data: { id: account, colour: 'red' } } });
  });

  it('is not refused for brackets inside its strings', () => {
    const value = data({ metadata: { note: `{"[${'{['.repeat(200)}\\"` } });
    expect(decodeRecord(record({ value }), TOPIC, WANTED).kind).toBe('message');
  });

  it('that is not for this reader, or not known here, is told apart before its data is looked at', () => {
    const typed = (ce_type: string) => decodeRecord(record({ headers: { ce_type }, value: 'junk' }), TOPIC, WANTED);
    expect(typed('payflow.transfer.post.v1')).toEqual({ kind: 'skipped', type: 'payflow.transfer.post.v1' });
    for (const type of ['payflow.account.open.v2', 'payflow.transaction_type.define.v2'])
      expect(typed(type)).toEqual({ kind: 'newer', type });
    expect(typed('payflow.account.frobnicate.v1')).toEqual({ kind: 'unknown', type: 'payflow.account.frobnicate.v1' });
    expect(typed('constructor')).toEqual({ kind: 'unknown', type: 'constructor' });
  });

  it.each<[string, Change, RegExp]>([
    ['no value', { value: null }, /^value_missing$/],
    ['no key', { key: null }, /^key_missing$/],
    ['another key than its data says', { key: Buffer.from(newId('account')) }, /^key_differs$/],
    ['half of a JSON object', { value: '{"id":' }, /^not_json$/],
    ['bytes that are no UTF-8', { value: Buffer.from([0x22, 0xff, 0x22]) }, /^not_json$/],
    ['a number for its data', { value: '7' }, /^schema: /],
    ['null for its data', { value: 'null' }, /^schema: /],
    ['a field of the wrong type', { value: data({ asset: 840 }) }, /^schema: \/asset /],
    ['a field missing', { value: data({ asset: undefined }) }, /^schema: \/ must have required property/],
    ['its data 100 levels deep', { value: nested(100) }, /^value_too_deep$/],
    [
      'its data 200,000 levels deep',
      { value: `{"extra":${'['.repeat(200_000)}${']'.repeat(200_000)}}` },
      /^schema|^value_too_deep$/,
    ],
    ['800 KB of data', { value: data({ extra: 'x'.repeat(800_000) }) }, /^value_too_large$/],
    ['NUL in its data', { value: data({ extra: { deep: ['\0'] } }) }, /^text_malformed$/],
    ['NUL in a name', { value: data({ 'a\0': 1 }) }, /^text_malformed$/],
    ['half a character in its data', { value: data({ extra: '\ud83d' }) }, /^text_malformed$/],
    ['NUL in its context', { headers: { ce_actor: 'a\0' } }, /^text_malformed$/],
    ['no id', { headers: { ce_id: undefined } }, /^id_malformed$/],
    ['an id of another kind', { headers: { ce_id: newId('payment') } }, /^id_malformed$/],
    ['two ids', { headers: { ce_id: [Buffer.from(id), Buffer.from(id)] } }, /^id_malformed$/],
    ['no tenant', { headers: { ce_tenant: undefined } }, /^tenant_malformed$/],
    ['no mode', { headers: { ce_livemode: undefined } }, /^mode_malformed$/],
    ['a mode that is neither', { headers: { ce_livemode: 'yes' } }, /^mode_malformed$/],
    ['a cause that is no event', { headers: { ce_causationid: 'x' } }, /^causation_malformed$/],
    ['a version below zero', { headers: { ce_aggregateversion: '-1' } }, /^version_malformed$/],
    ['a version beyond counting', { headers: { ce_aggregateversion: '9007199254740993' } }, /^version_malformed$/],
    ['no time', { headers: { ce_time: undefined } }, /^time_malformed$/],
    ['a time without a zone', { headers: { ce_time: '2026-11-21T08:00:00.000' } }, /^time_malformed$/],
    ['a time in the year 275760', { headers: { ce_time: '+275760-09-13T00:00:00.000Z' } }, /^time_malformed$/],
    ['no type', { headers: { ce_type: undefined } }, /^type_missing$/],
    ['another specversion', { headers: { ce_specversion: '0.3' } }, /^specversion_unknown$/],
    ['the type of another topic', { headers: { ce_type: 'payflow.payment.create.v1' } }, /^wrong_topic$/],
    [
      '1,000 headers',
      { headers: Object.fromEntries(Array.from({ length: 1_000 }, (_, at) => [`x-${at}`, ''])) },
      /^too_many_headers$/,
    ],
  ])('with %s can be applied by nobody', (_, change, reason) => {
    const decoded = decodeRecord(record(change), TOPIC, WANTED);
    expect(decoded.kind).toBe('undecodable');
    expect(decoded.kind === 'undecodable' && decoded.reason).toMatch(reason);
  });
});

describe('a damaged command', () => {
  it.each<[string, Change]>([
    ['no data', { value: null }],
    ['half of its data', { value: '{"id":' }],
    ['a field of the wrong type', { value: data({ asset: 840 }) }],
    ['data that names nothing', { value: '{}' }],
    ['800 KB of data', { value: data({ extra: 'x'.repeat(800_000) }) }],
    ['its data 100 levels deep', { value: nested(100) }],
    ['no time', { headers: { ce_time: undefined } }],
    ['a cause that is no event', { headers: { ce_causationid: 'x' } }],
    ['a version below zero', { headers: { ce_aggregateversion: '-1' } }],
    ['1,000 headers', { headers: Object.fromEntries(Array.from({ length: 1_000 }, (_, at) => [`x-${at}`, ''])) }],
  ])('with %s can still be refused: context and key say who asked for what', (_, change) => {
    expect(decodeRecord(record(change), TOPIC, WANTED).kind).toBe('undecodable');
    const { id, type, subject, tenant, livemode, key, actor, traceparent } = message;
    const context = { id, type, subject, tenant, livemode, key, actor, traceparent, causationId: id };
    expect(decodeRefusable(record(change), TOPIC)).toMatchObject({ ...context, data: { id: account } });
  });

  it.each<[string, Change]>([
    ['no id', { headers: { ce_id: undefined } }],
    ['two ids', { headers: { ce_id: [Buffer.from(id), Buffer.from(id)] } }],
    ['no tenant', { headers: { ce_tenant: undefined } }],
    ['a mode that is neither', { headers: { ce_livemode: 'yes' } }],
    ['no subject', { headers: { ce_subject: undefined } }],
    ['a subject of another kind', { headers: { ce_subject: newId('payment') } }],
    ['a key that is not its subject', { key: Buffer.from(newId('account')) }],
    ['no key', { key: null }],
    ['data that names something else', { value: data({ id: newId('account') }) }],
    ['another specversion', { headers: { ce_specversion: '0.3' } }],
    ['the type of another topic', { headers: { ce_type: 'payflow.payment.create.v1' } }],
    ['the type of an event', { headers: { ce_type: 'payflow.account.opened.v1' } }],
    ['no type', { headers: { ce_type: undefined } }],
  ])('with %s is refused to nobody', (_, change) => {
    expect(decodeRefusable(record({ value: '{}', ...change }), TOPIC)).toBeUndefined();
  });

  it('hands on what its refusal repeats and nothing else, nor what cannot be stored', () => {
    const headers = { ce_actor: 'a\0b', ce_correlationid: 'x\0', traceparent: 'junk', tracestate: 'junk\0' };
    const refusable = decodeRefusable(record({ value: data({ asset: 840 }), headers }), TOPIC);
    expect(refusable).toMatchObject({ actor: 'ab', correlationId: id, traceparent: undefined, tracestate: undefined });
    expect(refusable?.data).toEqual({ id: account });
  });

  it('is refused only where its data still has what the refusal must repeat', () => {
    const [debit, credit, transfer] = [newId('account'), newId('account'), newId('transfer')];
    const facts = {
      id: transfer,
      payment: null,
      debit_account: debit,
      credit_account: credit,
      amount: '5',
      asset: 'USD',
    };
    const headers = { ce_type: 'payflow.transfer.post.v1', ce_subject: transfer };
    const refusable = (change: object) =>
      decodeRefusable(
        record({ key: Buffer.from(debit), headers, value: JSON.stringify({ ...facts, ...change }) }),
        TOPIC,
      );
    expect(refusable({ valid_until: 'tomorrow' })?.data).toEqual(facts);
    expect(refusable({ amount: 5 })).toBeUndefined();
    expect(refusable({ credit_account: undefined })).toBeUndefined();
    expect(refusable({ debit_account: credit })).toBeUndefined();
  });
});
