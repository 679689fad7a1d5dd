import { isUtf8 } from 'node:buffer';
import {
  MESSAGES,
  TOPICS,
  isMessageType,
  toUuid,
  type AnyMessage,
  type MessageType,
  type Refusable,
  type Topic,
} from '@payflow/contracts';
import type { RawRecord, RecordToSend } from './broker/port.js';
import type { MessageContext } from './outgoing.js';
import { NUL, storableText } from './runner/storable.js';
import { parseTraceparent } from './trace.js';
import { readerErrors, refusableFields } from './validation.js';

const SPEC_VERSION = '1.0';
const CONTENT_TYPE = 'application/json';
/** More context than this is not ours, and not worth the memory. */
const HEADERS_MAX = 64;

/** A month's figures may be this large, a group of transfers two thirds of it, everything else far less; the broker would carry more. */
const VALUE_BYTES_MAX = 786_432;
/** No message of ours is nested deeper than 5, and a value that is can break whoever writes it down again. */
const VALUE_DEPTH_MAX = 64;
const [QUOTE, BACKSLASH, OPEN_ARRAY, CLOSE_ARRAY, OPEN_OBJECT, CLOSE_OBJECT] = Buffer.from('"\\[]{}');
const REFUSABLE_HEADERS = ['ce_type', 'ce_id', 'ce_tenant', 'ce_subject', 'ce_livemode'];
/** Those of which no shape is asked for. */
const CONTEXT_TEXTS = ['ce_subject', 'ce_correlationid', 'ce_actor', 'traceparent', 'tracestate'];
const ACTOR_LENGTH_MAX = 255;
const INSTANT = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/;

const LONE_SURROGATE = /\p{Surrogate}/u;
/** What a record turned out to be. `undecodable` can never be applied; `newer` waits for a newer reader. */
export type Decoded =
  | { readonly kind: 'message'; readonly message: AnyMessage }
  | { readonly kind: 'skipped'; readonly type: string }
  | { readonly kind: 'unknown'; readonly type: string }
  | { readonly kind: 'newer'; readonly type: string }
  | { readonly kind: 'undecodable'; readonly reason: string; readonly eventId: string | null };

/** A message as a CloudEvents 1.0 record in Kafka's binary mode. `value` is the data, already JSON. */
export function encodeRecord(message: MessageContext, value: string): RecordToSend {
  const headers: Record<string, string> = {
    ce_specversion: SPEC_VERSION,
    ce_id: message.id,
    ce_source: `/payflow/${publisherOf(message.type)}`,
    ce_type: message.type,
    ce_subject: message.subject,
    ce_time: message.time,
    ce_dataschema: `/schemas/${message.type}`,
    ce_tenant: message.tenant,
    ce_aggregateversion: String(message.aggregateVersion),
    ce_causationid: message.causationId,
    ce_correlationid: message.correlationId,
    ce_actor: message.actor,
    ce_livemode: message.livemode ? 'true' : 'false',
    'content-type': CONTENT_TYPE,
  };
  if (message.traceparent) headers['traceparent'] = message.traceparent;
  if (message.tracestate) headers['tracestate'] = message.tracestate;
  return { key: message.key, value, headers };
}

/** Events come from their topic's owner; commands may come from several services, and are named after the topic's. */
function publisherOf(type: string): string {
  return isMessageType(type) ? TOPICS[MESSAGES[type].topic].owner : 'runner';
}

/** Reads a record of the topic for a reader that handles `wanted`. Never throws. */
export function decodeRecord(record: RawRecord, topic: Topic, wanted: ReadonlySet<string>): Decoded {
  const eventId = text(record, 'ce_id') ?? null;
  const fail = (reason: string): Decoded => ({ kind: 'undecodable', reason, eventId });
  const type = text(record, 'ce_type');
  if (!type) return fail('type_missing');
  if (text(record, 'ce_specversion') !== SPEC_VERSION) return fail('specversion_unknown');
  if (!isMessageType(type)) return isNewerMajor(type) ? { kind: 'newer', type } : { kind: 'unknown', type };
  if (MESSAGES[type].topic !== topic) return fail('wrong_topic');
  if (!wanted.has(type)) return { kind: 'skipped', type };
  if (Object.keys(record.headers).length > HEADERS_MAX) return fail('too_many_headers');
  return decodeMessage(record, type, fail);
}

function decodeMessage(record: RawRecord, type: MessageType, fail: (reason: string) => Decoded): Decoded {
  const id = text(record, 'ce_id');
  if (!toUuid('event', id)) return fail('id_malformed');
  const tenant = text(record, 'ce_tenant');
  if (!toUuid('tenant', tenant)) return fail('tenant_malformed');
  const livemode = text(record, 'ce_livemode');
  if (livemode !== 'true' && livemode !== 'false') return fail('mode_malformed');
  const version = Number(text(record, 'ce_aggregateversion') ?? '0');
  if (!Number.isSafeInteger(version) || version < 0) return fail('version_malformed');
  const causationId = text(record, 'ce_causationid') ?? id;
  if (!toUuid('event', causationId)) return fail('causation_malformed');
  const time = text(record, 'ce_time');
  if (!time || !INSTANT.test(time)) return fail('time_malformed');
  if (record.value === null) return fail('value_missing');
  if (record.value.length > VALUE_BYTES_MAX) return fail('value_too_large');
  const data = parseJson(record.value);
  if (data === undefined) return fail('not_json');
  if (isTooDeep(record.value)) return fail('value_too_deep');
  if (!isText(record, data)) return fail('text_malformed');
  const errors = readerErrors(type, data);
  if (errors) return fail(`schema: ${errors}`);
  const key = record.key?.toString();
  if (key === undefined) return fail('key_missing');
  const spec = MESSAGES[type] as { key(data: unknown): string };
  if (key !== spec.key(data)) return fail('key_differs');
  return {
    kind: 'message',
    message: {
      id,
      type,
      subject: text(record, 'ce_subject') ?? key,
      tenant,
      livemode: livemode === 'true',
      key,
      aggregateVersion: version,
      causationId,
      correlationId: text(record, 'ce_correlationid') ?? id,
      actor: text(record, 'ce_actor') ?? 'unknown',
      time,
      traceparent: text(record, 'traceparent'),
      tracestate: text(record, 'tracestate'),
      data,
    } as AnyMessage,
  };
}

