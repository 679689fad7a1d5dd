import { v7 } from 'uuid';

/** TypeID prefixes in use, by resource. An id is `<prefix>_<26 base32 digits>`, a UUIDv7 inside (TypeID specification 0.3). */
export const ID_PREFIXES = {
  payment: 'pay',
  account: 'acct',
  transfer: 'tr',
  event: 'evt',
  tenant: 'org',
  apiKey: 'key',
} as const;

export type IdKind = keyof typeof ID_PREFIXES;

const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';
const SUFFIX_DIGITS = 26;
const DIGIT_VALUES = new Uint8Array(128).fill(255);
for (let value = 0; value < ALPHABET.length; value++) DIGIT_VALUES[ALPHABET.charCodeAt(value)] = value;

const CHUNK_BITS = 40;
const CHUNK_HEX_DIGITS = CHUNK_BITS / 4;
const CHUNK_BASE32_DIGITS = CHUNK_BITS / 5;

/** A new id of the kind, ordered by time. */
export function newId(kind: IdKind): string {
  return fromUuid(kind, v7());
}

/** A new UUIDv7, for rows that have no public id. */
export function newUuid(): string {
  return v7();
}

/** The public id of a UUID (canonical form, lower case). */
export function fromUuid(kind: IdKind, uuid: string): string {
  // A UUID is 2 hex digits and three chunks of 40 bits, each 10 hex or 8 base32 digits: within a double's 53 bits.
  const hex = uuid.replaceAll('-', '');
  const head = parseInt(hex.slice(0, 2), 16);
  let suffix = ALPHABET.charAt(head >> 5) + ALPHABET.charAt(head & 31);
  for (let at = 2; at < hex.length; at += CHUNK_HEX_DIGITS) suffix += base32(parseInt(hex.slice(at, at + CHUNK_HEX_DIGITS), 16));
  return `${ID_PREFIXES[kind]}_${suffix}`;
}

function base32(chunk: number): string {
  let digits = '';
  for (let rest = chunk, i = 0; i < CHUNK_BASE32_DIGITS; i++) {
    digits = ALPHABET.charAt(rest % 32) + digits;
    rest = Math.floor(rest / 32);
  }
  return digits;
}

/** The UUID of a public id of that kind, or undefined when the text is not one. */
export function toUuid(kind: IdKind, id: unknown): string | undefined {
  const start = ID_PREFIXES[kind].length + 1;
  if (typeof id !== 'string' || id.length !== start + SUFFIX_DIGITS || !id.startsWith(`${ID_PREFIXES[kind]}_`)) return undefined;
  const head = digitAt(id, start);
  const next = digitAt(id, start + 1);
  if (head > 7 || next > 31) return undefined;
  let hex = ((head << 5) | next).toString(16).padStart(2, '0');
  for (let at = start + 2; at < id.length; at += CHUNK_BASE32_DIGITS) {
    const chunk = chunkAt(id, at);
    if (chunk < 0) return undefined;
    hex += chunk.toString(16).padStart(CHUNK_HEX_DIGITS, '0');
  }
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

function chunkAt(id: string, start: number): number {
  let chunk = 0;
  for (let at = start; at < start + CHUNK_BASE32_DIGITS; at++) {
    const digit = digitAt(id, at);
    if (digit > 31) return -1;
    chunk = chunk * 32 + digit;
  }
  return chunk;
}

function digitAt(id: string, at: number): number {
  return DIGIT_VALUES[id.charCodeAt(at)] ?? 255;
}

/** {@link toUuid} for an id that a schema has already checked: anything else is a bug. */
export function uuidOf(kind: IdKind, id: string): string {
  const uuid = toUuid(kind, id);
  if (uuid === undefined) throw new TypeError(`not a ${kind} id`);
  return uuid;
}

/** True for a well-formed id of the kind whose UUID is a version 7, as clients must choose theirs. */
export function isClientId(kind: IdKind, id: unknown): id is string {
  const uuid = toUuid(kind, id);
  return uuid !== undefined && uuid[14] === '7' && '89ab'.includes(uuid[19] ?? '');
}

/** JSON Schema pattern of an id of the kind. */
export function idPattern(kind: IdKind): string {
  return `^${ID_PREFIXES[kind]}_[0-7][${ALPHABET}]{${SUFFIX_DIGITS - 1}}$`;
}
