import { promisify } from 'node:util';
import { deflateRaw, deflateRawSync, inflateRawSync, type ZlibOptions } from 'node:zlib';

/** A value as text. Decoding throws for what it did not write. */
export interface Codec<V> {
  encode(value: V): string;
  decode(text: string): V;
}

/** For values that are JSON as they are. */
export function jsonCodec<V>(): Codec<V> {
  return { encode: (value) => JSON.stringify(value), decode: (text) => JSON.parse(text) as V };
}

/** Below it, deflating costs more time than the bytes it saves. */
const COMPRESSED_FROM_BYTES = 1_024;
const LEVEL: ZlibOptions = { level: 1 };
const deflateAside = promisify<Buffer, ZlibOptions, Buffer>(deflateRaw);
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
export function packFrame(frame: Frame): Buffer {
  const plain = Buffer.from(frame.text);
  return plain.length > COMPRESSED_FROM_BYTES
    ? framed(frame, 'deflated', deflateRawSync(plain, LEVEL))
    : framed(frame, 'plain', plain);
}

/** {@link packFrame} beside the event loop: a page of history takes longer to deflate than to read. */
export async function packFrameAside(frame: Frame): Promise<Buffer> {
  const plain = Buffer.from(frame.text);
  return plain.length > COMPRESSED_FROM_BYTES
    ? framed(frame, 'deflated', await deflateAside(plain, LEVEL))
    : framed(frame, 'plain', plain);
}

function framed({ at, tokens }: Frame, form: 'plain' | 'deflated', body: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`${FORMAT} ${at} ${form} ${tokens.join(',')}\n`), body]);
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