/**
 * What can be read of a record that is no message, if it is enough to refuse a command: who asked, for what, and the data that
 * the refusal repeats. Undefined where any of it is missing, or contradicts the rest: nobody is refused on a guess.
 */
export function decodeRefusable(record: RawRecord, topic: Topic): Refusable | undefined {
  const [type, id, tenant, subject, livemode] = REFUSABLE_HEADERS.map((header) => text(record, header));
  if (text(record, 'ce_specversion') !== SPEC_VERSION || !type || !isMessageType(type)) return undefined;
  if (MESSAGES[type].topic !== topic || !toUuid('event', id) || !toUuid('tenant', tenant)) return undefined;
  if (livemode !== 'true' && livemode !== 'false') return undefined;
  const data = refusableFields(type, { id: subject, ...objectIn(record.value) });
  const key = record.key?.toString();
  if (
    !data ||
    !isStorable(data) ||
    data['id'] !== subject ||
    key !== (MESSAGES[type] as { key(data: unknown): string }).key(data)
  )
    return undefined;
  const traceparent = text(record, 'traceparent');
  const correlationId = text(record, 'ce_correlationid');
  return {
    id,
    type,
    subject,
    tenant,
    livemode: livemode === 'true',
    key,
    aggregateVersion: 0,
    causationId: id,
    correlationId: toUuid('event', correlationId) ? correlationId : id,
    actor: storableText(text(record, 'ce_actor') ?? 'unknown', ACTOR_LENGTH_MAX),
    time: new Date().toISOString(),
    traceparent: parseTraceparent(traceparent) && traceparent,
    tracestate: undefined,
    data,
  } as unknown as Refusable;
}

/** `payflow.payment.create.v7` when version 1 is known: a newer publisher speaks, and skipping it would lose its meaning. */
function isNewerMajor(type: string): boolean {
  const [, name, version] = /^(payflow\.[a-z_.]+)\.v([0-9]{1,4})$/.exec(type) ?? [];
  if (!name || !version) return false;
  return Object.keys(MESSAGES).some((known) => known.startsWith(`${name}.v`));
}

function parseJson(value: Buffer): unknown {
  if (!isUtf8(value)) return undefined;
  try {
    return JSON.parse(value.toString('utf8'));
  } catch {
    return undefined;
  }
}

function objectIn(value: Buffer | null): object {
  const data = value && parseJson(value);
  return typeof data === 'object' && data !== null && !Array.isArray(data) ? data : {};
}

/**
 * Whether all of its texts can be stored: those of the context, and those of the data. JSON in UTF-8 holds what no text of Postgres can,
 * NUL and lone surrogates, only written as escapes, and hardly any message has one.
 */
function isText(record: RawRecord, data: unknown): boolean {
  if (CONTEXT_TEXTS.some((header) => record.headers[header]?.includes(NUL)) || record.key?.includes(NUL)) return false;
  return !record.value?.includes('\\u') || isStorable(data);
}

function isStorable(value: unknown): boolean {
  if (typeof value === 'string') return !LONE_SURROGATE.test(value) && !value.includes(NUL);
  if (Array.isArray(value)) return value.every(isStorable);
  if (typeof value !== 'object' || value === null) return true;
  return Object.entries(value).every((entry) => entry.every(isStorable));
}

function isTooDeep(value: Buffer): boolean {
  // Brackets inside strings are looked at only where there are enough of them to matter.
  return depthOf(value, false) > VALUE_DEPTH_MAX && depthOf(value, true) > VALUE_DEPTH_MAX;
}

/** How deep arrays and objects are nested in JSON text; `exact` leaves out the brackets inside strings. */
function depthOf(value: Buffer, exact: boolean): number {
  let depth = 0;
  let deepest = 0;
  let inString = false;
  for (let at = 0; at < value.length; at++) {
    const byte = value[at];
    if (exact && byte === QUOTE) inString = !inString;
    else if (exact && inString) at += byte === BACKSLASH ? 1 : 0;
    else if (byte === OPEN_ARRAY || byte === OPEN_OBJECT) deepest = Math.max(deepest, ++depth);
    else if (byte === CLOSE_ARRAY || byte === CLOSE_OBJECT) depth -= 1;
  }
  return deepest;
}

function text(record: RawRecord, header: string): string | undefined {
  const value = record.headers[header];
  if (value === undefined || Array.isArray(value)) return undefined;
  return typeof value === 'string' ? value : value.toString('utf8');
}
