/** OIDs of element types, from the server's catalogue. */
const UUID = { oid: 2950, bytes: 16 } as const;
const INT8 = { oid: 20, bytes: 8 } as const;
const BYTEA_OID = 17;

/** Dimensions, whether there are nulls, the elements' type, their number, and what the first is counted as. */
const HEADER_BYTES = 20;
const LENGTH_BYTES = 4;
/** The length of what is null. */
const NULL_LENGTH = -1;

/**
 * Array parameters in the wire's binary format, which the driver sends as they are. For hot statements: to read them as text costs
 * the server more than the row's insert into an index, and this process as much again to write them. The statement casts the
 * parameter to what it is here: `$1::uuid[]`, `$2::bigint[]`.
 */
export function uuidArray(texts: readonly (string | null)[]): Buffer {
  return arrayOf(UUID, texts, writeUuid);
}

/** Of a `bytea[]` whose elements are equally long, from hexadecimal. */
export function hexArray(texts: readonly string[]): Buffer {
  return arrayOf({ oid: BYTEA_OID, bytes: (texts[0]?.length ?? 0) / 2 }, texts, writeHex);
}

/** A column in which nothing stands is sent without elements: `unnest` makes up for what an array is shorter than the others. */
export function sparse<T>(values: readonly (T | null)[]): readonly (T | null)[] {
  return values.every((value) => value === null) ? [] : values;
}

/** Or their digits. */
export function bigintArray(numbers: readonly (bigint | number | string | null)[]): Buffer {
  return arrayOf(INT8, numbers, writeBigint);
}

function arrayOf<T>(
  { oid, bytes }: { readonly oid: number; readonly bytes: number },
  values: readonly (T | null)[],
  write: (buffer: Buffer, at: number, value: T) => void,
): Buffer {
  const nulls = values.reduce<number>((count, value) => (value === null ? count + 1 : count), 0);
  const buffer = Buffer.allocUnsafe(HEADER_BYTES + values.length * (LENGTH_BYTES + bytes) - nulls * bytes);
  buffer.writeInt32BE(1, 0);
  buffer.writeInt32BE(nulls > 0 ? 1 : 0, 4);
  buffer.writeInt32BE(oid, 8);
  buffer.writeInt32BE(values.length, 12);
  buffer.writeInt32BE(1, 16);
  let at = HEADER_BYTES;
  for (const value of values) {
    buffer.writeInt32BE(value === null ? NULL_LENGTH : bytes, at);
    at += LENGTH_BYTES;
    if (value === null) continue;
    write(buffer, at, value);
    at += bytes;
  }
  return buffer;
}

const DASH = '-'.charCodeAt(0);
const UUID_LENGTH = 36;

/** What a hexadecimal digit is worth, by its character's code. */
const NIBBLES = new Uint8Array(128);
for (const [value, digit] of [...'0123456789abcdef'].entries()) {
  NIBBLES[digit.charCodeAt(0)] = value;
  NIBBLES[digit.toUpperCase().charCodeAt(0)] = value;
}

/** Of a text that is a UUID: ids are validated at the edge, and here are only written. */
function writeUuid(buffer: Buffer, at: number, text: string): void {
  if (text.length !== UUID_LENGTH) throw new RangeError('not a UUID');
  let to = at;
  for (let from = 0; from < UUID_LENGTH; from++) {
    if (text.charCodeAt(from) !== DASH) buffer[to++] = byteAt(text, from++);
  }
}

function writeHex(buffer: Buffer, at: number, text: string): void {
  for (let from = 0; from < text.length; from += 2) buffer[at + from / 2] = byteAt(text, from);
}

function byteAt(text: string, from: number): number {
  return ((NIBBLES[text.charCodeAt(from)] as number) << 4) | (NIBBLES[text.charCodeAt(from + 1)] as number);
}

function writeBigint(buffer: Buffer, at: number, value: bigint | number | string): void {
  buffer.writeBigInt64BE(BigInt(value), at);
}
