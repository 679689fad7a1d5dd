import { newId, type Group, type MessageType, type SUBSCRIPTIONS, type SubscriptionSpec } from '@payflow/contracts';
import type { LogRecord, RecordToWrite } from '../house/records.js';

/** A way in which a record is no message of ours, whoever reads it. */
export interface BadKind {
  readonly name: string;
  readonly spoil: (good: RecordToWrite) => RecordToWrite;
  /** It shows before the type does: a reader sets it aside whatever it asks for. */
  readonly forAll?: true;
}

const HEADERS_MANY = 1_000;
const VALUE_BYTES_HUGE = 1_000_000;
const DEPTH = 20_000;

const withHeaders = (record: RecordToWrite, headers: Record<string, string>): RecordToWrite => ({
  ...record,
  headers: { ...record.headers, ...headers },
});
const withValue = (record: RecordToWrite, value: string | Buffer | null): RecordToWrite => ({
  ...record,
  value: typeof value === 'string' ? Buffer.from(value) : value,
});
const without = (record: RecordToWrite, header: string): RecordToWrite => ({
  ...record,
  headers: Object.fromEntries(Object.entries(record.headers).filter(([name]) => name !== header)),
});
const dataOf = (record: RecordToWrite): Record<string, unknown> =>
  JSON.parse(record.value?.toString() ?? '{}') as Record<string, unknown>;

const MONEY_FIELDS = ['amount', 'posted_credits'];
const withMoneyAsNumber = (record: RecordToWrite): RecordToWrite => {
  const data = dataOf(record);
  const field = MONEY_FIELDS.find((name) => name in data) as string;
  return withValue(record, JSON.stringify({ ...data, [field]: 1e3 }));
};

/** Each reader that wants the type sets such a record aside and goes on (docs/the-way-of-a-message.md). */
export const UNDECODABLE: readonly BadKind[] = [
  { name: 'null value', spoil: (good) => withValue(good, null) },
  { name: 'null key', spoil: (good) => ({ ...good, key: null }) },
  { name: 'empty value', spoil: (good) => withValue(good, '') },
  { name: 'not JSON', spoil: (good) => withValue(good, '{"id": ') },
  {
    name: 'not UTF-8',
    spoil: (good) => withValue(good, Buffer.concat([Buffer.from('"'), Buffer.from([0xff, 0xfe]), Buffer.from('"')])),
  },
  { name: 'JSON, and no object', spoil: (good) => withValue(good, '[1,2,3]') },
  {
    name: 'a field is missing',
    spoil: (good) => withValue(good, JSON.stringify({ ...dataOf(good), id: undefined })),
  },
  { name: 'an amount as a number', spoil: withMoneyAsNumber },
  { name: 'nested too deep', spoil: (good) => withValue(good, `${'['.repeat(DEPTH)}${']'.repeat(DEPTH)}`) },
  {
    name: '1 MB',
    spoil: (good) => withValue(good, JSON.stringify({ ...dataOf(good), filler: 'x'.repeat(VALUE_BYTES_HUGE) })),
  },
  { name: 'no type', spoil: (good) => without(good, 'ce_type'), forAll: true },
  { name: 'no id', spoil: (good) => without(good, 'ce_id') },
  { name: 'malformed id', spoil: (good) => withHeaders(good, { ce_id: 'evt_\u0000\\"' }) },
  { name: 'no tenant', spoil: (good) => without(good, 'ce_tenant') },
  { name: 'unknown specversion', spoil: (good) => withHeaders(good, { ce_specversion: '7.0' }), forAll: true },
  { name: 'key differs from payload', spoil: (good) => ({ ...good, key: Buffer.from(newId('account')) }) },
  { name: 'absurd timestamp', spoil: (good) => withHeaders(good, { ce_time: '+275761-09-13T00:00:00.000Z' }) },
  { name: 'absurd version', spoil: (good) => withHeaders(good, { ce_aggregateversion: '-1' }) },
  {
    name: '1,000 headers',
    spoil: (good) =>
      withHeaders(good, Object.fromEntries(Array.from({ length: HEADERS_MANY }, (_, at) => [`x-${at}`, 'y']))),
  },
];

interface TypesOfTopic {
  /** Types of the topic such that each of its readers asks for one of them. */
  readonly types: readonly MessageType[];
  readonly elsewhere: MessageType;
}

/** What nobody in the house reads, nobody has to set aside. */
export type ReadTopic = (typeof SUBSCRIPTIONS)[Group]['topic'];

const TYPES: Readonly<Record<ReadTopic, TypesOfTopic>> = {
  'payments.commands.v1': { types: ['payflow.payment.create.v1'], elsewhere: 'payflow.payment.succeeded.v1' },
  'payments.events.v1': { types: ['payflow.payment.succeeded.v1'], elsewhere: 'payflow.payment.create.v1' },
  'ledger.commands.v1': { types: ['payflow.transfer.post.v1'], elsewhere: 'payflow.transfer.posted.v1' },
  'ledger.events.v1': {
    types: ['payflow.transfer.posted.v1', 'payflow.account.opened.v1'],
    elsewhere: 'payflow.transfer.post.v1',
  },
};

export interface BadRecord {
  readonly name: string;
  readonly record: RecordToWrite;
  /** Whether the reader has to set it aside, rather than pass over it as nothing it asks for. */
  readonly isFor: (reader: SubscriptionSpec) => boolean;
}

/** One record of each bad kind, made of good ones of the topic. */
export function badRecords(topic: ReadTopic, records: readonly LogRecord[]): BadRecord[] {
  const { types, elsewhere } = TYPES[topic];
  const kinds: BadKind[] = [
    ...UNDECODABLE,
    { name: 'of another topic', spoil: (record) => withHeaders(record, { ce_type: elsewhere }), forAll: true },
  ];
  return types.flatMap((type) => {
    const good = goodRecord(records, type);
    return kinds.map(({ name, spoil, forAll }) => ({
      name: `${type}, ${name}`,
      record: spoil(renewed(good)),
      isFor: (reader: SubscriptionSpec) => forAll === true || reader.types.includes(type),
    }));
  });
}

/** The first record of the type, and of one of the keys where they are named. */
export function goodRecord(records: readonly LogRecord[], type: MessageType, keys?: readonly string[]): RecordToWrite {
  const found = records.find(
    (record) => record.headers['ce_type']?.toString() === type && (keys?.includes(String(record.key)) ?? true),
  );
  if (!found) throw new Error(`no ${type} among ${records.length} records`);
  const { partition, key, value, headers } = found;
  return { partition, key, value, headers };
}

/** The same under an id of its own. */
export function renewed(record: RecordToWrite): RecordToWrite {
  return withHeaders(record, { ce_id: newId('event') });
}

export function ofType(record: RecordToWrite, type: string): RecordToWrite {
  return withHeaders(record, { ce_type: type });
}

export function withData(record: RecordToWrite, change: Readonly<Record<string, unknown>>): RecordToWrite {
  return withValue(record, JSON.stringify({ ...dataOf(record), ...change }));
}

export function idOf(record: RecordToWrite): string {
  return record.headers['ce_id']?.toString() ?? '';
}
