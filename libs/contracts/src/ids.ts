import { hash, randomFillSync } from 'node:crypto';
import { v7 } from 'uuid';

/** TypeID prefixes in use, by resource. An id is `<prefix>_<26 base32 digits>`, a UUIDv7 inside (TypeID specification 0.3). */
export const ID_PREFIXES = {
  payment: 'pay',
  account: 'acct',
  transfer: 'tr',
  group: 'grp',
  bulk: 'bulk',
  hold: 'hold',
  capture: 'cap',
  refund: 're',
  increment: 'inc',
  confirmation: 'cnf',
  cancellation: 'cnl',
  dispute: 'dp',
  attempt: 'att',
  review: 'rev',
  limit: 'lim',
  riskRule: 'rule',
  customer: 'cus',
  event: 'evt',
  tenant: 'org',
  apiKey: 'key',
  user: 'usr',
  session: 'ses',
  auditEntry: 'aud',
  block: 'blk',
  loggedRequest: 'rlog',
} as const;

export type IdKind = keyof typeof ID_PREFIXES;

const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';
const SUFFIX_DIGITS = 26;
const NOT_A_DIGIT = 255;

// Ids are converted a dozen times on a payment's way, so both directions go through tables and write into one buffer: built of
// pieces, a text would leave ten others to the garbage collector.
const BASE32_VALUES = valuesOf(ALPHABET);
const HEX_VALUES = valuesOf('0123456789abcdef');
const BASE32_CODES = codesOf(ALPHABET);
const HEX_CODES = codesOf('0123456789abcdef');
const UUID_TEXT = Buffer.from('00000000-0000-0000-0000-000000000000');
const ID_TEXTS = Object.fromEntries(
  Object.entries(ID_PREFIXES).map(([kind, prefix]) => [
    kind,
    Buffer.from(`${prefix}_`.padEnd(prefix.length + 1 + SUFFIX_DIGITS, '0')),
  ]),
) as Record<IdKind, Buffer>;

function codesOf(digits: string): Uint8Array {
  return Uint8Array.from(digits, (digit) => digit.charCodeAt(0));
}

function valuesOf(digits: string): Uint8Array {
  const values = new Uint8Array(128).fill(NOT_A_DIGIT);
  for (let value = 0; value < digits.length; value++) values[digits.charCodeAt(value)] = value;
  return values;
}

/** A new id of the kind, ordered by time. */
export function newId(kind: IdKind): string {
  return fromUuid(kind, newUuid());
}

/** A new UUIDv7, for rows that have no public id. */
export function newUuid(): string {
  return v7({ rng: nextRandom });
}

/**
 * The UUIDv7 of what is made once of a thing, under a name: of the thing's time, and the same however often it is asked for. For
 * commands that must be sent again byte for byte.
 */
export function derivedUuid(uuid: string, name: string | number): string {
  const digits = hash('sha256', `${uuid}/${name}`, 'hex');
  return `${uuid.slice(0, 14)}7${digits.slice(0, 3)}-a${digits.slice(3, 6)}-${digits.slice(6, 18)}`;
}

/**
 * The same, of version 8: for what a service makes for itself among what clients name. No client can have given it to anything: theirs
 * are of version 7 ({@link isClientId}), and everybody knows how a derived one comes about.
 */
export function ownUuid(uuid: string, name: string | number): string {
  return derivedUuid(uuid, name).replace(/^(.{14})7/, '$18');
}

const RANDOM_BYTES = 16;
// One call into the kernel's generator for 256 ids: asked for 16 bytes at a time it takes 3 µs an id.
const randomPool = new Uint8Array(RANDOM_BYTES * 256);
let randomUsed = randomPool.length;

function nextRandom(): Uint8Array {
  if (randomUsed === randomPool.length) {
    randomFillSync(randomPool);
    randomUsed = 0;
  }
  // A copy: the generator writes version and time into what it is given.
  return randomPool.slice(randomUsed, (randomUsed += RANDOM_BYTES));
}

/** The public id of a UUID (canonical form, lower case). */
export function fromUuid(kind: IdKind, uuid: string): string {
  const text = ID_TEXTS[kind];
  const at = text.length - SUFFIX_DIGITS;
  // 8 bits, then six groups of 20 bits: five hex digits are four of base 32. The offsets step over the hyphens.
  const head = (hexAt(uuid, 0) << 4) | hexAt(uuid, 1);
  text[at] = BASE32_CODES[head >> 5] as number;
  text[at + 1] = BASE32_CODES[head & 31] as number;
  fourDigits(text, at + 2, twentyBitsOf(uuid, 2, 3, 4, 5, 6));
  fourDigits(text, at + 6, twentyBitsOf(uuid, 7, 9, 10, 11, 12));
  fourDigits(text, at + 10, twentyBitsOf(uuid, 14, 15, 16, 17, 19));
  fourDigits(text, at + 14, twentyBitsOf(uuid, 20, 21, 22, 24, 25));
  fourDigits(text, at + 18, twentyBitsOf(uuid, 26, 27, 28, 29, 30));
  fourDigits(text, at + 22, twentyBitsOf(uuid, 31, 32, 33, 34, 35));
  return text.toString('latin1');
}

