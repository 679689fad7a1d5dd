import { deflateRawSync, inflateRawSync } from 'node:zlib';

/** A value as text. Decoding throws for what it did not write. */
export interface Codec<V> {
  encode(value: V): string;
  decode(text: string): V;
}

/** For values that are JSON as they are. */
export function jsonCodec<V>(): Codec<V> {
  return { encode: (value) => JSON.stringify(value), decode: (text) => JSON.parse(text) as V };
}

/** For values that are text already. */
export const textCodec: Codec<string> = { encode: (text) => text, decode: (text) => text };

/** Below it, deflating costs more time than the bytes it saves. */
const COMPRESSED_FROM_BYTES = 1_024;
const NEWLINE = 10;
const FORMAT = 'c1';

/** A value as Redis keeps it, with what decides whether it may still be used. */
export interface Frame {
  /** When it was loaded, ms since 1970. */
  readonly at: number;
  /** What its tags stood at before it was loaded: with any of them gone or another, the value is void. */
  readonly tokens: readonly string[];
  readonly text: string;
}

/** One line of head, then the value, deflated where that pays. */
export function packFrame({ at, tokens, text }: Frame): Buffer {
  const plain = Buffer.from(text);
  const deflates = plain.length > COMPRESSED_FROM_BYTES;
  const head = Buffer.from(`${FORMAT} ${at} ${deflates ? 'deflated' : 'plain'} ${tokens.join(',')}\n`);
  return Buffer.concat([head, deflates ? deflateRawSync(plain, { level: 1 }) : plain]);
}

/** The frame in these bytes, or undefined when they are none of ours. */
export function unpackFrame(bytes: Buffer): Frame | undefined {
  const end = bytes.indexOf(NEWLINE);
  const [format, at, form, tokens = ''] = bytes.subarray(0, Math.max(end, 0)).toString('latin1').split(' ');
  if (format !== FORMAT) return undefined;
  const body = bytes.subarray(end + 1);
  try {
    const text = (form === 'deflated' ? inflateRawSync(body) : body).toString();
    return { at: Number(at), tokens: tokens.split(','), text };
  } catch {
    return undefined;
  }
}
