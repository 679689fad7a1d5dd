import { newId, type MessageType, type Topic } from '@payflow/contracts';
import type { LogRecord, RecordToWrite } from '../house/records.js';

/** A way in which a record is no message of ours, whoever reads it. */
export interface BadKind {
  readonly name: string;
  readonly spoil: (good: RecordToWrite) => RecordToWrite;
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

/** Each reader that wants the type sets such a record aside and goes on (docs/reliability.md, Kafka). */
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
    spoil: (good) => withValue(good, JSON.stringify({ ...dataOf(good), amount: undefined })),
  },
  { name: 'an amount as a number', spoil: (good) => withValue(good, JSON.stringify({ ...dataOf(good), amount: 1e3 })) },
  { name: 'nested too deep', spoil: (good) => withValue(good, `${'['.repeat(DEPTH)}${']'.repeat(DEPTH)}`) },
  {
    name: '1 MB',
    spoil: (good) => withValue(good, JSON.stringify({ ...dataOf(good), filler: 'x'.repeat(VALUE_BYTES_HUGE) })),
  },
  { name: 'no type', spoil: (good) => without(good, 'ce_type') },
  { name: 'no id', spoil: (good) => without(good, 'ce_id') },
  { name: 'malformed id', spoil: (good) => withHeaders(good, { ce_id: 'evt_\u0000\\"' }) },
  { name: 'no tenant', spoil: (good) => without(good, 'ce_tenant') },
  { name: 'unknown specversion', spoil: (good) => withHeaders(good, { ce_specversion: '7.0' }) },
  { name: 'key differs from payload', spoil: (good) => ({ ...good, key: Buffer.from(newId('account')) }) },
  { name: 'absurd timestamp', spoil: (good) => withHeaders(good, { ce_time: '+275761-09-13T00:00:00.000Z' }) },
  { name: 'absurd version', spoil: (good) => withHeaders(good, { ce_aggregateversion: '-1' }) },
  {
    name: '1,000 headers',
    spoil: (good) =>
      withHeaders(good, Object.fromEntries(Array.from({ length: HEADERS_MANY }, (_, at) => [`x-${at}`, 'y']))),
  },
];

/** On each topic the type that all of its readers want, and one that belongs to another topic. */
export const WANTED_BY_ALL: Readonly<Record<Topic, { readonly type: MessageType; readonly elsewhere: MessageType }>> = {
  'payments.commands.v1': { type: 'payflow.payment.create.v1', elsewhere: 'payflow.payment.succeeded.v1' },
  'payments.events.v1': { type: 'payflow.payment.succeeded.v1', elsewhere: 'payflow.payment.create.v1' },
  'ledger.commands.v1': { type: 'payflow.transfer.post.v1', elsewhere: 'payflow.transfer.posted.v1' },
  'ledger.events.v1': { type: 'payflow.transfer.posted.v1', elsewhere: 'payflow.transfer.post.v1' },
};

/** One record of each bad kind, made of a good one of the topic. */
export function badRecords(
  topic: Topic,
  records: readonly LogRecord[],
): { readonly name: string; readonly record: RecordToWrite }[] {
  const { type, elsewhere } = WANTED_BY_ALL[topic];
  const good = goodRecord(records, type);
  const kinds: BadKind[] = [
    ...UNDECODABLE,
    { name: 'of another topic', spoil: (record) => withHeaders(record, { ce_type: elsewhere }) },
  ];
  return kinds.map(({ name, spoil }) => ({ name, record: spoil(renewed(good)) }));
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