/** Twenty bits as four digits of an id, at a place of its text. */
function fourDigits(text: Uint8Array, at: number, bits: number): void {
  text[at] = BASE32_CODES[bits >> 15] as number;
  text[at + 1] = BASE32_CODES[(bits >> 10) & 31] as number;
  text[at + 2] = BASE32_CODES[(bits >> 5) & 31] as number;
  text[at + 3] = BASE32_CODES[bits & 31] as number;
}

/** The value of the five hexadecimal digits at these places. */
function twentyBitsOf(uuid: string, a: number, b: number, c: number, d: number, e: number): number {
  return (
    (hexAt(uuid, a) << 16) | (hexAt(uuid, b) << 12) | (hexAt(uuid, c) << 8) | (hexAt(uuid, d) << 4) | hexAt(uuid, e)
  );
}

function hexAt(uuid: string, at: number): number {
  return HEX_VALUES[uuid.charCodeAt(at)] ?? 0;
}

/** The UUID of a public id of that kind, or undefined when the text is not one. */
export function toUuid(kind: IdKind, id: unknown): string | undefined {
  const prefix = ID_PREFIXES[kind];
  const start = prefix.length + 1;
  if (typeof id !== 'string' || id.length !== start + SUFFIX_DIGITS || id[start - 1] !== '_' || !id.startsWith(prefix))
    return undefined;
  const head = digitAt(id, start);
  const next = digitAt(id, start + 1);
  const a = twentyBits(id, start + 2);
  const b = twentyBits(id, start + 6);
  const c = twentyBits(id, start + 10);
  const d = twentyBits(id, start + 14);
  const e = twentyBits(id, start + 18);
  const f = twentyBits(id, start + 22);
  // The first digit holds three bits: 26 digits are 130 bits, a UUID has 128.
  if (head > 7 || next > 31 || (a | b | c | d | e | f) < 0) return undefined;
  const first = (head << 5) | next;
  UUID_TEXT[0] = HEX_CODES[first >> 4] as number;
  UUID_TEXT[1] = HEX_CODES[first & 15] as number;
  fiveHex(a, 2, 3, 4, 5, 6);
  fiveHex(b, 7, 9, 10, 11, 12);
  fiveHex(c, 14, 15, 16, 17, 19);
  fiveHex(d, 20, 21, 22, 24, 25);
  fiveHex(e, 26, 27, 28, 29, 30);
  fiveHex(f, 31, 32, 33, 34, 35);
  return UUID_TEXT.toString('latin1');
}

/** The value of four base-32 digits, negative when one of them is none. */
function twentyBits(id: string, at: number): number {
  const [a, b, c, d] = [digitAt(id, at), digitAt(id, at + 1), digitAt(id, at + 2), digitAt(id, at + 3)];
  return (a | b | c | d) > 31 ? -1 : (a << 15) | (b << 10) | (c << 5) | d;
}

/** Twenty bits at these places of the UUID's text. */
function fiveHex(bits: number, a: number, b: number, c: number, d: number, e: number): void {
  UUID_TEXT[a] = HEX_CODES[bits >> 16] as number;
  UUID_TEXT[b] = HEX_CODES[(bits >> 12) & 15] as number;
  UUID_TEXT[c] = HEX_CODES[(bits >> 8) & 15] as number;
  UUID_TEXT[d] = HEX_CODES[(bits >> 4) & 15] as number;
  UUID_TEXT[e] = HEX_CODES[bits & 15] as number;
}

function digitAt(id: string, at: number): number {
  return BASE32_VALUES[id.charCodeAt(at)] ?? NOT_A_DIGIT;
}

/** {@link toUuid} for an id that a schema has already checked: anything else is a bug. */
export function uuidOf(kind: IdKind, id: string): string {
  if (kind === 'tenant' && id === lastTenant.id) return lastTenant.uuid;
  const uuid = toUuid(kind, id);
  if (uuid === undefined) throw new TypeError(`not a ${kind} id`);
  if (kind === 'tenant') lastTenant = { id, uuid };
  return uuid;
}

/** Most batches are one tenant's, and each of their messages names it. */
let lastTenant = { id: '', uuid: '' };

/** True for a well-formed id of the kind whose UUID is a version 7, as clients must choose theirs. */
export function isClientId(kind: IdKind, id: unknown): id is string {
  const uuid = toUuid(kind, id);
  return uuid !== undefined && uuid[14] === '7' && '89ab'.includes(uuid[19] ?? '');
}

/** JSON Schema pattern of an id of the kind. */
export function idPattern(kind: IdKind): string {
  return `^${ID_PREFIXES[kind]}_[0-7][${ALPHABET}]{${SUFFIX_DIGITS - 1}}$`;
}
